"""Workloads on their way to the wanted replicas: events and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class WorkloadStep:
    """How far a workload has come.

    Attributes:
        name: with its kind: "deployment/web".
        message: in kubectl's words.
        ready: how many of `wanted` replicas are ready.
        unready: the pods that are not ready, each with its status.
    """

    name: str
    message: str
    ready: int = 0
    wanted: int = 0
    outcome: Outcome = Outcome.RUNNING
    unready: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkloadProgress:
    """Workloads that are waited for: the last step of each, in the order of the call."""

    where: str = ""
    workloads: Mapping[str, WorkloadStep] = field(default_factory=dict)


def apply_workload_step(state: WorkloadProgress, event: WorkloadStep) -> WorkloadProgress:
    """Fold one step."""
    return replace(state, workloads={**state.workloads, event.name: event})
