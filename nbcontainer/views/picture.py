"""A picture of a state: the common model for the terminal, text/plain and text/html.

A view's `render(state)` builds a `Picture` from a few kinds of blocks; `text`, `terminal` and `html` draw it. All text
in a picture is untrusted: each of them makes it harmless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import plain

__all__ = [
    "SIGNS",
    "Block",
    "Grid",
    "Line",
    "Output",
    "Picture",
    "Span",
    "cell_width",
    "grid_widths",
    "in_cells",
    "single_line",
]

SIGNS = {Tone.GOOD: "✓", Tone.BAD: "✕", Tone.WARNING: "!", Tone.RUNNING: "◐", Tone.CACHED: "●", Tone.DIM: "○"}


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text with a meaning."""

    text: str
    tone: Tone = Tone.PLAIN
    bold: bool = False
    code: bool = False
    chip: bool = False
    """Whether it names where the picture belongs: an engine, a context. HTML draws a frame around it."""
    bar: tuple[float, float] | None = None
    """The start and end of a bar, 0…1; HTML draws it instead of the text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of spans; in a terminal that is too narrow it is cut, or with `wraps` continued on the next line.

    With `head` it is the heading of the picture.
    """

    spans: tuple[Span, ...]
    indent: int = 0
    wraps: bool = False
    head: bool = False

    @classmethod
    def of(cls, *parts: str | Span, indent: int = 0, wraps: bool = False) -> Line:
        """A line of strings and spans."""
        return cls(tuple(Span(part) if isinstance(part, str) else part for part in parts), indent, wraps)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows in columns, with a head if `columns` is not empty. `right` are the right-aligned columns.

    `flexible` is the column that is cut, with an ellipsis, if there is not enough room, or with `wraps` continued on
    the next line. Columns without any text are only drawn in HTML, where they may contain bars. `widths` are the
    columns' widths if these are some rows of a longer grid.
    """

    rows: tuple[tuple[Span, ...], ...]
    columns: tuple[str, ...] = ()
    right: frozenset[int] = frozenset()
    flexible: int | None = None
    indent: int = 0
    wraps: bool = False
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """Lines of a program's output; their colours are kept."""

    lines: tuple[str, ...]
    tone: Tone = Tone.PLAIN
    indent: int = 2


Block = Line | Grid | Output


@dataclass(frozen=True, slots=True)
class Picture:
    """Blocks, one below the other. `label` describes the picture to a screen reader."""

    blocks: tuple[Block, ...] = ()
    label: str = ""


_ONE_CELL = re.compile("[\\x20-\\x7e–…·✓✕●○◐◌│■␊]*")  # ASCII, and our own signs
TERMINAL_CELLS = 80  # cells of a line that fits into most terminals


def cell_width(text: str) -> int:
    """How many terminal cells `text` takes."""
    if _ONE_CELL.fullmatch(text):
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - rich is loaded by the first picture

    return cell_len(text)


def single_line(text: str) -> str:
    """`text`, made harmless, without line breaks."""
    return plain(text).replace("\n", "␊")


def grid_widths(grid: Grid) -> list[int]:
    """The width of each column, in cells."""
    if grid.widths:
        return list(grid.widths)
    rows = [*grid.rows, tuple(Span(name) for name in grid.columns)]
    count = max((len(row) for row in rows), default=0)
    return [
        max((cell_width(single_line(row[i].text)) for row in rows if i < len(row)), default=0) for i in range(count)
    ]


def in_cells(line: Line, cells: int = TERMINAL_CELLS) -> list[Line]:
    """The line, indented; the chips of a heading that is too long are on a line of their own."""
    indent = (Span(" " * line.indent),) if line.indent else ()
    width = line.indent + sum(cell_width(single_line(span.text)) for span in line.spans)
    chips = tuple(span for span in line.spans if span.chip)
    if not (line.head and chips) or width <= cells:
        return [Line((*indent, *line.spans))]
    apart = tuple(part for chip in chips for part in (Span(" · ", Tone.DIM), chip))[1:]
    return [Line((*indent, *(span for span in line.spans if not span.chip))), Line((*indent, *apart))]
