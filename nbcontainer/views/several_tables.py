"""How the tables of several kinds are drawn that are watched together: one below the other."""

from __future__ import annotations

from nbcontainer.model.several_tables import OneTable, SeveralTables
from nbcontainer.model.tables import TableReset
from nbcontainer.views.kit import Line, Picture, Span
from nbcontainer.views.registry import shows
from nbcontainer.views.tables import NONE, TableView
from nbcontainer.views.view import View


@shows(SeveralTables)
class SeveralTablesView(View[OneTable, SeveralTables]):
    """Tables on every surface; as by kubectl, those without rows are left out.

    Args:
        wide: as of a `TableView`.
    """

    def __init__(self, *, wide: bool = False) -> None:
        self._wide = wide
        self._views: dict[int, TableView] = {}
        self._titles: dict[int, str] = {}

    def _view(self, place: int) -> TableView:
        return self._views.setdefault(place, TableView(wide=self._wide))

    def line(self, event: OneTable) -> str | None:
        """The line of one table's view, below or after its kind."""
        text = self._view(event.place).line(event.event)
        if isinstance(event.event, TableReset):
            self._titles[event.place] = event.event.title
            return f"{event.event.title}\n{text}" if text else None
        title = self._titles.get(event.place, "")
        return "\n".join(f"{title}  {line}" for line in text.splitlines()) if text else None

    def is_empty(self, state: SeveralTables) -> bool:
        """Whether nothing has been listed yet."""
        return not any(table.columns for table in state.tables)

    def render(self, state: SeveralTables) -> Picture:
        """The pictures of those with rows, or with trouble."""
        places = [place for place, table in enumerate(state.tables) if table.rows or table.trouble]
        pictures = [self._view(place).picture(state.tables[place]) for place in places]
        blocks = [block for picture in pictures for block in (*picture.blocks, Line.of(""))]
        return Picture(tuple(blocks[:-1]) or (Line.of(Span(*NONE)),), label="tables")
