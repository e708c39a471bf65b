"""The events of objects of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.errors import UsageError
from nbcontainer.model.tables import Table
from nbcontainer.operation import Operation
from nbcontainer.protection import reads

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.tables import TableEvent, TableState

TYPES = ("Normal", "Warning")


class EventVerbs(ClusterHandle):
    """What reads events."""

    @reads
    def events(
        self, about: str = "", *, types: Sequence[str] = (), all_namespaces: bool = False, subject: str = ""
    ) -> Table:
        """The events of a namespace, newest last: `nbc.cluster().events("deploy/web")`. In a notebook they stay live.

        Args:
            about: only the events of this object: "deploy/web"; those of a node are found in all namespaces.
            types: only events of these types: "Normal", "Warning".
            all_namespaces: those of all namespaces.
            subject: the same as `about`, for kubectl's `--for`.

        Raises:
            UsageError: `about` is not KIND/NAME, or a type does not exist.
            NotFound: there is no such namespace.
            Unsupported: there is only Podman, whose events are those of its pods.
        """
        cluster = self.connect_to_cluster("events")
        return clusters.events.events(cluster, **_which(cluster, about or subject, types, everywhere=all_namespaces))

    @reads
    def watch_events(
        self,
        about: str = "",
        *,
        types: Sequence[str] = (),
        all_namespaces: bool = False,
        subject: str = "",
        duration: float = 0.0,
    ) -> Operation[TableEvent, TableState, Table]:
        """The same, kept up to date until it is stopped; takes the arguments of `events`.

        Args:
            about: only the events of this object.
            types: only events of these types.
            all_namespaces: those of all namespaces.
            subject: the same as `about`.
            duration: seconds after which to stop watching; 0 for never.
        """
        cluster = self.connect_to_cluster("events")
        which = _which(cluster, about or subject, types, everywhere=all_namespaces)
        operation = clusters.events.watch_events(cluster, **which)
        operation.stop_after(duration)
        return operation


def _which(cluster: Cluster, about: str, types: Sequence[str], *, everywhere: bool) -> dict[str, Any]:
    """Which events a call means."""
    wanted = [word for each in types for word in each.split(",") if word]
    named = {word.lower(): word for word in TYPES}
    wrong = [word for word in wanted if word.lower() not in named]
    if wrong:
        raise UsageError(f"There are no events of type {wrong[0]!r}.", cure=f"The types are {' and '.join(TYPES)}.")
    which = {"types": [named[word.lower()] for word in wanted], "all_namespaces": everywhere, "kind": "", "name": ""}
    if about:
        found = clusters.objects.named(cluster, (about,))
        if len(found) != 1 or len(found[0].names) != 1:
            raise UsageError(f"{about!r} is not KIND/NAME.", cure="Such as deploy/web.")
        found[0].resource.path(cluster.namespace, found[0].names[0])  # refuses what cannot be a name
        which |= {"kind": found[0].resource.kind, "name": found[0].names[0]}
        which["all_namespaces"] = everywhere or not found[0].resource.namespaced
    return which
