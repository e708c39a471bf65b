"""Tables: rows of pods, images, containers or any kind, static or live."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, overload

from nbcontainer.drawn import Drawn
from nbcontainer.errors import NotFound, UsageError

if TYPE_CHECKING:
    from typing import Protocol

    from pandas import DataFrame  # type: ignore[import-untyped,import-not-found,unused-ignore]

    class LiveTable(Protocol):
        """What shows a table live in a page."""

        @property
        def widget(self) -> Any:
            """Its widget, whose trait `selected` has the names of the selected rows; None if it has none yet."""

        @property
        def state(self) -> TableState:
            """What it shows now."""


Cell = str | int | float | bool | None


class Tone(StrEnum):
    """What a row, a cell or a word means; a surface shows each by a colour *and* a sign or a word."""

    PLAIN = ""
    DIM = "dim"
    GOOD = "good"
    RUNNING = "running"
    CACHED = "cached"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` says how its cells are drawn and sorted.

    "text"; "number" (aligned right); "restarts": a number, shown with the age of the last restart; "bytes"; "age": the
    cell is the time of creation, in seconds since the epoch, and is shown as its age; "status": a word with a tone.
    """

    name: str
    kind: str = "text"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        key: unique in the table (a uid, an id).
        cells: one for each column.
        tone: of the "status" cell.
        namespace, name, labels, kind: what the object is, "" where it does not apply.
        restarted: when one of its containers was last restarted, in seconds since the epoch; 0 for never.
        rank: sorts before the key; "" for a table in the order of the keys alone.
    """

    key: str
    cells: tuple[Cell, ...]
    tone: Tone = Tone.PLAIN
    name: str = ""
    namespace: str = ""
    kind: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    restarted: float = 0.0
    rank: str = ""


@dataclass(frozen=True, slots=True)
class TableReset:
    """The table's rows, listed afresh. `where` is context and namespace, or the engine, in words.

    With `by_key`, later rows are sorted in among the ranks and keys, not added at the end.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    where: str = ""
    note: str = ""
    by_key: bool = False


