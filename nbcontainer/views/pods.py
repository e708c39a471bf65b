"""A pod on its way to running."""

from __future__ import annotations

from nbcontainer.model.pods import PodStart, PodStep
from nbcontainer.model.tables import Tone
from nbcontainer.views.picture import Block, Line, Picture, Span
from nbcontainer.views.results import SIGNS
from nbcontainer.views.view import View

__all__ = ["PodStartView"]

_RUNS = ("Running", "Completed", "Succeeded")
_TROUBLE = ("BackOff", "Err", "Error", "Failed", "Invalid", "Unschedulable")


class PodStartView(View[PodStep, PodStart]):
    """The pod's steps, newest last."""

    def line(self, event: PodStep) -> str | None:
        """`Pending: created`."""
        return f"{event.status}: {event.message}" if event.message else event.status

    def render(self, state: PodStart) -> Picture:
        """The pod's status in one line, and what the last step said where it is in trouble."""
        tone = _tone(state.status)
        head = [
            Span(f"{SIGNS[tone]} ", tone),
            Span(f"pod/{state.name}", bold=True),
            Span(f"  {state.status or 'asked for'}", tone),
        ]
        if state.where:
            head.append(Span(f"  {state.where}", Tone.DIM))
        blocks: list[Block] = [Line(tuple(head))]
        last = state.steps[-1].message if state.steps else ""
        if last and tone is not Tone.GOOD:
            blocks.append(Line.of(Span(last, Tone.DIM), indent=2, wraps=True))
        return Picture(tuple(blocks), label=f"pod {state.name}")


def _tone(status: str) -> Tone:
    if status in _RUNS:
        return Tone.GOOD
    return Tone.BAD if any(word in status for word in _TROUBLE) else Tone.RUNNING
