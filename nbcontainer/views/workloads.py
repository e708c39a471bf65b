"""Workloads on their way to the wanted replicas, with the pods that are not ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.model.workloads import WorkloadProgress, WorkloadStep
from nbcontainer.views.blocks import Progress
from nbcontainer.views.kit import SIGNS, Line, Picture, Span
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

MOST_PODS = 10  # of a workload that are not ready
TONES = {
    Outcome.RUNNING: Tone.RUNNING,
    Outcome.DONE: Tone.GOOD,
    Outcome.FAILED: Tone.BAD,
    Outcome.STOPPED: Tone.DIM,
}


@shows(WorkloadProgress)
class WorkloadView(View[WorkloadStep, WorkloadProgress]):
    """A line and a bar for each workload."""

    def is_empty(self, state: WorkloadProgress) -> bool:
        """Whether nothing is known yet."""
        return not state.workloads

    def line(self, event: WorkloadStep) -> str | None:
        """The step in kubectl's words; nothing for a failure, which is left to the error."""
        return None if event.outcome is Outcome.FAILED else event.message

    def render(self, state: WorkloadProgress) -> Picture:
        """Each workload with its pods that are not ready."""
        blocks = [block for step in state.workloads.values() for block in _workload(step, state.where)]
        return Picture(tuple(blocks), label="replicas")


def _workload(step: WorkloadStep, where: str) -> list[Block]:
    tone = TONES[step.outcome]
    sign = "■" if step.outcome is Outcome.STOPPED else SIGNS[tone]
    spans = (
        Span(f"{sign} ", tone),
        Span(step.name, bold=True),
        Span(f" {step.message}{' · no longer waited for' * (step.outcome is Outcome.STOPPED)}", tone, status=True),
        Span("  "),
        Span(where, Tone.DIM, chip=True),
    )
    blocks: list[Block] = [Line(spans, head=True, key=step.name)]
    if step.outcome is not Outcome.DONE and step.wanted:
        text = f"{step.ready} of {step.wanted} ready"
        blocks.append(Progress(min(1.0, step.ready / step.wanted), text, tone, key=f"{step.name} ready"))
    for name, status in step.unready[:MOST_PODS]:
        blocks.append(Line.of(f"pod/{name} ", Span(status, Tone.WARNING), indent=2, key=f"{step.name} {name}"))
    if len(step.unready) > MOST_PODS:
        more = f"… and {len(step.unready) - MOST_PODS:,} more pods that are not ready"
        blocks.append(Line.of(Span(more, Tone.DIM), indent=2, key=f"{step.name} more"))
    return blocks
