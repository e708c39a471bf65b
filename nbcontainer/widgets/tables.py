"""The widget of a table."""

from __future__ import annotations

from nbcontainer.widgets.live import LiveWidget, page_asset

__all__ = ["TableWidget"]


class TableWidget(LiveWidget):
    """Rows that stay up to date; its snapshot is what views.tables gives."""

    _esm = page_asset("tables.js")
    _css = page_asset("tables.css")
