"""What happened to a pod, or to the pods of a workload, over time."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.drawn import Drawn
from nbcontainer.model.log_fields import LogCounts
from nbcontainer.model.tables import Tone


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which something was in one state.

    Attributes:
        subject: what: "web-1", "web-1 · container app".
        state: in which state: "ready", "exit code 1".
        start: seconds since the epoch; so is `end`, which is infinite if it still is.
    """

    subject: str
    state: str
    start: float
    end: float = float("inf")
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened.

    Attributes:
        time: when, or when last, in seconds since the epoch; `first` is when it happened first.
        subject: to what: "pod/web-1".
        reason: the event's reason, or what happened in one word: "Created", "BackOff".
        message: more, or "".
        count: how often.
        pod: the pod whose log may say more, or "".
    """

    time: float
    subject: str
    reason: str
    message: str = ""
    tone: Tone = Tone.PLAIN
    count: int = 1
    first: float = 0.0
    pod: str = ""


@dataclass(frozen=True)
class Timeline(Drawn):
    """An object's past, as far as the cluster still knows it: a state before the last one, and events of an hour.

    Attributes:
        kind: of the object: "pod", "deployment.apps".
        periods: in which state its pods and containers were, each pod's together.
        moments: what happened, in order of time.
        lines: how many lines its pods wrote, over time; None if their logs cannot be read.
        pods: its pods.
        context, namespace: where it is.
        time: when it was asked for, in seconds since the epoch.
        command: a kubectl command that shows the events.
    """

    kind: str
    name: str
    where: str = ""
    periods: tuple[Period, ...] = ()
    moments: tuple[Moment, ...] = ()
    lines: LogCounts | None = None
    pods: tuple[str, ...] = ()
    context: str = ""
    namespace: str = ""
    time: float = 0.0
    command: str = ""

    def __repr__(self) -> str:
        """Which object, and how much is known."""
        return f"Timeline({self.kind}/{self.name}: {len(self.periods)} periods, {len(self.moments)} moments)"
