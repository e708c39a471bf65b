"""Objects that are waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.model.waiting import ObjectSeen, Wait
from nbcontainer.views.kit import Line, Picture, Span
from nbcontainer.views.pods import awaited_line
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

WORDS = {
    Outcome.RUNNING: ("waiting", Tone.RUNNING),
    Outcome.DONE: ("condition met", Tone.GOOD),
    Outcome.FAILED: ("not in time", Tone.BAD),
    Outcome.STOPPED: ("no longer waited for", Tone.DIM),
}
GOALS = {"delete": "deleted", "create": "created"}
MOST_SHOWN = 20


@shows(Wait)
class WaitView(View[ObjectSeen, Wait]):
    """Each object and how it is; if there are many, those that are still waited for come first."""

    def line(self, event: ObjectSeen) -> str | None:
        """`pod/web condition met`, as kubectl prints it."""
        more = f": {event.message}" if event.message else ""
        return f"{event.key} {WORDS[event.outcome][0]}{more}"

    def render(self, state: Wait) -> Picture:
        """A line for each of the first objects, and how many more there are."""
        seen = sorted(state.objects.values(), key=lambda one: one.outcome is Outcome.DONE)
        blocks: list[Block] = [_line(one, state) for one in seen[:MOST_SHOWN]]
        if len(seen) > MOST_SHOWN:
            met = sum(one.outcome is Outcome.DONE for one in seen)
            blocks.append(Line.of(Span(f"… {met:,} of {len(seen):,} are as wanted", Tone.DIM), key="more"))
        return Picture(tuple(blocks), label="wait")


def _line(one: ObjectSeen, state: Wait) -> Line:
    words, tone = WORDS[one.outcome]
    words = GOALS.get(state.goal, words) if one.outcome is Outcome.DONE else words
    goal = () if one.outcome is Outcome.DONE else (Span(f" for {state.goal}", Tone.DIM),)
    note = (Span(f"  {one.message}", Tone.DIM),) if one.message else ()
    return awaited_line(
        one.key,
        words,
        tone,
        *note,
        outcome=one.outcome,
        began=state.began,
        now=one.time,
        where=state.where,
        before=goal,
    )
