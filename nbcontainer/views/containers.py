"""How the output of a finished command is drawn, of a container's or of one in a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.containers import RunResult
from nbcontainer.model.overwritten import settled
from nbcontainer.model.pods import ExecResult
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Line, Output, Picture, Span
from nbcontainer.views.quantities import before_these
from nbcontainer.views.registry import draws

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

MOST_LINES = 2_000  # the most lines of an output in a picture


@draws(RunResult)
def output_picture(result: RunResult | ExecResult) -> Picture:
    """The output, how much of it is left out, and how the command ended if it wrote nothing."""
    every = result.output.removesuffix("\n").split("\n") if result.output else []
    lines = [settled(line) for line in every[-MOST_LINES:]]
    blocks: list[Block] = [Output(tuple(lines))] if lines else []
    spool = "" if result.notes else result.spool
    if isinstance(result, RunResult) and (left_out := result.hidden_lines + len(every) - len(lines)):
        blocks.insert(0, Line.of(Span(before_these(left_out, "lines", spool), Tone.DIM), wraps=True))
    if isinstance(result, ExecResult) and result.cut:
        blocks.insert(0, Line.of(Span(before_these(result.cut, "bytes", spool), Tone.DIM), wraps=True))
    if isinstance(result, RunResult) and result.exit_code is None:
        blocks.append(
            Line.of(Span("✓ ", Tone.GOOD), Span(result.name, bold=True), Span(f"  {result.id[:12]}", Tone.DIM))
        )
    elif not lines:
        blocks.append(Line.of(Span("exited with code 0 and no output", Tone.DIM)))
    blocks += [Line.of(Span(f"— {note} —", Tone.WARNING), wraps=True) for note in result.notes]
    return Picture(tuple(blocks), label="output")
