"""Pictures where nothing folds or can be clicked, as in a terminal: every block as lines, grids and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer import verbs, views
from nbcontainer.errors import UsageError
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import CLOSED, Grid, Line, Output, Picture, Span
from nbcontainer.views.layout import laid_out_block
from nbcontainer.views.quantities import before_these

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Actions, Block, Progress, Section

BAR_CELLS = 20
INDENT = 2  # of what belongs to a section


def flattened(picture: Picture) -> Picture:
    """The picture with nothing but lines, grids and outputs."""
    blocks = tuple(flat_blocks(picture.blocks))
    return picture if blocks == picture.blocks else replace(picture, blocks=blocks)


def flat_blocks(blocks: Iterable[Block]) -> Iterator[Line | Grid | Output]:  # noqa: C901 - one branch for each kind
    """Each block, as lines, grids and outputs."""
    for block in blocks:
        match block:
            case Line() | Output():
                yield block
            case Grid():
                yield from _grid(block)
            case views.blocks.Progress():
                yield _progress(block)
            case views.blocks.Actions():
                yield from _action_lines(block)
            case views.blocks.Tree():
                yield from views.trees.tree_lines(block)
            case views.blocks.Plot():
                yield block.table
                if block.note:
                    yield Line.of(Span(block.note, Tone.DIM))
            case views.blocks.Section():
                yield _title(block)
                for inner in flat_blocks(block.blocks if block.open else ()):
                    yield replace(inner, indent=inner.indent + INDENT)
            case _:
                yield from flat_blocks((laid_out_block(block),))


def bar_text(share: float, cells: int = BAR_CELLS) -> str:
    """A bar of characters."""
    filled = round(max(0.0, min(1.0, share)) * cells)
    return "━" * filled + "╌" * (cells - filled)


def _progress(progress: Progress) -> Line:
    if progress.share is None:
        return Line.of(Span(progress.text or "…", progress.tone))
    share = max(0.0, min(1.0, progress.share))
    return Line.of(Span(bar_text(share), progress.tone), Span(f"  {progress.text or f'{share:.0%}'}", Tone.DIM))


def _title(section: Section) -> Line:
    more = (Span(CLOSED, Tone.DIM),) if section.blocks and not section.open else ()
    return replace(section.title, spans=(*section.title.spans, *more), key="")


def _action_lines(block: Actions) -> Iterator[Line]:
    """The magics, to be copied; an action whose values cannot be written as one is left out."""
    for action in block.actions:
        with suppress(UsageError):
            yield Line.of(Span(verbs.lines.magic_line(action.magic, action.verb, action.values), code=True))


def _grid(grid: Grid) -> Iterator[Line | Grid | Output]:
    """The grid, then the outputs of its rows, as far as they are unfolded."""
    if not grid.outputs:
        yield grid
        return
    yield replace(grid, outputs={})
    for key in grid.keys:
        output = grid.outputs.get(key)
        if output is not None:
            yield from _output(output)


def _output(output: Output) -> Iterator[Line | Output]:
    lines = output.lines if output.open else output.lines[-output.preview :] if output.preview else ()
    if not lines and not (output.open and output.ending):
        return
    if output.title:
        yield Line(output.title)
    if output.open and output.total > len(lines):
        hidden = before_these(output.total - len(lines), "lines", output.rest)
        yield Line.of(Span(hidden, Tone.DIM), indent=output.indent)
    if lines:
        yield replace(output, lines=lines)
    if output.open and output.ending:
        yield Line.of(Span(output.ending, output.tone), indent=output.indent)
