"""Objects that are being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.deletion import Deletion, ObjectEnd
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Line, Picture, Span
from nbcontainer.views.pods import awaited_line
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

DELETIONS = {
    Outcome.RUNNING: ("Terminating", Tone.RUNNING),
    Outcome.DONE: ("deleted", Tone.GOOD),
    Outcome.FAILED: ("refused", Tone.BAD),
    Outcome.STOPPED: ("stopped", Tone.DIM),
}
MOST_SHOWN = 20


@shows(Deletion)
class DeletionView(View[ObjectEnd, Deletion]):
    """Each object with its outcome; if there are many, those that are left come first."""

    def line(self, event: ObjectEnd) -> str | None:
        """`pod "web" deleted`, as kubectl prints it."""
        more = f": {event.message}" if event.message else ""
        return f'{event.kind} "{event.name}" {DELETIONS[event.outcome][0]}{more}'

    def render(self, state: Deletion) -> Picture:
        """A line for each of the first objects, and how many more there are."""
        ends = sorted(state.objects.values(), key=lambda end: end.outcome is Outcome.DONE)
        blocks: list[Block] = [_end_line(end, state) for end in ends[:MOST_SHOWN]]
        if len(ends) > MOST_SHOWN:
            gone = len(state.objects) - len(state.left)
            blocks.append(Line.of(Span(f"… {gone:,} of {len(ends):,} are gone", Tone.DIM), key="more"))
        return Picture(tuple(blocks), label="deletion")


def _end_line(end: ObjectEnd, state: Deletion) -> Line:
    word, tone = DELETIONS[end.outcome]
    note = (Span(f"  {end.message}", Tone.DIM),) if end.message else ()
    return awaited_line(
        end.key, word, tone, *note, outcome=end.outcome, began=state.began, now=end.time, where=state.where
    )
