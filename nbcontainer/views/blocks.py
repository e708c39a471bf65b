"""The blocks that few pictures have. They load on first use: a table, which has none, is shown at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Grid, Line, Output, Span

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of code. `facts` stand in the gutter beside it ("cached", "2.1 s", "12 MB")."""

    text: str
    number: int = 0
    facts: tuple[Span, ...] = ()
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of a file, with a gutter of line numbers and facts. `language` is "dockerfile", "yaml" or ""."""

    lines: tuple[CodeLine, ...]
    language: str = ""
    key: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """Two texts, compared line by line, with three lines of context around each difference."""

    before: str
    after: str
    names: tuple[str, str] = ("", "")
    key: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a tree. `children` is None until they are loaded, () if it has none.

    `key` is unique in the tree. A tree's view loads the children when the node is opened: see View.children.
    """

    key: str
    spans: tuple[Span, ...]
    children: tuple[Node, ...] | None = ()
    open: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes that can be opened."""

    nodes: tuple[Node, ...]
    key: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one line, group of bars, or row of a Gantt chart.

    Attributes:
        points: (x, y) of a line; (index of a label of the chart, length) of bars; (start, end) of a Gantt row.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart; a screen reader and text/plain get its values as a table.

    Attributes:
        kind: "line", "bars" (horizontal) or "gantt".
        unit: of y, or of a bar's length: "bytes", "seconds", "" for a number; how values are written.
        x: the unit of a line's x axis or of a Gantt chart's: "time" (seconds since the epoch), "seconds" or "".
        labels: one for each bar.
        until: where the axis of a Gantt chart ends at least, such as the present; 0 for its last value.
    """

    kind: str
    series: tuple[Series, ...]
    unit: str = ""
    x: str = ""
    labels: tuple[str, ...] = ()
    until: float = 0.0
    key: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot.

    Attributes:
        path: an SVG path in a square of 1000 by 1000.
        dots: the same for points without neighbours: lines without a length.
        latest: its last value, as text.
    """

    name: str
    path: str
    dots: str = ""
    latest: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Plot:
    """A line chart, laid out: what the drawers draw in place of a Chart (see layout.py).

    Attributes:
        across: where the ticks of the x axis are (0…1), and their texts.
        upward: the same of the y axis, from the bottom; they are evenly spaced.
        table: the values, for screen readers and for text.
        note: what the table leaves out.
    """

    curves: tuple[Curve, ...]
    across: tuple[tuple[float, str], ...]
    upward: tuple[tuple[float, str], ...]
    table: Grid
    note: str = ""
    key: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much is done: 0…1, or None if that is not known. `text` says it in words ("3 of 8 steps")."""

    share: float | None
    text: str = ""
    tone: Tone = Tone.RUNNING
    key: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do next: a verb with its values, which becomes a magic in a cell below; never text to be executed.

    Attributes:
        label: on the button.
        magic: the magic's name ("docker", "kpod").
        verb: its path ("volume", "rm").
        values: of the verb's arguments, by name.
        changes: whether it changes anything; the cell is then only written, not executed.
    """

    label: str
    magic: str
    verb: tuple[str, ...]
    values: Mapping[str, object] = field(default_factory=dict)
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Actions:
    """Buttons in a row. Where nothing can be clicked, the magics are shown as lines to be copied."""

    actions: tuple[Action, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks below a title that folds them. In text they are indented; a folded one there shows only its title."""

    title: Line
    blocks: tuple[Block, ...]
    open: bool = True
    key: str = ""


Block = Line | Grid | Output | Code | Diff | Tree | Chart | Plot | Progress | Actions | Section
