"""A terminal: a picture that is redrawn until the end, then stays; for a log, the lines as they come."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.padding import Padding
from rich.segment import ControlType, Segment, SegmentLines
from rich.table import Table
from rich.text import Text

from nbcontainer.interrupts import interrupts_deferred
from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import styled
from nbcontainer.views.cells import grid_widths, in_cells
from nbcontainer.views.flat import flat_blocks, flattened
from nbcontainer.views.kit import Grid, Line, Output, Picture, Span, text_of
from nbcontainer.views.streaming import FRAME_SECONDS, stream

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nbcontainer.operation import Operation
    from nbcontainer.views.blocks import Block
    from nbcontainer.views.view import View

Event = TypeVar("Event")
State = TypeVar("State")
Result = TypeVar("Result")

LEAST_OUTPUT = 2  # lines that each output keeps if the terminal has too few rows


def console_of_terminal() -> Console:
    """Standard output for rich; without colours if NO_COLOR is set or it is not a terminal."""
    return Console(highlight=False, emoji=False, markup=False)


class Terminal:
    """Standard output is a terminal that can move its cursor."""

    name = "terminal"

    def draw(self, operation: Operation[Event, State, Result], view: View[Event, State]) -> None:
        """Draw at most 20 times a second, and only what changed."""
        console = console_of_terminal()
        if view.streams:
            with _silent_keys():
                coloured = console.color_system is not None and not console.no_color
                stream(operation, view, coloured=coloured, fitted=partial(_fitting, console))
            return
        operation.wait(FRAME_SECONDS, revision=0)
        if operation.error is not None and operation.revision == 1:
            return  # refused immediately: nothing to add to the error
        with _silent_keys():
            _redraw(operation, view, console)


def _fitting(console: Console, line: str) -> str:
    """The end of a line, as much of it as one row has room for."""
    columns = console.width - 1
    return line if cell_len(line) <= columns else set_cell_size(line[-columns:], columns)


def _redraw(operation: Operation[Event, State, Result], view: View[Event, State], console: Console) -> None:
    live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
    frame = _Frame(console, live)
    try:
        with interrupts_deferred():
            live.start()
        revision = -1
        while not operation.done:
            if operation.revision != revision:
                revision = operation.revision
                frame.draw(view.render(operation.state))
            if not operation.wait(1.0, revision=revision):
                revision = -1  # nothing new, but its clock runs on
            elif not operation.done:
                operation.wait(FRAME_SECONDS)
    except KeyboardInterrupt:
        operation.interrupt()
        raise
    finally:
        # the end is drawn in full, and scrolls; a watch ends with what was visible, and its result has everything
        frame.end(view.render(operation.state), whole=not operation.endless)


@contextmanager
def _silent_keys() -> Iterator[None]:
    """Turn off echo, so that keys wait for the next prompt: an echoed ^C or Enter would shift the redrawn picture."""
    try:
        import termios  # noqa: PLC0415 - does not exist on Windows
    except ImportError:
        yield
        return
    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
    except (OSError, ValueError, AttributeError, termios.error):  # it is not a terminal
        yield
        return
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, silent)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


class _Frame:
    """The picture that is redrawn in place; it fits the terminal, whose size may change."""

    def __init__(self, console: Console, live: Live) -> None:
        self._console = console
        self._live = live
        self._lines: list[list[Segment]] = []
        self._width = console.width

    def draw(self, picture: Picture) -> None:
        """Draw `picture` over the one before."""
        rows = self._console.height - 1
        lines = self._rendered(fitted(picture, rows))[:rows]  # sentences may continue on the next line
        if self._console.width == self._width and lines == self._lines:
            return
        with interrupts_deferred():  # half a picture could not be redrawn
            self._make_up_for_wrapped_lines()
            self._show(lines)
            self._live.refresh()

    def end(self, picture: Picture, *, whole: bool) -> None:
        """Draw the final picture."""
        lines = self._rendered(picture if whole else fitted(picture, self._console.height - 1))
        with interrupts_deferred():  # half a picture could not be redrawn
            self._make_up_for_wrapped_lines()
            self._show(lines)
            self._live.stop()

    def _rendered(self, picture: Picture) -> list[list[Segment]]:
        """The picture's lines, without trailing spaces, which would wrap if the terminal is narrowed."""
        lines = self._console.render_lines(as_rich(picture), pad=False)
        return [_without_trailing_spaces(line) for line in lines]

    def _show(self, lines: list[list[Segment]]) -> None:
        self._lines, self._width = lines, self._console.width
        self._live.update(SegmentLines(lines, new_lines=True))

    def _make_up_for_wrapped_lines(self) -> None:
        """Erase the extra rows of the last picture if the terminal was narrowed since and wrapped its lines."""
        width = self._console.width
        if width >= self._width:
            return
        more = sum(max(0, Segment.get_line_length(line) - 1) // width for line in self._lines)
        codes: list[ControlType | tuple[ControlType, int]] = [ControlType.CARRIAGE_RETURN]
        codes += [(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)] * more
        self._console.control(Control(*codes))


def _without_trailing_spaces(line: list[Segment]) -> list[Segment]:
    kept = list(line)
    while kept and not kept[-1].text.rstrip(" "):
        kept.pop()
    if kept:
        kept[-1] = kept[-1]._replace(text=kept[-1].text.rstrip(" "))
    return kept


# --- a picture as rich draws it

NARROW = 12  # cells that each wide column keeps if the terminal is too narrow

_RICH_STYLES = {
    Tone.PLAIN: "",
    Tone.DIM: "dim",
    Tone.GOOD: "green",
    Tone.RUNNING: "blue",
    Tone.CACHED: "magenta",
    Tone.WARNING: "yellow",
    Tone.BAD: "red",
}
_RICH_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def as_rich(picture: Picture) -> RenderableType:
    """The picture for a `rich` console."""
    blocks: list[RenderableType] = []
    for block in flat_blocks(picture.blocks):
        match block:
            case Line():
                blocks += (
                    [_rich_wrapped(block)] if block.wraps else [_rich_line(each.spans) for each in in_cells(block)]
                )
            case Grid():
                blocks.append(_rich_grid(block))
            case Output():
                blocks += [_rich_output(line, block) for line in block.lines]
    return Group(*blocks)


def _rich_line(spans: Sequence[Span]) -> Text:
    text = Text(overflow="ellipsis", no_wrap=True, end="\n")
    for span in spans:
        style = _RICH_STYLES[span.tone] + (" bold" if span.bold else "")
        text.append(text_of(span), style=style.strip() or None)
    return text


def _rich_wrapped(line: Line) -> RenderableType:
    """A line that continues on the next line, at its own indent."""
    text = _rich_line(line.spans)
    text.no_wrap, text.overflow = False, "fold"
    return Padding(text, (0, 0, 0, line.indent)) if line.indent else text


def _rich_grid(grid: Grid) -> RenderableType:
    grid = _without_empty_columns(grid)
    table = Table(box=None, show_header=bool(grid.columns), header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for index, width in enumerate(grid_widths(grid)):
        # rich only narrows columns that may wrap, the widest first; the lines themselves do not wrap
        flexible = index == grid.flexible or width > NARROW
        table.add_column(
            _rich_line((Span(grid.columns[index], Tone.DIM),)) if index < len(grid.columns) else "",
            justify="right" if index in grid.right else "left",
            no_wrap=not flexible,
            overflow="ellipsis",
            min_width=min(width, NARROW if grid.flexible != index else 1) if flexible else width,
        )
    for number, row in enumerate(grid.rows):
        cells = [_rich_line((span,)) for span in row]
        if grid.wraps and grid.flexible is not None and grid.flexible < len(cells):
            cells[grid.flexible].no_wrap, cells[grid.flexible].overflow = False, "fold"
        if number == 0 and grid.widths:  # the first row holds the columns open
            for cell, width in zip(cells, grid.widths, strict=False):
                if cell.cell_len < width:
                    cell.pad_right(width - cell.cell_len)
                    cell.overflow = "crop"
        table.add_row(*cells)
    return Padding(table, (0, 0, 0, grid.indent)) if grid.indent else table


def _without_empty_columns(grid: Grid) -> Grid:
    """The grid without the columns that have no text."""
    widths = grid_widths(grid)
    kept = [index for index, width in enumerate(widths) if width]
    return replace(
        grid,
        rows=tuple(tuple(row[index] for index in kept if index < len(row)) for row in grid.rows),
        columns=tuple(grid.columns[index] for index in kept if index < len(grid.columns)),
        right=frozenset(place for place, index in enumerate(kept) if index in grid.right),
        flexible=kept.index(grid.flexible) if grid.flexible in kept else None,
        widths=tuple(widths[index] for index in kept) if grid.widths else (),
    )


def _rich_output(line: str, block: Output) -> Text:
    text = Text(" " * block.indent, no_wrap=True, overflow="ellipsis")
    text.append("│ ", style=_RICH_STYLES[block.tone] or "dim")
    for run in styled(line):
        colour = "" if run.colour is None else ("bright_" if run.colour > 7 else "") + _RICH_COLOURS[run.colour % 8]  # noqa: PLR2004
        style = " ".join(word for word in (colour, "bold" if run.bold else "", "dim" if run.dim else "") if word)
        text.append(run.text.replace("\n", "␊"), style=style or None)
    return text


# --- a picture that is higher than the terminal


def fitted(picture: Picture, rows: int) -> Picture:
    """`picture` in at most `rows` rows: outputs keep their ends, grids the running rows; says how much is hidden."""
    picture = flattened(picture)
    excess = sum(map(_height, picture.blocks)) - rows
    if excess <= 0:
        return picture
    blocks: list[Block] = []
    for block in picture.blocks:
        if isinstance(block, Output) and excess > 0:
            dropped = max(0, min(excess, len(block.lines) - LEAST_OUTPUT))
            excess -= dropped
            blocks.append(replace(block, lines=block.lines[dropped:]))
        else:
            blocks.append(block)
    if excess > 0:
        highest = max(blocks, key=_height)
        if isinstance(highest, Grid):
            at = blocks.index(highest)
            blocks[at : at + 1] = _window(highest, _height(highest) - excess)
    return replace(picture, blocks=tuple(_cut(blocks, rows)))


def _height(block: Block) -> int:
    match block:
        case Line():
            return len(in_cells(block))
        case Grid():
            return len(block.rows) + bool(block.columns)
        case Output():
            return len(block.lines)
        case _:
            return 0


def _window(grid: Grid, height: int) -> list[Block]:
    """The rows around the one that is running, and how many are above and below; the columns keep their widths.

    In a table, the rows with problems come first.
    """
    count = height - 2 - bool(grid.columns)
    if count < 1:
        return []
    if grid.columns:
        grid = replace(grid, rows=tuple(sorted(grid.rows, key=_trouble)))
    first = max(0, min(_focus(grid) - count // 2, len(grid.rows) - count))
    above, below = first, len(grid.rows) - first - count
    blocks: list[Block] = [replace(grid, rows=grid.rows[first : first + count], widths=tuple(grid_widths(grid)))]
    if above:
        blocks.insert(0, Line.of(Span(f"… {above:,} above", Tone.DIM)))
    if below:
        blocks.append(Line.of(Span(f"… {below:,} below", Tone.DIM)))
    return blocks


def _trouble(row: Sequence[Span]) -> int:
    """0 for a row that failed, 1 for one that is waiting, 2 for all others."""
    tones = {span.tone for span in row}
    return 0 if Tone.BAD in tones else 1 if Tone.WARNING in tones else 2


def _focus(grid: Grid) -> int:
    """The row to show: one that failed or is running, or the last one done; in a table, which is ordered, the first."""
    if grid.columns:
        return 0
    tones = [row[0].tone if row else Tone.PLAIN for row in grid.rows]
    for tone in (Tone.BAD, Tone.RUNNING):
        if tone in tones:
            return tones.index(tone)
    return max((at for at, tone in enumerate(tones) if tone is not Tone.DIM), default=0)


def _cut(blocks: list[Block], rows: int) -> list[Block]:
    """The first blocks that fit: the last resort in a terminal of a few lines."""
    kept: list[Block] = []
    for block in blocks:
        rows -= _height(block)
        if rows < 0:
            break
        kept.append(block)
    return kept
