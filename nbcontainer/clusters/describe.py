"""The description of an object of any kind: kubectl describe's facts, what owns and uses it, its events, its YAML."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from nbcontainer.clusters import object_sections, workload_sections
from nbcontainer.clusters.columns import age_text
from nbcontainer.clusters.discovery import POD, Resource
from nbcontainer.clusters.events import event_row, events_about, is_about
from nbcontainer.clusters.missing import check_namespace, not_found_soon
from nbcontainer.clusters.neighbours import Neighbours, neighbours
from nbcontainer.clusters.objects import named
from nbcontainer.clusters.pod_sections import (
    LAST_APPLIED,
    Facts,
    Section,
    conditions,
    facts,
    owners,
    pairs,
    pod_sections,
    sections,
    shown_annotations,
)
from nbcontainer.clusters.references import used, used_by
from nbcontainer.clusters.reflector import list_all
from nbcontainer.clusters.secret_values import hide
from nbcontainer.errors import Forbidden, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, value_of
from nbcontainer.model.results import Description

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.tables import Row

MOST_AT_ONCE = 8  # objects that are described at a time
MOST_FACTS = 500  # of an object of an unknown kind
NOISE = ("managedFields", "resourceVersion", "uid", "generation", "selfLink")
_SECTIONS: Mapping[str, Callable[[JsonObject, Neighbours], list[Section]]] = {
    "ConfigMap": object_sections.config_map,
    "CronJob": workload_sections.cron_job,
    "DaemonSet": workload_sections.daemon_set,
    "Deployment": workload_sections.deployment,
    "HorizontalPodAutoscaler": workload_sections.autoscaler,
    "Ingress": object_sections.ingress,
    "Job": workload_sections.job,
    "Namespace": object_sections.namespace,
    "Node": object_sections.node,
    "PersistentVolume": object_sections.volume,
    "PersistentVolumeClaim": object_sections.claim,
    "ReplicaSet": workload_sections.replicas,
    "Secret": object_sections.secret,
    "Service": object_sections.service,
    "ServiceAccount": object_sections.account,
    "StatefulSet": workload_sections.replicas,
}
_GROUPS = {"", "apps", "autoscaling", "batch", "networking.k8s.io"}  # of these kinds


def describe(cluster: Cluster, name: str, namespace: str = "") -> Description:
    """All that is known about a pod, in kubectl's order, and its events, newest last.

    Raises:
        NotFound: there is no such pod.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    cluster = cluster.in_namespace(namespace)
    return cluster.run(_describe(cluster, POD, name))


def describe_objects(
    cluster: Cluster, words: Sequence[str], *, selector: str = "", all_namespaces: bool = False
) -> list[Description]:
    """The same about objects of any kinds, which words name as in `kubectl get`; without names all of a kind.

    Raises:
        UsageError: the cluster has no such kind, or the words are neither KIND NAME… nor KIND/NAME….
        NotFound, ApiError, ClusterUnavailable: as for `describe`.
    """
    found = named(cluster, words)
    return cluster.run(_describe_all(cluster, found, selector=selector, everywhere=all_namespaces))


async def _describe_all(
    cluster: Cluster, found: Sequence[tuple[Resource, tuple[str, ...], bool]], *, selector: str, everywhere: bool
) -> list[Description]:
    some = asyncio.Semaphore(MOST_AT_ONCE)

    async def one(there: Cluster, resource: Resource, name: str) -> Description:
        async with some:
            return await _describe(there, resource, name)

    wanted: list[tuple[Cluster, Resource, str]] = []
    for resource, names, _ in found:
        wanted += [(cluster, resource, name) for name in names]
        if not names:
            path = resource.path("" if everywhere else cluster.namespace)
            pages = await list_all(cluster, path, {"labelSelector": selector} if selector else {})
            listed = [object_of(item, "metadata") for page in pages for item in entries_of(page, "items")]
            wanted += [(cluster.in_namespace(text_of(o, "namespace")), resource, text_of(o, "name")) for o in listed]
            if not listed and resource.namespaced and not everywhere:
                await asyncio.to_thread(check_namespace, cluster)
    return await asyncio.gather(*(one(*each) for each in wanted))


