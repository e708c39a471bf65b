"""The widget of a push or a pull."""

from __future__ import annotations

from nbcontainer.widgets.live import LiveWidget, page_asset

__all__ = ["TransferWidget"]


class TransferWidget(LiveWidget):
    """Layers on their way to or from a registry; its snapshot is what views.images.wire gives."""

    _esm = page_asset("images.js")
    _css = page_asset("images.css")
