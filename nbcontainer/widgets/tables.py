"""The widget of a live table."""

from __future__ import annotations

import traitlets

from nbcontainer.widgets.live import LiveWidget


class TablesWidget(LiveWidget):
    """A live table.

    Attributes:
        selected: the names of the selected rows, the same in all views: "web", or "shop/web" in a table of all
            namespaces. May be observed, and set.
    """

    selected = traitlets.List(traitlets.Unicode()).tag(sync=True)
