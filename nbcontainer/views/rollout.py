"""Workloads that are being rolled out or scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.outcome import Outcome
from nbcontainer.model.rollout import Rollouts, RolloutStep
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Line, Picture, Span
from nbcontainer.views.pods import awaited_line
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

TONES = {
    Outcome.RUNNING: Tone.RUNNING,
    Outcome.DONE: Tone.GOOD,
    Outcome.FAILED: Tone.BAD,
    Outcome.STOPPED: Tone.DIM,
}


@shows(Rollouts)
class RolloutsView(View[RolloutStep, Rollouts]):
    """A line for each workload, and below it its pods that are not ready."""

    def is_empty(self, state: Rollouts) -> bool:
        """Whether nothing is known about them yet."""
        return not state.steps

    def __init__(self) -> None:
        self._said: dict[str, str] = {}  # of each workload

    def line(self, event: RolloutStep) -> str | None:
        """How far it has come, in kubectl's words, once; what fails is left to the error."""
        if event.outcome in {Outcome.FAILED, Outcome.STOPPED} or self._said.get(event.name) == event.message:
            return None
        self._said[event.name] = event.message
        return event.message

    def render(self, state: Rollouts) -> Picture:
        """How many pods are ready, how far the rollout has come, and what its pods wait for."""
        blocks: list[Block] = []
        for step in state.steps.values():
            blocks += _step_lines(step, state)
        return Picture(tuple(blocks), label="rollout")


def _step_lines(step: RolloutStep, state: Rollouts) -> list[Block]:
    tone = TONES[step.outcome]
    words = f"{step.ready}/{step.wanted} ready"
    words += " · no longer waited for" if step.outcome is Outcome.STOPPED else ""
    head = awaited_line(
        step.name, words, tone, outcome=step.outcome, began=state.began, now=step.time, where=state.where
    )
    lines: list[Block] = [head]
    if step.outcome is not Outcome.DONE:
        lines.append(Line.of(Span(step.message, Tone.DIM), indent=2, wraps=True, key=f"{step.name} note"))
    lines += [
        Line.of(Span(pod, bold=True), Span(f"  {why}", Tone.WARNING), indent=2, wraps=True, key=f"{step.name} {pod}")
        for pod, why in step.pods.items()
    ]
    return lines
