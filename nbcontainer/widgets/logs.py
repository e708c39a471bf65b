"""The widget of a log."""

from __future__ import annotations

from nbcontainer.widgets.live import LiveWidget, page_asset

__all__ = ["LogWidget"]


class LogWidget(LiveWidget):
    """Lines of containers; its snapshot is what views.logs gives."""

    _esm = page_asset("logs.js")
    _css = page_asset("logs.css")
