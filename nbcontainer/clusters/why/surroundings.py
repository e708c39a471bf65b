"""What is near a workload, a Service or an Ingress: its pods, endpoints and Services, and events about what it made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from nbcontainer.clusters.discovery import EVENT, POD, Resource
from nbcontainer.clusters.events import in_order
from nbcontainer.clusters.neighbours import ENDPOINT_SLICE, JOB, REPLICA_SET, SERVICE, read_kinds
from nbcontainer.clusters.ownership import owned
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster

STORAGE_CLASS = Resource("storageclasses", "StorageClass", "storage.k8s.io", namespaced=False)
INGRESS_CLASS = Resource("ingressclasses", "IngressClass", "networking.k8s.io", namespaced=False)
SERVICE_LABEL = "kubernetes.io/service-name"
_WANTED = {
    "Service": (POD, ENDPOINT_SLICE, EVENT),
    "Deployment": (POD, REPLICA_SET, EVENT),
    "ReplicaSet": (POD, EVENT),
    "StatefulSet": (POD, EVENT),
    "DaemonSet": (POD, EVENT),
    "Job": (POD, EVENT),
    "CronJob": (JOB, EVENT),
    "Ingress": (SERVICE, ENDPOINT_SLICE, INGRESS_CLASS),
    "PersistentVolumeClaim": (STORAGE_CLASS, POD),
}


@dataclass(frozen=True)
class Surroundings:
    """What was read near an object.

    Attributes:
        pods: its pods; of a Service those that it selects.
        all_pods: the namespace's pods.
        made: the ReplicaSets or Jobs that it made.
        events: the events about it and what it made, newest last; `all_events` are the namespace's.
        services, slices: the namespace's Services and EndpointSlices.
        classes: StorageClasses or IngressClasses; None where they could not be read.
    """

    pods: tuple[JsonObject, ...] = ()
    all_pods: tuple[JsonObject, ...] = ()
    made: tuple[JsonObject, ...] = ()
    events: tuple[JsonObject, ...] = ()
    all_events: tuple[JsonObject, ...] = ()
    services: tuple[JsonObject, ...] = ()
    slices: tuple[JsonObject, ...] = ()
    classes: tuple[JsonObject, ...] | None = None

    @classmethod
    async def read(
        cls, cluster: Cluster, kind: str, found: JsonObject, about: Sequence[JsonObject], unread: dict[str, str]
    ) -> Self:
        """Read what the rule of a kind needs; `unread` is told what may not be read."""
        near = await read_kinds(cluster, _WANTED[kind], cluster.namespace)
        unread |= {**near.unread, **near.failed}
        uid = text_of(found, "metadata", "uid")
        made = owned([*near.of("ReplicaSet"), *near.of("Job")], {uid})
        owners = {uid, *(text_of(one, "metadata", "uid") for one in made)}
        pods, events = near.of("Pod"), in_order(near.of("Event"))
        own = selected(found, pods) if kind == "Service" else owned(pods, owners)
        told = [one for one in events if text_of(one, "involvedObject", "uid") in owners]
        classes = near.by_kind.get("StorageClass", near.by_kind.get("IngressClass"))
        return cls(
            tuple(own),
            tuple(pods),
            tuple(made),
            tuple(told) or tuple(about),
            tuple(events),
            tuple(near.of("Service")),
            tuple(near.of("EndpointSlice")),
            None if classes is None else tuple(classes),
        )


def selected(service: JsonObject, pods: Sequence[JsonObject]) -> list[JsonObject]:
    """The pods that a Service selects; none if it has no selector."""
    selector = object_of(service, "spec", "selector")
    return [one for one in pods if selector and selector.items() <= object_of(one, "metadata", "labels").items()]


def ready_addresses(service: str, slices: Sequence[JsonObject]) -> int:
    """How many ready endpoints a Service has."""
    return sum(
        sum(map(_is_ready, entries_of(one, "endpoints")))
        for one in slices
        if text_of(one, "metadata", "labels", SERVICE_LABEL) == service
    )


def _is_ready(endpoint: JsonObject) -> bool:
    return object_of(endpoint, "conditions").get("ready") is not False
