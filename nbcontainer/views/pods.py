"""Pods that are being created or deleted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import ExecResult, PodDeletion, PodEnd, PodStart, PodStep
from nbcontainer.model.tables import Tone
from nbcontainer.views.containers import output_picture
from nbcontainer.views.kit import SIGNS, Clock, Line, Picture, Span
from nbcontainer.views.registry import draws, shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

_DONE = ("Completed", "Succeeded")
_RUNS = ("Running", *_DONE)
ENDS = {Outcome.FAILED: Tone.BAD, Outcome.STOPPED: Tone.DIM}
DELETIONS = {
    Outcome.RUNNING: ("Terminating", Tone.RUNNING),
    Outcome.DONE: ("deleted", Tone.GOOD),
    Outcome.FAILED: ("refused", Tone.BAD),
    Outcome.STOPPED: ("stopped", Tone.DIM),
}
MOST_PODS = 20
_TROUBLE = ("BackOff", "Err", "Error", "Failed", "Invalid", "Unschedulable")


draws(ExecResult)(output_picture)


def _line(name: str, words: str, tone: Tone, sign: str, *more: Span, where: str, head: bool = False) -> Line:
    """One pod: its sign, its name, how it is going, and where it is."""
    chip = (Span("  "), Span(where, Tone.DIM, chip=True)) if where else ()
    spans = (
        Span(f"{sign} ", tone),
        Span(f"pod/{name}", bold=True),
        Span(" "),
        Span(words, tone, status=True),
        *more,
        *chip,
    )
    return Line(spans, head=head, key=name)


@shows(PodStart)
class PodStartView(View[PodStep, PodStart]):
    """The pod's steps, newest last."""

    def is_empty(self, state: PodStart) -> bool:
        """Whether nothing is known about the pod yet."""
        return not state.status

    def line(self, event: PodStep) -> str | None:
        """`Pending: created`; nothing for a failure, which is left to the error."""
        if event.outcome is Outcome.FAILED:
            return None
        return ": ".join(filter(None, (event.status, event.message))) or None

    def render(self, state: PodStart) -> Picture:
        """The pod's status in one line, and the last step's message if there is a problem."""
        last = state.steps[-1].message if state.steps else ""
        tone = ENDS.get(state.outcome) or (Tone.WARNING if last and state.status in _DONE else _tone(state.status))
        words = state.status or ("not created" if state.outcome is Outcome.FAILED else "asked for")
        words += " · no longer waited for" if state.outcome is Outcome.STOPPED else ""
        sign = "■" if state.outcome is Outcome.STOPPED else SIGNS[tone]
        blocks: list[Block] = [_line(state.name, words, tone, sign, where=state.where, head=True)]
        if last and tone is not Tone.GOOD:
            blocks.append(Line.of(Span(last, Tone.DIM), indent=2, wraps=True, key="note"))
        return Picture(tuple(blocks), label=f"pod {state.name}")


@shows(PodDeletion)
class PodDeletionView(View[PodEnd, PodDeletion]):
    """Each pod with its outcome; if there are many, those that are left come first."""

    def line(self, event: PodEnd) -> str | None:
        """`pod "web" deleted`, as kubectl prints it."""
        return f'pod "{event.name}" {DELETIONS[event.outcome][0]}' + (f": {event.message}" if event.message else "")

    def render(self, state: PodDeletion) -> Picture:
        """A line for each of the first pods, and how many more there are."""
        pods = sorted(state.pods.values(), key=lambda end: end.outcome is Outcome.DONE)
        blocks: list[Block] = [_end_line(end, state) for end in pods[:MOST_PODS]]
        if len(pods) > MOST_PODS:
            gone = len(state.pods) - len(state.left)
            blocks.append(Line.of(Span(f"… {gone:,} of {len(pods):,} pods are gone", Tone.DIM), key="more"))
        return Picture(tuple(blocks), label="deletion")


def _end_line(end: PodEnd, state: PodDeletion) -> Line:
    word, tone = DELETIONS[end.outcome]
    sign = "■" if end.outcome is Outcome.STOPPED else SIGNS[tone]
    clock = Clock(state.began or time.time(), end.time if end.outcome else None, "whole", before="  ")
    note = (Span(f"  {end.message}", Tone.DIM),) if end.message else ()
    return _line(end.name, word, tone, sign, Span("", Tone.DIM, clock=clock), *note, where=state.where, head=True)


def _tone(status: str) -> Tone:
    if status in _RUNS:
        return Tone.GOOD
    return Tone.BAD if any(word in status for word in _TROUBLE) else Tone.RUNNING
