"""A finished table for a terminal, drawn without rich, which takes a while to load and longer for thousands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from nbcontainer.model.tables import Tone
from nbcontainer.views.picture import Grid, Line, Picture, cell_width, single_line

__all__ = ["table_lines"]

NARROW = 12  # cells that each wide column keeps where the terminal is too narrow
NARROWEST = 3  # the same where even that does not fit
GAP = "  "


class Paint(Protocol):
    """Gives a text its meaning's colour."""

    def __call__(self, text: str, tone: Tone, *, bold: bool = False) -> str:
        """`text` with the codes around it."""


_CODES = {
    Tone.PLAIN: "",
    Tone.DIM: "2",
    Tone.GOOD: "32",
    Tone.RUNNING: "34",
    Tone.CACHED: "35",
    Tone.WARNING: "33",
    Tone.BAD: "31",
}


def table_lines(picture: Picture, width: int, *, colours: bool) -> Iterator[str]:
    """The lines and grids of a picture; grids are narrowed to `width`, the terminal wraps the other lines."""
    paint: Paint = _painted if colours else _bare
    for block in picture.blocks:
        match block:
            case Line():
                yield " " * block.indent + "".join(
                    paint(single_line(span.text), span.tone, bold=span.bold) for span in block.spans
                )
            case Grid():
                yield from _grid(block, width, paint)


def _painted(text: str, tone: Tone, *, bold: bool = False) -> str:
    codes = ";".join(filter(None, (_CODES[tone], "1" if bold else "")))
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


def _bare(text: str, tone: Tone, *, bold: bool = False) -> str:
    del tone, bold
    return text


def _grid(grid: Grid, width: int, paint: Paint) -> Iterator[str]:
    head = [single_line(name) for name in grid.columns]
    count = max([len(head), *map(len, grid.rows)])
    rows = [[single_line(span.text) for span in row] + [""] * (count - len(row)) for row in grid.rows]
    head += [""] * (count - len(head)) if head else []
    widths = [max(map(cell_width, column), default=0) for column in zip(*rows, *([head] if head else []), strict=True)]
    _narrow(widths, width - grid.indent - len(GAP) * (len(widths) - 1), grid.flexible)
    indent = " " * grid.indent
    if head:
        yield indent + GAP.join(paint(cell, Tone.DIM) for cell in _cells(head, widths, grid.right)).rstrip()
    for spans, texts in zip(grid.rows, rows, strict=True):
        cells = _cells(texts, widths, grid.right)
        painted = (paint(cell, span.tone, bold=span.bold) for cell, span in zip(cells, spans, strict=False))
        yield (indent + GAP.join(painted)).rstrip()


def _cells(texts: list[str], widths: list[int], right: frozenset[int]) -> list[str]:
    """One row's texts, cut and filled to the columns' widths."""
    cells = []
    for index, (text, width) in enumerate(zip(texts, widths, strict=True)):
        gap = width - cell_width(text)
        if gap < 0:
            text, gap = _cut(text, width), 0  # noqa: PLW2901 - the same cell
        cells.append(" " * gap + text if index in right else text + " " * gap)
    return cells


def _cut(text: str, width: int) -> str:
    if text.isascii():
        return text[: width - 1] + "…"
    from rich.cells import set_cell_size  # noqa: PLC0415 - only where wide characters must be cut

    return set_cell_size(text, width - 1) + "…"


def _narrow(widths: list[int], room: int, flexible: int | None) -> None:
    """Take from the widest columns until the row fits; the flexible one may give nearly all."""
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
