"""Objects that are being deleted: what happened to each, and the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class ObjectEnd:
    """What has happened to an object that is being deleted.

    `outcome` is RUNNING while it terminates, FAILED if the deletion was refused, and STOPPED if nobody waits for it any
    longer; `message` says more, or is "". `time` is seconds since the epoch. `namespace` is "" where it is the call's
    own.
    """

    name: str
    outcome: Outcome
    message: str = ""
    time: float = 0.0
    kind: str = "pod"
    namespace: str = ""

    @property
    def key(self) -> str:
        """Which object: "pod/web"."""
        return "/".join(filter(None, (self.namespace, self.kind, self.name)))


@dataclass(frozen=True, slots=True)
class Deletion:
    """Objects that are being deleted: the last thing known about each, by its key, in the order of the call.

    `began` is when the first deletion was requested.
    """

    where: str = ""
    objects: Mapping[str, ObjectEnd] = field(default_factory=dict)
    began: float = 0.0

    @property
    def left(self) -> tuple[str, ...]:
        """The keys of those that are still there."""
        return tuple(key for key, end in self.objects.items() if not end.outcome)


def apply_object_end(state: Deletion, event: ObjectEnd) -> Deletion:
    """Fold one object's event into a deletion."""
    began = state.began or event.time
    return replace(state, objects={**state.objects, event.key: event}, began=began)
