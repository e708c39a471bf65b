"""The widget of pods on their way to running, and out."""

from __future__ import annotations

from nbcontainer.widgets.live import LiveWidget, page_asset

__all__ = ["PodsWidget"]


class PodsWidget(LiveWidget):
    """A line for each pod, and Stop; its snapshot is what views.pods gives."""

    _esm = page_asset("pods.js")
    _css = page_asset("pods.css")
