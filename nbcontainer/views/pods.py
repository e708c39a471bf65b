"""Pods on their way to running, and out."""

from __future__ import annotations

import time

from nbcontainer.model.pods import PodDeletion, PodEnd, PodStart, PodStep
from nbcontainer.model.tables import Tone
from nbcontainer.views.picture import Block, Line, Picture, Span
from nbcontainer.views.results import SIGNS
from nbcontainer.views.view import View

__all__ = ["PodDeletionView", "PodStartView"]

_DONE = ("Completed", "Succeeded")
_RUNS = ("Running", *_DONE)
ENDS = {"failed": Tone.BAD, "stopped": Tone.DIM}
END_TONES = {"Terminating": Tone.RUNNING, "deleted": Tone.GOOD, "refused": Tone.BAD, "stopped": Tone.DIM}
MOST_PODS = 20
_TROUBLE = ("BackOff", "Err", "Error", "Failed", "Invalid", "Unschedulable")


class PodStartView(View[PodStep, PodStart]):
    """The pod's steps, newest last."""

    def is_empty(self, state: PodStart) -> bool:
        """Whether nothing was heard of the pod yet."""
        return not state.status

    def line(self, event: PodStep) -> str | None:
        """`Pending: created`."""
        return f"{event.status}: {event.message}" if event.message else event.status

    def render(self, state: PodStart) -> Picture:
        """The pod's status in one line, and what the last step said where it is in trouble."""
        last = state.steps[-1].message if state.steps else ""
        tone = ENDS.get(state.end) or (Tone.WARNING if last and state.status in _DONE else _tone(state.status))
        sign = "■" if state.end == "stopped" else SIGNS[tone]
        words = "  " + (state.status or ("not created" if state.end == "failed" else "asked for"))
        words += " · no longer waited for" if state.end == "stopped" else ""
        head = [Span(f"{sign} ", tone), Span(f"pod/{state.name}", bold=True), Span(words, tone)]
        if state.where:
            head += [Span("  "), Span(state.where, Tone.DIM, chip=True)]
        blocks: list[Block] = [Line(tuple(head), head=bool(last and tone is not Tone.GOOD))]
        if last and tone is not Tone.GOOD:
            blocks.append(Line.of(Span(last, Tone.DIM), indent=2, wraps=True))
        return Picture(tuple(blocks), label=f"pod {state.name}")


class PodDeletionView(View[PodEnd, PodDeletion]):
    """Each pod with what has become of it; where they are many, those that are left come first."""

    def line(self, event: PodEnd) -> str | None:
        """`pod "web" deleted`, as kubectl has it."""
        return f'pod "{event.name}" {event.status}' + (f": {event.message}" if event.message else "")

    def render(self, state: PodDeletion) -> Picture:
        """A line for each of the first pods, and how many more."""
        pods = sorted(state.pods.values(), key=lambda end: end.status == "deleted")
        blocks: list[Block] = [Line(tuple(_end_spans(end, state))) for end in pods[:MOST_PODS]]
        if len(pods) > MOST_PODS:
            gone = len(state.pods) - len(state.left)
            blocks.append(Line.of(Span(f"… {gone:,} of {len(pods):,} pods are gone", Tone.DIM)))
        return Picture(tuple(blocks), label="deletion")


def _end_spans(end: PodEnd, state: PodDeletion) -> list[Span]:
    tone = END_TONES.get(end.status, Tone.PLAIN)
    sign = "■" if end.status == "stopped" else SIGNS[tone]
    until = time.time() if end.status == "Terminating" else end.time
    spans = [Span(f"{sign} ", tone), Span(f"pod/{end.name}", bold=True), Span(f" {end.status}", tone)]
    if state.began and until - state.began >= 1:
        spans.append(Span(f"  {until - state.began:.0f} s", Tone.DIM))
    if end.message:
        spans.append(Span(f"  {end.message}", Tone.DIM))
    return [*spans, Span("  "), Span(state.where, Tone.DIM, chip=True)]


def _tone(status: str) -> Tone:
    if status in _RUNS:
        return Tone.GOOD
    return Tone.BAD if any(word in status for word in _TROUBLE) else Tone.RUNNING
