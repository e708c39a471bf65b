"""Files that are copied to or from a pod."""

from __future__ import annotations

from nbcontainer.model.copying import Copying, CopyStep
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import SIGNS, Line, Picture, Span
from nbcontainer.views.quantities import format_size
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View

ENDS = {
    Outcome.RUNNING: ("copying", Tone.RUNNING),
    Outcome.DONE: ("copied", Tone.GOOD),
    Outcome.FAILED: ("failed", Tone.BAD),
    Outcome.STOPPED: ("stopped", Tone.DIM),
}


@shows(Copying)
class CopyingView(View[CopyStep, Copying]):
    """How much was copied, and what was left out."""

    def line(self, event: CopyStep) -> str | None:
        """What was left out."""
        return event.note or None

    def render(self, state: Copying) -> Picture:
        """From where to where, and how much."""
        word, tone = ENDS[state.outcome]
        sign = "■" if state.outcome is Outcome.STOPPED else SIGNS[tone]
        head = Line.of(
            Span(f"{sign} ", tone),
            Span(f"{state.source} → {state.target}", bold=True),
            Span(" "),
            Span(word, tone, status=True),
            Span(f"  {state.files:,} file{'s' * (state.files != 1)}, {format_size(state.size)}", Tone.DIM),
            Span("  "),
            Span(state.where, Tone.DIM, chip=True),
            head=True,
            key="head",
        )
        notes = [
            Line.of(Span(f"! {note}", Tone.WARNING), indent=2, wraps=True, key=f"note-{number}")
            for number, note in enumerate(state.notes)
        ]
        return Picture((head, *notes), label="copy")
