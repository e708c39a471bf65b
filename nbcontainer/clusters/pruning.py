"""What was applied before and is no longer in the text: found by its label, and deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import Resource, all_resources
from nbcontainer.clusters.missing import NAMES_ALONE
from nbcontainer.errors import ApiError, Forbidden, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, text_of
from nbcontainer.model.changes import Change

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

MOST_AT_ONCE = 8  # requests


@dataclass(frozen=True)
class Doomed:
    """An object that would be pruned."""

    resource: Resource
    namespace: str
    name: str
    uid: str

    @property
    def word(self) -> str:
        """What names it in a question: "configmap/old"."""
        return f"{self.resource.qualified_kind}/{self.name}"

    def change(self, cluster: Cluster, command: str) -> Change:
        """Its end."""
        where = " · ".join(filter(None, (cluster.context, self.namespace)))
        return Change(
            self.resource.kind, self.name, self.namespace, "pruned", uid=self.uid, where=where, command=command
        )


async def find_doomed(
    cluster: Cluster,
    labels: Mapping[str, str],
    namespaces: Collection[str],
    kept: Collection[tuple[str, str, str, str]],
    manager: str,
) -> tuple[Doomed, ...]:
    """The objects with these labels that were applied by the manager, belong to no other object, and are not kept.

    Args:
        cluster: the cluster.
        labels: the labels, which must not be empty.
        namespaces: where to look, beside the objects that are in no namespace.
        kept: group, kind, namespace and name of those that stay.
        manager: the field manager; what it created in another way, such as a pod, stays.
    """
    listed = await list_labelled(cluster, labels, namespaces)
    found = [
        Doomed(
            resource,
            text_of(one, "metadata", "namespace"),
            text_of(one, "metadata", "name"),
            text_of(one, "metadata", "uid"),
        )
        for resource, one in listed
        if _was_applied(one, manager)
    ]
    gone = (one for one in found if (one.resource.group, one.resource.kind, one.namespace, one.name) not in kept)
    return tuple(sorted(gone, key=lambda one: (one.resource.namespaced, one.namespace, one.word)))


async def list_labelled(
    cluster: Cluster, labels: Mapping[str, str], namespaces: Collection[str]
) -> list[tuple[Resource, JsonObject]]:
    """The metadata of the objects with these labels that belong to no other object, of each kind that can be deleted.

    Args:
        cluster: the cluster.
        labels: the labels, which must not be empty.
        namespaces: where to look, beside the objects that are in no namespace; "" is every namespace, or the cluster's
            own where the user may not list them all.
    """
    kinds = await all_resources(cluster)
    places = [
        (one, namespace)
        for one in kinds
        if {"list", "delete"} <= {*one.verbs}
        for namespace in (sorted(namespaces) if one.namespaced else [""])
    ]
    limit = asyncio.Semaphore(MOST_AT_ONCE)
    query = {"labelSelector": ",".join(f"{name}={value}" for name, value in labels.items())}

    async def ask(resource: Resource, namespace: str) -> JsonObject:
        return await cluster.request("GET", resource.path(namespace), parameters=query, accept=NAMES_ALONE)

    async def listed(resource: Resource, namespace: str) -> list[tuple[Resource, JsonObject]]:
        async with limit:
            try:
                try:
                    found = await ask(resource, namespace)
                except Forbidden:
                    if namespace or not resource.namespaced:
                        raise
                    found = await ask(resource, cluster.namespace)
            except ApiError:  # the user may not list it, or the kind is gone: it is left out
                return []
        owned = ((one, one.get("metadata")) for one in entries_of(found, "items"))
        return [(resource, one) for one, metadata in owned if not entries_of(metadata, "ownerReferences")]

    several = await asyncio.gather(*(listed(*place) for place in places))
    return list(
        {text_of(one, "metadata", "uid"): (resource, one) for some in several for resource, one in some}.values()
    )


def _was_applied(one: JsonObject, manager: str) -> bool:
    return any(
        text_of(entry, "manager") == manager and text_of(entry, "operation") == "Apply"
        for entry in entries_of(one.get("metadata"), "managedFields")
    )


async def prune(cluster: Cluster, one: Doomed) -> None:
    """Delete it, unless another object has its name by now; does not wait until it is gone.

    Raises:
        ApiError: the API server refuses.
    """
    body = {"preconditions": {"uid": one.uid}, "propagationPolicy": "Background"}
    try:
        await cluster.request("DELETE", one.resource.path(one.namespace, one.name), body=body)
    except NotFound:
        return
