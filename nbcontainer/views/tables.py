"""How a table is drawn: aligned columns in a terminal and in the saved notebook, a live grid in the page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from nbcontainer import widgets
from nbcontainer.model.tables import (
    Row,
    RowVerb,
    Table,
    TableChanged,
    TableEvent,
    TableLive,
    TableReset,
    Tables,
    TableState,
    Tone,
    Words,
)
from nbcontainer.views.ansi import sendable
from nbcontainer.views.kit import Grid, Line, Picture, Span
from nbcontainer.views.quantities import format_age, format_size
from nbcontainer.views.registry import draws, shows
from nbcontainer.views.tables_counts import StatusCounts
from nbcontainer.views.text import as_text
from nbcontainer.views.view import View, Wire

if TYPE_CHECKING:
    from nbcontainer.model.tables import Cell, Column
    from nbcontainer.views.blocks import Block
    from nbcontainer.widgets.live import LiveWidget

LAST_SEEN = "LAST SEEN"  # the column of events
FIRST_ROWS = 500  # that a page is sent at first
MOST_ROWS = 500  # the most rows in a picture; if there are more, those with problems come first
LARGEST_EXACT = 2**53  # larger integers are not exact in JavaScript
NUMERIC = frozenset({"number", "restarts", "bytes", "age"})
TROUBLED = frozenset({Tone.WARNING, Tone.BAD})
NONE = ("There are none.", Tone.DIM)  # the text and the tone of a table without rows
NOTHING = frozenset({"–", "<none>", "none"})  # words for a missing value


@shows(TableState)
class TableView(View[TableEvent, TableState]):
    """A table on every surface.

    Args:
        wide: whether to draw the columns that only `-o wide` shows (the page can show them at any time).
        verbs: what the page offers to do with rows.
    """

    page = "tables"

    def __init__(
        self,
        *,
        wide: bool = False,
        verbs: Sequence[RowVerb] = (),
    ) -> None:
        self._wide = wide
        self._verbs = tuple(verbs)
        self._counts = StatusCounts()
        self._columns: tuple[Column, ...] = ()
        self._names: dict[str, str] = {}

    # --- plain lines

    def line(self, event: TableEvent) -> str | None:
        """First the whole table, then each changed row on a line, as `kubectl get --watch` prints it."""
        match event:
            case TableReset():
                self._columns = event.columns
                self._names = {row.key: _name(row) for row in event.rows}
                return as_text(Picture((self._grid(event.columns, event.rows),))) if event.rows else None
            case TableChanged():
                self._names |= {row.key: _name(row) for row in event.rows}
                lines = [as_text(Picture((self._grid(self._columns, event.rows, head=False),)))] if event.rows else []
                lines += [f"{self._names.pop(key, key)} is gone" for key in event.gone]
                return "\n".join(lines) or None
            case TableLive():
                return event.note or None

    # --- a picture

    def render(self, state: TableState) -> Picture:
        """Title and counts, then the rows; if there are too many, how many more there are.

        Those with problems come first then; of events, which are in order of time, the newest are kept.
        """
        rows = list(state.rows.values())
        hidden, left_out = len(rows) - MOST_ROWS, "more"
        if hidden > 0 and any(column.name == LAST_SEEN for column in state.columns):
            rows, left_out = rows[hidden:], "older"
        elif hidden > 0:
            rows = sorted(rows, key=lambda row: row.tone not in TROUBLED)[:MOST_ROWS]
        blocks: list[Block] = [Line(tuple(_heading(state, self._counts.of(state))), head=True)]
        if state.note:
            blocks.append(Line.of(Span(state.note, Tone.DIM)))
        if rows:
            blocks.append(self._grid(state.columns, rows))
        elif not state.trouble:
            blocks.append(Line.of(Span(*NONE)))
        if hidden > 0:
            blocks.append(Line.of(Span(f"… and {hidden:,} {left_out}", Tone.DIM)))
        if state.trouble:
            blocks.append(Line.of(Span(f"◌ {state.trouble}", Tone.WARNING)))
        return Picture(tuple(blocks), label=f"{state.title or 'Table'} {state.where}".strip())

    def _grid(self, columns: Sequence[Column], rows: Sequence[Row], *, head: bool = True) -> Grid:
        places = [place for place, column in enumerate(columns) if self._wide or not column.wide]
        now = time.time()
        return Grid(
            tuple(tuple(_span(columns[place], row, place, now) for place in places) for row in rows),
            columns=tuple(columns[place].name for place in places) if head else (),
            right=frozenset(at for at, place in enumerate(places) if columns[place].kind in NUMERIC),
            flexible=max(
                (at for at, place in enumerate(places) if columns[place].kind == "text"),
                key=lambda at: max((len(str(row.cells[places[at]])) for row in rows), default=0),
                default=None,
            ),
            wraps=any(columns[place].name.upper() == "MESSAGE" for place in places),  # sentences must not be cut
        )

    # --- a page

    def widget(self, state: TableState, *, lease: float = 0.0) -> LiveWidget:
        """A widget that starts from `state`, with the selected rows as a trait; raises as `View.widget`."""
        return widgets.live.widget_class(self.page, widgets.tables.TablesWidget)(self.wire(None, state), lease=lease)

    def first(self, state: TableState) -> TableState:
        """The first rows: to send thousands takes as long as to list them. Events are shown from the other end."""
        if len(state.rows) <= FIRST_ROWS or any(column.name == LAST_SEEN for column in state.columns):
            return state
        return replace(state, rows=dict(islice(state.rows.items(), FIRST_ROWS)))

    def page_height(self, state: TableState) -> int:
        """As frontend/src/tables_grid.ts has it: one to fifteen rows of 26 pixels, their head, and two bars."""
        return 90 + 26 * min(15, max(1, len(state.rows)))

    def wire(self, previous: TableState | None, state: TableState) -> Wire | None:
        """The changed rows, the keys that are gone, and what else changed."""
        if previous is None or (previous.columns is not state.columns and previous.columns != state.columns):
            return self._whole(state)
        message: Wire = {
            name: sendable(value) if isinstance(value, str) else value
            for name in ("title", "where", "note", "live", "trouble", "by_key")
            if (value := getattr(state, name)) != getattr(previous, name)
        }
        if state.rows is not previous.rows:
            old = previous.rows
            rows = [_wire_row(row) for key, row in state.rows.items() if old.get(key) is not row]
            gone = [sendable(key) for key in old if key not in state.rows]
            message |= {"rows": rows} if rows else {}
            message |= {"gone": gone} if gone else {}
            if self._wire_counts(previous) != (counts := self._wire_counts(state)):
                message |= {"counts": counts}
        return message or None

    def _wire_counts(self, state: TableState) -> list[list[object]]:
        return [[sendable(word), tone.value, count] for word, tone, count in self._counts.of(state)]

    def _whole(self, state: TableState) -> Wire:
        return {
            "reset": True,
            "title": sendable(state.title),
            "where": sendable(state.where),
            "note": sendable(state.note),
            "columns": [[column.name, column.kind, column.wide and not self._wide] for column in state.columns],
            "rows": [_wire_row(row) for row in state.rows.values()],
            "counts": self._wire_counts(state),
            "live": state.live,
            "trouble": sendable(state.trouble),
            "by_key": state.by_key,
            "verbs": [[verb.key, verb.word, verb.line, verb.many, verb.runs] for verb in self._verbs],
        }


@draws(Table)
def _table(table: Table) -> Picture:
    return TableView(wide=table.wide).render(table.state)


@draws(Tables)
def _tables(tables: Tables) -> Picture:
    blocks = [block for table in tables for block in (*_table(table).blocks, Line.of(""))]
    return Picture(tuple(blocks[:-1]) or (Line.of(Span(*NONE)),), label="tables")


@draws(Words)
def _words(words: Words) -> Picture:
    return Picture(tuple(Line.of(Span(word, code=True)) for word in words), label="words")


def _name(row: Row) -> str:
    return f"{row.namespace}/{row.name}" if row.namespace else row.name or row.key


def _heading(state: TableState, counts: Sequence[tuple[str, Tone, int]]) -> list[Span]:
    spans = [Span(state.title or "Table", bold=True)]
    if state.where:
        spans += [Span("  "), Span(state.where, Tone.DIM, chip=True)]
    spans.append(Span(f"  {len(state.rows):,}", Tone.DIM))
    for word, tone, count in counts:
        spans.append(Span(" · ", Tone.DIM))
        spans.append(Span(f"{count:,} {word}", tone if tone in TROUBLED else Tone.DIM))
    return spans


def _span(column: Column, row: Row, place: int, now: float) -> Span:
    text = _format(row.cells[place] if place < len(row.cells) else None, column.kind, now)
    if column.kind == "restarts" and row.restarted:
        text = f"{text} ({format_age(now - row.restarted)} ago)"
    if column.kind == "status":
        return Span(text, row.tone)
    return Span(text, Tone.DIM if text in NOTHING else Tone.PLAIN)


def _format(cell: Cell, kind: str, now: float) -> str:
    if cell is None or cell == "":
        return "–" if kind in NUMERIC else ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (int, float)):
        if kind == "age":
            return format_age(now - cell)
        if kind == "bytes":
            return format_size(cell)
    return str(cell)


def _wire_row(row: Row) -> list[object]:
    labels = {sendable(key): sendable(value) for key, value in row.labels.items()}
    more: list[object] = [row.restarted, sendable(row.rank)] if row.restarted or row.rank else []
    return [
        sendable(row.key),
        [_wire_cell(cell) for cell in row.cells],
        row.tone.value,
        sendable(row.name),
        sendable(row.namespace),
        row.kind,
        labels,
        *more,
    ]


def _wire_cell(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return sendable(cell)
    if cell is None or -LARGEST_EXACT < cell < LARGEST_EXACT:
        return cell
    return str(cell)  # also "nan" and "inf", which JSON cannot represent
