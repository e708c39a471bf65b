"""The objects near an object that its description speaks of: what selects it, refers to it, belongs to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD, Resource, field_selector
from nbcontainer.clusters.reflector import list_all
from nbcontainer.errors import ApiError, Forbidden
from nbcontainer.json_objects import JsonObject, entries_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcontainer.clusters.connection import Cluster

SERVICE = Resource("services", "Service")
ENDPOINT_SLICE = Resource("endpointslices", "EndpointSlice", "discovery.k8s.io")
INGRESS = Resource("ingresses", "Ingress", "networking.k8s.io")
AUTOSCALER = Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling", "v2")
DEPLOYMENT = Resource("deployments", "Deployment", "apps")
REPLICA_SET = Resource("replicasets", "ReplicaSet", "apps")
STATEFUL_SET = Resource("statefulsets", "StatefulSet", "apps")
DAEMON_SET = Resource("daemonsets", "DaemonSet", "apps")
JOB = Resource("jobs", "Job", "batch")
CRON_JOB = Resource("cronjobs", "CronJob", "batch")
ACCOUNT = Resource("serviceaccounts", "ServiceAccount")
QUOTA = Resource("resourcequotas", "ResourceQuota")
LIMIT_RANGE = Resource("limitranges", "LimitRange")

_WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, CRON_JOB)
_ROUTES = (SERVICE, INGRESS)
_NEAR = {
    "Pod": _ROUTES,
    "Deployment": (*_ROUTES, AUTOSCALER, REPLICA_SET),
    "ReplicaSet": (*_ROUTES, AUTOSCALER, POD),
    "ReplicationController": (*_ROUTES, AUTOSCALER, POD),
    "StatefulSet": (*_ROUTES, AUTOSCALER, POD),
    "DaemonSet": (*_ROUTES, POD),
    "Job": (POD,),
    "CronJob": (JOB,),
    "Service": (ENDPOINT_SLICE, INGRESS, STATEFUL_SET),
    "ConfigMap": (POD, *_WORKLOADS),
    "Secret": (POD, *_WORKLOADS, INGRESS, ACCOUNT),
    "PersistentVolumeClaim": (POD, *_WORKLOADS),
    "ServiceAccount": (POD, *_WORKLOADS),
    "PersistentVolume": (),
    "Node": (POD,),
    "Namespace": (QUOTA, LIMIT_RANGE),
}


@dataclass(frozen=True)
class Neighbours:
    """The objects of several kinds that were read.

    Attributes:
        by_kind: the objects, by their kind.
        unread: why some kinds could not be read, by their plural.
    """

    by_kind: Mapping[str, list[JsonObject]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str, owner: JsonObject | None = None) -> list[JsonObject]:
        """The objects of a kind; with `owner`, only those that it owns."""
        found = self.by_kind.get(kind, [])
        uid = text_of(owner, "metadata", "uid") if owner is not None else ""
        return [one for one in found if _is_owned(one, uid)] if uid else found


def _is_owned(found: JsonObject, uid: str) -> bool:
    return any(text_of(owner, "uid") == uid for owner in entries_of(found, "metadata", "ownerReferences"))


async def neighbours(cluster: Cluster, kind: str, name: str) -> Neighbours:
    """What is near an object; what the user may not list, or the cluster does not have, is left out and said."""
    resources = _NEAR.get(kind, (AUTOSCALER,))
    namespace = {"Node": "", "Namespace": name}.get(kind, cluster.namespace)
    parameters = {"fieldSelector": field_selector({"spec.nodeName": name})} if kind == "Node" else {}
    found: dict[str, list[JsonObject]] = {}
    unread: dict[str, str] = {}

    async def read(resource: Resource) -> None:
        try:
            pages = await list_all(cluster, resource.path(namespace), parameters)
        except Forbidden as error:
            unread[resource.plural] = error.message
        except ApiError:
            pass  # an older API server has no such kind
        else:
            found[resource.kind] = [item for page in pages for item in entries_of(page, "items")]

    await asyncio.gather(*map(read, resources))
    return Neighbours({one.kind: found[one.kind] for one in resources if one.kind in found}, unread)
