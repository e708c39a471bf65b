"""Pods that are being created."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import ExecResult, PodStart, PodStep
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
_TROUBLE = ("BackOff", "Err", "Error", "Failed", "Invalid", "Unschedulable")


draws(ExecResult)(output_picture)


def object_line(key: str, words: str, tone: Tone, sign: str, *more: Span, where: str, head: bool = False) -> Line:
    """One object: its sign, its kind and name, how it is going, and where it is."""
    chip = (Span("  "), Span(where, Tone.DIM, chip=True)) if where else ()
    spans = (
        Span(f"{sign} ", tone),
        Span(key, bold=True),
        Span(" "),
        Span(words, tone, status=True),
        *more,
        *chip,
    )
    return Line(spans, head=head, key=key)


def awaited_line(
    key: str,
    words: str,
    tone: Tone,
    *more: Span,
    outcome: Outcome,
    began: float,
    now: float,
    where: str,
    before: tuple[Span, ...] = (),
) -> Line:
    """An object that something happens to: how it is going, for how long, and what else is known.

    Args:
        key: its kind and name.
        words: how it is going, in `tone`.
        tone: as above.
        *more: what else is known.
        outcome: how it ended, if it did.
        began: when it began, in seconds since the epoch; 0 if it has not begun.
        now: when this was known, likewise.
        where: the cluster and the namespace.
        before: what stands between the words and the time.
    """
    sign = "■" if outcome is Outcome.STOPPED else SIGNS[tone]
    clock = Clock(began or time.time(), now if outcome else None, "whole", before="  ")
    return object_line(key, words, tone, sign, *before, Span("", Tone.DIM, clock=clock), *more, where=where, head=True)


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
        blocks: list[Block] = [object_line(f"pod/{state.name}", words, tone, sign, where=state.where, head=True)]
        if last and tone is not Tone.GOOD:
            blocks.append(Line.of(Span(last, Tone.DIM), indent=2, wraps=True, key="note"))
        return Picture(tuple(blocks), label=f"pod {state.name}")


def _tone(status: str) -> Tone:
    if status in _RUNS:
        return Tone.GOOD
    return Tone.BAD if any(word in status for word in _TROUBLE) else Tone.RUNNING
