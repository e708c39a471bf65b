"""The objects near an object that its description speaks of: what selects it, refers to it, belongs to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD, Resource, field_selector
from nbcontainer.clusters.ownership import owned
from nbcontainer.clusters.reflector import list_all
from nbcontainer.errors import ApiError, Forbidden, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

NO_PARAMETERS: Mapping[str, str] = {}
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
        unread: why the user may not read some kinds, by their plural.
        failed: why others could not be read, likewise.
    """

    by_kind: Mapping[str, list[JsonObject]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str, owner: JsonObject | None = None) -> list[JsonObject]:
        """The objects of a kind; with `owner`, only those that it owns."""
        found = self.by_kind.get(kind, [])
        uid = text_of(owner, "metadata", "uid") if owner is not None else ""
        return owned(found, {uid}) if uid else found


async def neighbours(cluster: Cluster, kind: str, name: str) -> Neighbours:
    """What is near an object; what the user may not list, or the cluster does not have, is left out and said."""
    resources = _NEAR.get(kind, (AUTOSCALER,))
    namespace = {"Node": "", "Namespace": name}.get(kind, cluster.namespace)
    parameters = {"fieldSelector": field_selector({"spec.nodeName": name})} if kind == "Node" else {}
    return await read_kinds(cluster, resources, namespace, parameters)


async def read_kinds(
    cluster: Cluster, resources: Sequence[Resource], namespace: str, parameters: Mapping[str, str] = NO_PARAMETERS
) -> Neighbours:
    """The objects of several kinds, each with its kind; what the user may not list is left out and said.

    Args:
        cluster: the cluster.
        resources: the kinds; one that the cluster does not have is left out.
        namespace: where those are that belong to one; "" for everywhere.
        parameters: of each request.
    """
    found: dict[str, list[JsonObject]] = {}
    unread: dict[str, str] = {}
    failed: dict[str, str] = {}

    async def read(resource: Resource) -> None:
        try:
            pages = await list_all(cluster, resource.path(namespace), parameters)
        except Forbidden as error:
            unread[resource.plural] = error.message
        except NotFound:
            pass  # an older API server has no such kind
        except ApiError as error:
            failed[resource.plural] = error.message
        else:
            found[resource.kind] = [
                {"kind": resource.kind, **item} for page in pages for item in entries_of(page, "items")
            ]

    await asyncio.gather(*map(read, resources))
    return Neighbours({one.kind: found[one.kind] for one in resources if one.kind in found}, unread, failed)
