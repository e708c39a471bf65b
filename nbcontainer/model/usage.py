"""What pods, containers or nodes use at the moment and, while they are watched, what they used before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, overload

from nbcontainer.drawn import Drawn
from nbcontainer.errors import NotFound
from nbcontainer.model.tables import dataframe

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped,import-not-found,unused-ignore]

MOST_POINTS = 720  # of each history: an hour
MOST_HISTORIES = 100  # of the objects that use most
COLUMNS = (
    *("namespace", "name", "container", "cpu", "cpu_request", "cpu_limit"),
    *("memory", "memory_request", "memory_limit", "time"),
)


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """What one object uses.

    Attributes:
        name: the pod or the node.
        namespace: the pod's.
        container: which of the pod's; "" for all of them.
        cpu: in cores, on average over the last seconds; None where nothing was measured.
        memory: the working set, in bytes: what cannot be freed; None likewise.
        cpu_request, cpu_limit, memory_request, memory_limit: what it asks for and may use; the limit of a node is what
            pods can use of it. None where there is none.
        time: when it was measured, in seconds since the epoch.
    """

    name: str
    namespace: str = ""
    container: str = ""
    cpu: float | None = None
    memory: float | None = None
    cpu_request: float | None = None
    cpu_limit: float | None = None
    memory_request: float | None = None
    memory_limit: float | None = None
    time: float = 0.0

    @property
    def key(self) -> str:
        """Which object: "shop/web", or "shop/web/container"."""
        return "/".join(filter(None, (self.namespace, self.name, self.container)))


@dataclass(frozen=True, slots=True)
class Measured:
    """What all of them use, in the order in which they are shown; `note` says what is not known, and why."""

    usages: tuple[ResourceUsage, ...]
    note: str = ""
    time: float = 0.0


Point = tuple[float, float, float]  # the time, cores, bytes


@dataclass(frozen=True, slots=True)
class UsageState:
    """The last measurement and those before.

    Attributes:
        kind: "pod", "container" or "node".
        where: the cluster and the namespace.
        note: as in `Measured`.
        everywhere: whether the pods are of all namespaces.
        total: whether the sum is shown.
        history: by key, of those that use most.
    """

    kind: str = "pod"
    where: str = ""
    note: str = ""
    everywhere: bool = False
    total: bool = False
    usages: tuple[ResourceUsage, ...] = ()
    history: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)


def apply_measured(state: UsageState, event: Measured) -> UsageState:
    """Fold one measurement."""
    known = [one for one in event.usages if one.cpu is not None and one.memory is not None]
    if len(known) > MOST_HISTORIES:
        by_cpu = sorted(known, key=lambda one: -(one.cpu or 0.0))[: MOST_HISTORIES // 2]
        by_memory = sorted(known, key=lambda one: -(one.memory or 0.0))[: MOST_HISTORIES // 2]
        known = list({one.key: one for one in (*by_cpu, *by_memory)}.values())
    history = {}
    for one in known:
        points = state.history.get(one.key, ())
        if not points or points[-1][0] < one.time:
            points = (*points[1 - MOST_POINTS :], (one.time, one.cpu or 0.0, one.memory or 0.0))
        history[one.key] = points
    return replace(state, usages=event.usages, note=event.note, history=history)


@dataclass(frozen=True, repr=False)
class Usages(Sequence[ResourceUsage], Drawn):
    """What pods, containers or nodes use: a sequence, with `.dataframe()`; `usages["web"]` is one pod's or node's.

    Attributes:
        state: the measurement, with those before it.
        command: the same as a kubectl command.
    """

    state: UsageState
    command: str = ""

    def __len__(self) -> int:
        """How many there are."""
        return len(self.state.usages)

    @overload
    def __getitem__(self, index: int) -> ResourceUsage: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[ResourceUsage, ...]: ...

    @overload
    def __getitem__(self, index: str) -> ResourceUsage: ...

    def __getitem__(self, index: int | slice | str) -> ResourceUsage | tuple[ResourceUsage, ...]:
        """One of them, by its place, its name or its key, such as "shop/web".

        Raises:
            NotFound: none is called so.
        """
        if not isinstance(index, str):
            return self.state.usages[index]
        for one in self.state.usages:
            if index in {one.key, one.name}:
                return one
        raise NotFound(f"There is no {index!r} among the {self.state.kind}s.", status=404)

    def __repr__(self) -> str:
        """How many, of what, and where."""
        return f"Usages({len(self)} {self.state.kind}s, {self.state.where})"

    def dataframe(self) -> DataFrame:
        """The measurement as a pandas DataFrame, in cores and bytes (pandas must be installed)."""
        return dataframe(list(COLUMNS), [[getattr(one, name) for name in COLUMNS] for one in self])

    def history(self) -> DataFrame:
        """All measurements as a pandas DataFrame, oldest first: when, of which object, cores and bytes."""
        points = [(point[0], key, *point[1:]) for key, points in self.state.history.items() for point in points]
        return dataframe(["time", "key", "cpu", "memory"], sorted(points))
