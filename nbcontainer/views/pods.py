"""Pods that are being created or deleted."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import PodDeletion, PodEnd, PodStart, PodStep
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import SIGNS, Block, Line, Picture, Span
from nbcontainer.views.view import View, Wire, facts_of

__all__ = ["PodDeletionView", "PodStartView"]

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


@dataclass(frozen=True, slots=True)
class PodRow:
    """One pod as it is drawn. `since` is when its wait started, `until` when it ended, or 0 if it is still waiting."""

    name: str
    words: str
    tone: Tone
    sign: str
    where: str = ""
    note: str = ""
    since: float = 0.0
    until: float = 0.0

    def spans(self) -> list[Span]:
        """Its line, without the note."""
        spans = [
            Span(f"{self.sign} ", self.tone),
            Span(f"pod/{self.name}", bold=True),
            Span(f" {self.words}", self.tone),
        ]
        took = (self.until or time.time()) - self.since if self.since else 0
        if took >= 1:
            spans.append(Span(f"  {took:.0f} s", Tone.DIM))
        return spans

    def place(self) -> list[Span]:
        """The place of the pods."""
        return [Span("  "), Span(self.where, Tone.DIM, chip=True)] if self.where else []


def _wire(rows: list[PodRow], more: str = "") -> Wire:
    return {"rows": [facts_of(row) for row in rows], "more": more}


class PodStartView(View[PodStep, PodStart]):
    """The pod's steps, newest last."""

    page = "pods"

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
        row = _start_row(state)
        blocks: list[Block] = [Line((*row.spans(), *row.place()), head=bool(row.note))]
        if row.note:
            blocks.append(Line.of(Span(row.note, Tone.DIM), indent=2, wraps=True))
        return Picture(tuple(blocks), label=f"pod {state.name}")

    def wire(self, previous: PodStart | None, state: PodStart) -> Wire | None:
        """The whole state, which is short."""
        return None if previous == state else _wire([_start_row(state)])


def _start_row(state: PodStart) -> PodRow:
    last = state.steps[-1].message if state.steps else ""
    tone = ENDS.get(state.outcome) or (Tone.WARNING if last and state.status in _DONE else _tone(state.status))
    words = state.status or ("not created" if state.outcome is Outcome.FAILED else "asked for")
    words += " · no longer waited for" if state.outcome is Outcome.STOPPED else ""
    sign = "■" if state.outcome is Outcome.STOPPED else SIGNS[tone]
    return PodRow(state.name, f" {words}", tone, sign, state.where, "" if tone is Tone.GOOD else last)


class PodDeletionView(View[PodEnd, PodDeletion]):
    """Each pod with its outcome; if there are many, those that are left come first."""

    page = "pods"

    def line(self, event: PodEnd) -> str | None:
        """`pod "web" deleted`, as kubectl prints it."""
        return f'pod "{event.name}" {DELETIONS[event.outcome][0]}' + (f": {event.message}" if event.message else "")

    def render(self, state: PodDeletion) -> Picture:
        """A line for each of the first pods, and how many more there are."""
        rows, more = _end_rows(state)
        blocks: list[Block] = []
        for row in rows:
            note = [Span(f"  {row.note}", Tone.DIM)] if row.note else []
            blocks.append(Line((*row.spans(), *note, *row.place())))
        if more:
            blocks.append(Line.of(Span(more, Tone.DIM)))
        return Picture(tuple(blocks), label="deletion")

    def wire(self, previous: PodDeletion | None, state: PodDeletion) -> Wire | None:
        """The whole state, which is short."""
        return None if previous == state else _wire(*_end_rows(state))


def _end_rows(state: PodDeletion) -> tuple[list[PodRow], str]:
    pods = sorted(state.pods.values(), key=lambda end: end.outcome is Outcome.DONE)
    gone = len(state.pods) - len(state.left)
    more = f"… {gone:,} of {len(pods):,} pods are gone" if len(pods) > MOST_PODS else ""
    return [_end_row(end, state) for end in pods[:MOST_PODS]], more


def _end_row(end: PodEnd, state: PodDeletion) -> PodRow:
    word, tone = DELETIONS[end.outcome]
    sign = "■" if end.outcome is Outcome.STOPPED else SIGNS[tone]
    until = end.time if end.outcome else 0.0
    return PodRow(end.name, word, tone, sign, state.where, end.message, state.began, until)


def _tone(status: str) -> Tone:
    if status in _RUNS:
        return Tone.GOOD
    return Tone.BAD if any(word in status for word in _TROUBLE) else Tone.RUNNING
