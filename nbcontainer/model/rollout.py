"""The rollout of a workload: how far it has come, and which of its pods are not ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class RolloutStep:
    """What is known about one workload.

    Attributes:
        name: with its kind: "deployment/web".
        message: how far it has come, in kubectl's words.
        wanted: how many pods it should have; `ready` how many of its new ones are.
        pods: those that are not ready, and what is known about each.
        time: seconds since the epoch.
    """

    name: str
    message: str
    wanted: int = 0
    ready: int = 0
    pods: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome = Outcome.RUNNING
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Rollouts:
    """The last step of each workload, by its name; `began` is the time of the first step."""

    where: str = ""
    steps: Mapping[str, RolloutStep] = field(default_factory=dict)
    began: float = 0.0


def apply_step(state: Rollouts, step: RolloutStep) -> Rollouts:
    """Fold one step."""
    return replace(state, steps={**state.steps, step.name: step}, began=state.began or step.time)
