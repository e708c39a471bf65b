"""The widget of a running build."""

from __future__ import annotations

from nbcontainer.widgets.live import LiveWidget, page_asset

__all__ = ["BuildWidget"]


class BuildWidget(LiveWidget):
    """Steps, times, bytes and output of a build; its snapshot is what views.build.wire gives."""

    _esm = page_asset("build.js")
    _css = page_asset("build.css")
