"""The anywidget classes: traits and messages, no I/O. Loaded on first use, together with anywidget."""

from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.widgets import live as live
    from nbcontainer.widgets import tables as tables
else:
    __getattr__ = modules_on_use(__name__)
