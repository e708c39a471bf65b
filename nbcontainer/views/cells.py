"""How many cells of a terminal texts, lines and columns take."""

from __future__ import annotations

import re

from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Grid, Line, Span, text_of

_ONE_CELL = re.compile("[\\x20-\\x7e–…·✓✕●○◐◌│■␊]*")  # ASCII, and our own signs
TERMINAL_CELLS = 80  # cells of a line that fits into most terminals


def cell_width(text: str) -> int:
    """How many terminal cells `text` takes."""
    if _ONE_CELL.fullmatch(text):
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - rich is loaded by the first picture

    return cell_len(text)


def grid_widths(grid: Grid) -> list[int]:
    """The width of each column, in cells."""
    if grid.widths:
        return list(grid.widths)
    rows = [*grid.rows, tuple(Span(name) for name in grid.columns)]
    count = max((len(row) for row in rows), default=0)
    return [max((cell_width(text_of(row[i])) for row in rows if i < len(row)), default=0) for i in range(count)]


def in_cells(line: Line, cells: int = TERMINAL_CELLS) -> list[Line]:
    """The line, indented; the chips of a heading that is too long are on a line of their own."""
    indent = (Span(" " * line.indent),) if line.indent else ()
    width = line.indent + sum(cell_width(text_of(span)) for span in line.spans)
    chips = tuple(span for span in line.spans if span.chip)
    if not (line.head and chips) or width <= cells:
        return [Line((*indent, *line.spans))]
    apart = tuple(part for chip in chips for part in (Span(" · ", Tone.DIM), chip))[1:]
    return [Line((*indent, *(span for span in line.spans if not span.chip))), Line((*indent, *apart))]
