"""Draws a picture as lines of text: plain, or with a terminal's colours.

Used for finished tables in a terminal too: rich takes a while to load, and is slow with thousands of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from nbcontainer.model.tables import Tone
from nbcontainer.views.cells import TERMINAL_CELLS, cell_width, in_cells
from nbcontainer.views.flat import flat_blocks
from nbcontainer.views.kit import (
    Grid,
    Line,
    Output,
    Picture,
    Span,
    single_line,
    text_of,
)

NARROW = 12  # cells that each wide column keeps if the terminal is too narrow
NARROWEST = 3  # the same if even that does not fit
GAP = "  "
_CODES = {
    Tone.PLAIN: "",
    Tone.DIM: "2",
    Tone.GOOD: "32",
    Tone.RUNNING: "34",
    Tone.CACHED: "35",
    Tone.WARNING: "33",
    Tone.BAD: "31",
}


def as_text(picture: Picture) -> str:
    """The picture as plain lines."""
    return "\n".join(text_lines(picture))


def text_lines(picture: Picture, width: int | None = None, *, colours: bool = False) -> Iterator[str]:
    """The lines of a picture; grids are narrowed to `width` cells, other lines are left for the terminal to wrap."""
    for block in flat_blocks(picture.blocks):
        match block:
            case Line():
                for line in in_cells(block, width or TERMINAL_CELLS):
                    yield "".join(_painted(text_of(span), span, colours) for span in line.spans).rstrip()
            case Grid():
                yield from _grid(block, width, colours)
            case Output():
                yield from (f"{' ' * block.indent}│ {single_line(line)}".rstrip() for line in block.lines)


def _painted(text: str, span: Span, colours: bool) -> str:  # noqa: FBT001 - only passed on
    codes = ";".join(filter(None, (_CODES[span.tone], "1" if span.bold else ""))) if colours else ""
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


def _grid(grid: Grid, width: int | None, colours: bool) -> Iterator[str]:  # noqa: FBT001 - only passed
    """The rows, without the columns that have no text."""
    rows = [tuple(Span(name, Tone.DIM) for name in grid.columns), *grid.rows] if grid.columns else grid.rows
    texts = [[text_of(span) for span in row] for row in rows]
    widths = list(grid.widths) or [max(map(cell_width, column)) for column in zip_longest(*texts, fillvalue="")]
    if width is not None:
        _narrow(widths, width - grid.indent - len(GAP) * (sum(map(bool, widths)) - 1), grid.flexible)
    for row, line in zip(rows, texts, strict=True):
        cells = (
            _painted(_fitted(text, widths[index], right=index in grid.right), span, colours)
            for index, (span, text) in enumerate(zip(row, line, strict=True))
            if widths[index]
        )
        yield (" " * grid.indent + GAP.join(cells)).rstrip()


def _fitted(text: str, width: int, *, right: bool) -> str:
    """The text, cut or filled to a column's width."""
    gap = width - cell_width(text)
    if gap < 0:
        return _cut(text, width)
    return " " * gap + text if right else text + " " * gap


def _cut(text: str, width: int) -> str:
    if text.isascii():
        return text[: width - 1] + "…"
    from rich.cells import set_cell_size  # noqa: PLC0415 - only needed to cut wide characters

    return set_cell_size(text, width - 1) + "…"


def _narrow(widths: list[int], room: int, flexible: int | None) -> None:
    """Narrow the widest columns until the row fits; the flexible one may shrink to almost nothing."""
    for least in (NARROW, NARROWEST):
        while (excess := sum(widths) - room) > 0:
            bounds = [NARROWEST if index == flexible else least for index in range(len(widths))]
            wide = [index for index, width in enumerate(widths) if width > bounds[index]]
            if not wide:
                break
            widest = max(wide, key=lambda index: widths[index])
            others = [widths[index] for index in wide if index != widest]
            floor = max([bounds[widest], *(width - 1 for width in others if width <= widths[widest])])
            widths[widest] = max(floor, widths[widest] - excess)
