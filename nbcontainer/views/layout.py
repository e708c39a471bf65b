"""What charts, code and differences look like, computed once: each as a grid or a plot, which all drawers draw."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from nbcontainer import views
from nbcontainer.views.kit import Grid, Line, Output, Picture

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block, Chart, Diff


def laid_out(picture: Picture) -> Picture:
    """The picture with grids and plots in place of charts, code and differences."""
    blocks = tuple(map(laid_out_block, picture.blocks))
    return picture if blocks == picture.blocks else replace(picture, blocks=blocks)


def laid_out_block(block: Block) -> Block:
    """The grid or plot that is drawn in place of this block, or the block itself."""
    match block:
        case Line() | Grid() | Output():
            return block
        case views.blocks.Chart():
            return _chart(block)
        case views.blocks.Code():
            return views.code.laid_out_code(block)
        case views.blocks.Diff():
            return _diff(block)
        case views.blocks.Section():
            blocks = tuple(map(laid_out_block, block.blocks))
            return block if blocks == block.blocks else replace(block, blocks=blocks)
        case _:
            return block


@lru_cache(maxsize=32)  # a picture that is drawn again usually has the same ones
def _chart(chart: Chart) -> Block:
    return views.charts.laid_out_chart(chart)


@lru_cache(maxsize=8)
def _diff(diff: Diff) -> Block:
    return views.code.laid_out_diff(diff)
