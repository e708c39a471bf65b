"""Nodes that are drained, and what will happen to their pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.draining import Drain, DrainPlan, DrainStep
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Grid, Line, Picture, Span
from nbcontainer.views.pods import awaited_line
from nbcontainer.views.registry import draws, shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

TONES = {
    Outcome.RUNNING: Tone.RUNNING,
    Outcome.DONE: Tone.GOOD,
    Outcome.FAILED: Tone.BAD,
    Outcome.STOPPED: Tone.DIM,
}
MOST_SHOWN = 50


@shows(Drain)
class DrainView(View[DrainStep, Drain]):
    """The nodes, then the pods that are left, then those that are gone."""

    def is_empty(self, state: Drain) -> bool:
        """Whether nothing has happened yet."""
        return not state.steps

    def line(self, event: DrainStep) -> str | None:
        """`shop/web-1 evicted`, as kubectl prints it."""
        return f"{event.key} {event.words}" + (f": {event.message}" if event.message else "")

    def render(self, state: Drain) -> Picture:
        """A line for each of them."""
        steps = sorted(
            state.steps.values(), key=lambda one: (not one.key.startswith("node/"), one.outcome is Outcome.DONE)
        )
        blocks: list[Block] = [_line(one, state) for one in steps[:MOST_SHOWN]]
        if len(steps) > MOST_SHOWN:
            gone = sum(one.outcome is Outcome.DONE for one in steps)
            blocks.append(Line.of(Span(f"… {gone:,} of {len(steps):,} are done", Tone.DIM), key="more"))
        return Picture(tuple(blocks), label="drain")


def _line(one: DrainStep, state: Drain) -> Line:
    note = (Span(f"  {one.message}", Tone.DIM),) if one.message else ()
    return awaited_line(
        one.key,
        one.words,
        TONES[one.outcome],
        *note,
        outcome=one.outcome,
        began=state.began,
        now=one.time,
        where=state.where,
    )


@draws(DrainPlan)
def _plan(plan: DrainPlan) -> Picture:
    rows = tuple(
        (
            Span(one.node),
            Span(one.pod, bold=not one.stays),
            Span("stays" if one.stays else "is evicted", Tone.DIM if one.stays else Tone.WARNING),
            Span(one.stays or one.loses, Tone.DIM if one.stays else Tone.WARNING),
        )
        for one in plan.pods[:MOST_SHOWN]
    )
    blocks: list[Block] = [Grid(rows, ("NODE", "POD", "", "WHY"), flexible=3, label="pods")] if rows else []
    if len(plan.pods) > MOST_SHOWN:
        blocks.append(Line.of(Span(f"… and {len(plan.pods) - MOST_SHOWN:,} more", Tone.DIM)))
    return Picture(tuple(blocks), label="plan of a drain")