@dataclass(frozen=True, slots=True)
class TableChanged:
    """Rows that are new or changed, and the keys of those that are gone. One event holds many."""

    rows: tuple[Row, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableLive:
    """Whether the table is following the server at the moment; `note` says why not ("reconnecting: …")."""

    live: bool
    note: str = ""


TableEvent = TableReset | TableChanged | TableLive


@dataclass(frozen=True, slots=True)
class TableState:
    """The state of a table.

    Attributes:
        rows: by key, in the server's order.
        live: whether it is being kept up to date.
        note: a remark shown with the table ("no cluster: these are Podman's pods").
        by_key: as in `TableReset`.
    """

    title: str = ""
    where: str = ""
    note: str = ""
    columns: tuple[Column, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    live: bool = False
    trouble: str = ""
    by_key: bool = False


def apply_table(state: TableState, event: TableEvent) -> TableState:
    """Fold one event into a table's state."""
    match event:
        case TableReset():
            return replace(
                state,
                columns=event.columns,
                rows={row.key: row for row in event.rows},
                title=event.title or state.title,
                where=event.where or state.where,
                note=event.note or state.note,
                by_key=event.by_key,
            )
        case TableChanged():
            rows = dict(state.rows)
            for row in event.rows:
                rows[row.key] = row
            for key in event.gone:
                rows.pop(key, None)
            if state.by_key and _is_misplaced(event.rows, state.rows):
                rows = {row.key: row for row in in_order(rows.values())}
            return replace(state, rows=rows)
        case TableLive():
            return replace(state, live=event.live, trouble=event.note)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows in the order of their ranks and keys; fast if most are in order already."""
    ordered = sorted(rows, key=attrgetter("key"))
    ordered.sort(key=attrgetter("rank"))
    return ordered


def _is_misplaced(changed: Sequence[Row], before: Mapping[str, Row]) -> bool:
    """Whether a changed row is new, or belongs elsewhere than before."""
    return any(row.key not in before or row.rank != before[row.key].rank for row in changed)


@dataclass(frozen=True, slots=True)
class RowVerb:
    """Something that can be done with rows, and the magic that does it.

    Attributes:
        key: the key to press, as in KeyboardEvent.key.
        word: what it is called.
        line: the magic's line; {rows} stands for the rows' names, with their namespace.
        many: whether one line takes several rows.
        runs: whether it runs at once; otherwise the user completes the line.
    """

    key: str
    word: str
    line: str
    many: bool = False
    runs: bool = True


@dataclass(frozen=True)
class Table(Sequence[Row], Drawn):
    """The rows that one call returned: a sequence, with `.dataframe()` and the call as a command.

    Attributes:
        wide: whether it is drawn with its wide columns (`-o wide`); the rows always have them.
        verbs: what a page offers to do with its rows.
        kind: what precedes its objects' names in kubectl's output: "pod", "deployment.apps"; "" for tables of others.
        context: how a later call names the place of its rows, whatever is then in use; "" where no call can.
        server: the server that this context named.
        in_cluster: whether its rows are objects of a cluster, not pods of Podman's.
        follow: starts an operation that brings a state of the table up to date and keeps it so, where the server can
            be watched.
        object_of: makes the object that a row stands for, with its methods; None where there is none.
    """

    state: TableState
    command: str = ""
    wide: bool = False
    follow: Callable[[TableState], Any] | None = field(default=None, repr=False, compare=False)
    object_of: Callable[[Row], object] | None = field(default=None, repr=False, compare=False)
    verbs: tuple[RowVerb, ...] = field(default=(), repr=False)
    kind: str = field(default="", repr=False)
    context: str = field(default="", repr=False)
    server: str = field(default="", repr=False)
    in_cluster: bool = field(default=False, repr=False)
    _views: list[Any] = field(default_factory=list, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        """What is pickled and copied: all but what has connections."""
        kept = {name: value for name, value in vars(self).items() if name not in {"follow", "object_of"}}
        return {**kept, "_views": []}

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.state.rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    @overload
    def __getitem__(self, index: str) -> Any: ...

    def __getitem__(self, index: int | slice | str) -> Any:
        """The row at `index`, a list of rows for a slice, or for a name the object of that name.

        Raises:
            NotFound: there is no row of that name.
            UsageError: there are several, of different namespaces.
        """
        if isinstance(index, str):
            row = self._named(index)
            return row if self.object_of is None else self.object_of(row)
        return list(self.state.rows.values())[index]

    def _named(self, name: str) -> Row:
        found = self._called(name, self)
        for view in reversed(self._views):  # an object that came after the list
            found = found or self._called(name, view.state.rows.values())
        if not found:
            near = difflib.get_close_matches(name, self.names, n=3, cutoff=0.7)
            cure = f"Did you mean {' or '.join(near)}?" if near else ""
            raise NotFound(f"There is no {name!r} in the table of {self.state.title}.", status=404, cure=cure)
        if len(found) > 1:
            raise UsageError(
                f"{len(found)} rows of the table are called {name!r}.",
                cure=f"Name it with its namespace: {found[0].namespace}/{name}.",
            )
        return found[0]

    @staticmethod
    def _called(name: str, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if name in {row.name, f"{row.namespace}/{row.name}"}]

    def __iter__(self) -> Iterator[Row]:
        """The rows in order."""
        return iter(self.state.rows.values())

    def __repr__(self) -> str:
        """What it is a table of, how many rows, and where."""
        count = "1 row" if len(self) == 1 else f"{len(self):,} rows"
        return f"Table({', '.join(word for word in (self.state.title, count, self.state.where) if word)})"

    # --- the page

    def shown_by(self, view: LiveTable) -> None:
        """Know a view that shows it live in a page, for `selected` and `observe`."""
        self._views.append(view)

    @property
    def selected(self) -> Table:
        """The rows that the user has selected in the page, as they are there now; none where no page shows it."""
        for view in reversed(self._views):
            if view.widget is not None:
                return self._picked(view.state, view.widget.selected)
        return self._picked(self.state, ())

    def observe(self, call: Callable[[Table], object]) -> None:
        """Call `call` with `selected` whenever the user selects other rows in the page.

        Raises:
            UsageError: no page shows it live.
        """
        widgets = [view.widget for view in self._views if view.widget is not None]
        if not widgets:
            raise UsageError("No page shows this table live.", cure="Display it first, as the last line of a cell.")
        widgets[-1].observe(lambda _: call(self.selected), "selected")

    def _picked(self, state: TableState, names: Sequence[str]) -> Table:
        wanted = frozenset(names)
        with_namespace = any(column.name == "NAMESPACE" for column in state.columns)
        rows = {
            key: row
            for key, row in state.rows.items()
            if wanted and (f"{row.namespace}/{row.name}" if with_namespace else row.name) in wanted
        }
        return replace(self, state=replace(state, rows=rows, live=False), follow=None, _views=[])

    @property
    def names(self) -> list[str]:
        """The objects' names, in order."""
        return [row.name for row in self]

    @property
    def qualified_names(self) -> Words:
        """The names with their kind, as `kubectl get -o name` prints them: "deployment.apps/web"."""
        return Words(f"{self.kind}/{row.name}" for row in self)

    def column(self, name: str) -> Words:
        """The cells of one column.

        Raises:
            UsageError: there is no column of that name.
        """
        names = [column.name for column in self.state.columns]
        if name not in names:
            raise UsageError(f"There is no column {name!r}.", cure=f"Columns: {', '.join(names)}.")
        place = names.index(name)
        return Words(str(row.cells[place]) for row in self)

    def dataframe(self) -> DataFrame:
        """The rows as a pandas DataFrame (pandas must be installed)."""
        return dataframe([column.name for column in self.state.columns], [list(row.cells) for row in self])


class Tables(tuple[Table, ...], Drawn):
    """The tables of several kinds, drawn one below the other."""

    __slots__ = ()

    @property
    def command(self) -> str:
        """The same as kubectl commands."""
        return " && ".join(table.command for table in self)


class Words(tuple[str, ...], Drawn):
    """Words, shown one a line, as `docker ps -q` prints them; `{{name}}` on a magic line expands to all of them."""

    __slots__ = ()

    def __str__(self) -> str:
        """The lines."""
        return "\n".join(self)


def dataframe(columns: list[str], rows: Sequence[Sequence[object]]) -> DataFrame:
    """A pandas DataFrame of these rows.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore] # noqa: PLC0415 - optional
    except ModuleNotFoundError:
        raise UsageError("A dataframe needs pandas, which is not installed.", cure="Run: pip install pandas") from None

    return pd.DataFrame(rows, columns=columns)
