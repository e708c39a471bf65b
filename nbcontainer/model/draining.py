"""A node that is drained: its pods, and what happens to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.drawn import Drawn
from nbcontainer.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class DrainedPod:
    """A pod of a node that is to be drained.

    Attributes:
        pod: with its namespace: "shop/web-1".
        node: the node.
        stays: why it is left where it is; "" if it is evicted.
        loses: what is lost with it: "data in emptyDir volumes", or that no controller makes another; "" for nothing.
    """

    pod: str
    node: str
    stays: str = ""
    loses: str = ""


@dataclass(frozen=True)
class DrainPlan(Drawn):
    """The pods of the nodes that are to be drained, those that are evicted first."""

    pods: tuple[DrainedPod, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class DrainStep:
    """What has happened to a node ("node/n1") or to one of its pods ("shop/web-1").

    Attributes:
        words: how it is going: "cordoned", "evicting", "waiting", "evicted", "drained".
        message: why it waits, or how it ended.
        time: seconds since the epoch.
    """

    key: str
    words: str
    outcome: Outcome = Outcome.RUNNING
    message: str = ""
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Drain:
    """The last step of each node and pod, by its key; `began` is the time of the first."""

    where: str = ""
    steps: Mapping[str, DrainStep] = field(default_factory=dict)
    began: float = 0.0


def apply_drain_step(state: Drain, step: DrainStep) -> Drain:
    """Fold one step."""
    return replace(state, steps={**state.steps, step.key: step}, began=state.began or step.time)
