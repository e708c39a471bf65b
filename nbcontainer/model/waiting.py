"""Waiting until objects are as wanted: what was seen of each, and the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.drawn import Drawn
from nbcontainer.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class ObjectSeen:
    """How an object was seen.

    Attributes:
        key: which: "pod/web".
        outcome: DONE once it is as wanted, FAILED if it was not in time, STOPPED if nobody waits for it any longer.
        message: how it is: "Ready is False: ContainersNotReady".
        time: seconds since the epoch.
    """

    key: str
    outcome: Outcome
    message: str = ""
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Objects that are waited for: the last thing seen of each, by its key.

    Attributes:
        goal: what they are waited for: "condition=Ready".
        began: since when, in seconds since the epoch.
    """

    goal: str
    where: str = ""
    objects: Mapping[str, ObjectSeen] = field(default_factory=dict)
    began: float = 0.0


def apply_object_seen(state: Wait, event: ObjectSeen) -> Wait:
    """Fold one event into a wait."""
    return replace(state, objects={**state.objects, event.key: event}, began=state.began or event.time)


@dataclass(frozen=True)
class Waited(Drawn):
    """Objects that are as wanted.

    Attributes:
        state: when each became so.
        command: the same as a kubectl command.
    """

    state: Wait
    command: str = ""

    def __repr__(self) -> str:
        """What was waited for."""
        return f"Waited({', '.join(self.state.objects)}: {self.state.goal})"