async def _describe(cluster: Cluster, resource: Resource, name: str) -> Description:
    try:
        found, events, near = await asyncio.gather(
            cluster.request("GET", resource.path(cluster.namespace, name)),
            _events(cluster, resource, name),
            neighbours(cluster, resource.kind, name),
        )
    except NotFound:
        raise await not_found_soon(cluster, (name,), resource) from None
    now = time.time()
    return Description(
        kind=resource.kind,
        name=name,
        namespace=cluster.namespace if resource.namespaced else "",
        where=cluster.where if resource.namespaced else cluster.context,
        sections=_sections(cluster, resource, found, near)
        + ((("Events", (("Events", events),)),) if isinstance(events, str) else ()),
        events=()
        if isinstance(events, str)
        else tuple(_event(event_row(one), now) for one in events if is_about(one, found)),
        command=cluster.commands.kubectl(
            "describe", resource.qualified_kind, name, namespace=None if resource.namespaced else ""
        ),
        manifest=without_noise(found),
    )


async def _events(cluster: Cluster, resource: Resource, name: str) -> list[JsonObject] | str:
    """The events of objects of this name; or why they cannot be read."""
    try:
        return await events_about(cluster, resource, name)
    except Forbidden as error:
        return f"they may not be read: {error.message}"


def _event(row: Row, now: float) -> tuple[str, ...]:
    """Type, reason, age, from, message: kubectl's order."""
    seen, kind, reason, _about, message, count, _first, source = row.cells[-8:]
    times = f" (x{count})" if isinstance(count, int) and count > 1 else ""
    return str(kind), str(reason), age_text(now - float(seen or now)) + times, str(source), str(message)


def without_noise(found: JsonObject) -> dict[str, object]:
    """An object as its YAML is shown: without what only machines read, and without the values of a Secret."""
    shown = hide(dict(found))
    metadata = {key: value for key, value in object_of(shown, "metadata").items() if key not in NOISE}
    if LAST_APPLIED in object_of(metadata, "annotations"):
        metadata["annotations"] = shown_annotations(metadata)
        if not metadata["annotations"]:
            del metadata["annotations"]
    return {**shown, "metadata": metadata} if "metadata" in shown else shown


def _sections(cluster: Cluster, resource: Resource, found: JsonObject, near: Neighbours) -> tuple[Section, ...]:
    if resource == POD:
        own = list(pod_sections(found, cluster.commands))
    else:
        known = _SECTIONS.get(resource.kind) if resource.group in _GROUPS else None
        (title, first), *more = known(found, near) if known else _any_sections(found)
        own = [("", (*_head(found), *(first if not title else ()))), *([] if not title else [(title, first)]), *more]
    users = used_by(resource.kind, found, near.by_kind)
    unread = [("Not read", f"{', '.join(near.unread)}: this user may not list them")] if near.unread else []
    return sections(*own, ("Uses", tuple(used(resource.kind, found))), ("Used by", (*users, *unread)))


def _head(found: JsonObject) -> Facts:
    metadata = object_of(found, "metadata")
    return facts(
        ("Name", metadata.get("name")),
        ("Namespace", metadata.get("namespace")),
        ("Labels", pairs(metadata.get("labels"))),
        ("Annotations", pairs(shown_annotations(metadata))),
        ("CreationTimestamp", metadata.get("creationTimestamp")),
        ("Terminating", f"since {metadata['deletionTimestamp']}" if "deletionTimestamp" in metadata else ""),
        ("Finalizers", ", ".join(str(one) for one in _listed(metadata, "finalizers"))),
        ("Controlled By", owners(metadata)),
    )


def _listed(found: JsonObject, *keys: str) -> list[object]:
    value = value_of(found, *keys)
    return value if isinstance(value, list) else []


def _any_sections(found: JsonObject) -> list[Section]:
    """An object of any other kind, field by field; its conditions come last."""
    kind, status = text_of(found, "kind"), object_of(found, "status")
    shown = hide({**found, "kind": kind, "status": {key: status[key] for key in status if key != "conditions"}})
    simple = {
        key: value
        for key, value in shown.items()
        if not isinstance(value, dict | list) and key not in {"apiVersion", "kind"}
    }
    whole = [
        (_title(key), facts(*list(_fields(value, ""))[:MOST_FACTS]))
        for key, value in shown.items()
        if isinstance(value, dict | list) and value and key != "metadata"
    ]
    head = facts(("API Version", found.get("apiVersion")), *((_title(key), value) for key, value in simple.items()))
    return [("", head), *whole, conditions(found)]


def _title(key: str) -> str:
    return f"{key[:1].upper()}{key[1:]}"


def _fields(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Each value below an object, by its path: ("template.replicas", 3)."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _fields(inner, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, inner in enumerate(value):
            yield from _fields(inner, f"{path}[{index}]")
    elif isinstance(value, list):
        yield path or "items", ", ".join(map(str, value))
    else:
        yield path, value if value != {} else "{}"
