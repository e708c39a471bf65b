"""Reads what the rules need about a pod: few requests, at the same time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import NODE, Resource
from nbcontainer.clusters.events import events_about, is_about
from nbcontainer.clusters.pods import last_output
from nbcontainer.clusters.why.facts import Container, PodFacts
from nbcontainer.errors import ApiError, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcontainer.clusters.connection import Cluster

CLAIM = Resource("persistentvolumeclaims", "PersistentVolumeClaim")
MOST_LOGS = 3  # of containers that ended


async def facts_of(cluster: Cluster, pod: JsonObject, events: Sequence[JsonObject], unread: dict[str, str]) -> PodFacts:
    """What is known about a pod: logs, claims and the node, too, where its status calls for them.

    Args:
        cluster: the cluster, in the pod's namespace.
        pod: the object.
        events: events of the namespace, or of pods of its name, newest last.
        unread: is told what may not be read, by what it is.
    """
    about = tuple(event for event in events if is_about(event, pod))
    facts = PodFacts(pod, cluster.commands, about, now=time.time())
    logs, (claims, claim_events), node = await asyncio.gather(
        _logs(cluster, facts), _claims(cluster, facts, unread), _node(cluster, facts)
    )
    return replace(facts, logs=logs, claims=claims, claim_events=claim_events, node=node)


async def _logs(cluster: Cluster, facts: PodFacts) -> dict[str, str]:
    """What containers wrote before they ended badly."""
    ended = [one for one in facts.containers() if _ended_badly(one)][:MOST_LOGS]
    texts = await asyncio.gather(*(last_output(cluster, facts.name, one.name) for one in ended))
    return {one.name: text for one, text in zip(ended, texts, strict=True)}


def _ended_badly(container: Container) -> bool:
    how = container.ended or container.last
    return bool(how) and (bool(how.get("exitCode")) or text_of(container.waiting, "reason") == "CrashLoopBackOff")


async def _claims(
    cluster: Cluster, facts: PodFacts, unread: dict[str, str]
) -> tuple[dict[str, JsonObject | None], dict[str, tuple[JsonObject, ...]]]:
    """The claims of a pod that no node accepts, with their events."""
    names = [
        text_of(volume, "persistentVolumeClaim", "claimName")
        for volume in entries_of(facts.pod, "spec", "volumes")
        if volume.get("persistentVolumeClaim")
    ]
    if not names or facts.condition("PodScheduled").get("status") != "False":
        return {}, {}

    async def read(name: str) -> tuple[JsonObject | None, tuple[JsonObject, ...]]:
        try:
            found, events = await asyncio.gather(
                cluster.request("GET", CLAIM.path(cluster.namespace, name)), events_about(cluster, CLAIM, name)
            )
        except NotFound:
            return None, ()
        return found, tuple(event for event in events if is_about(event, found))

    try:
        found = await asyncio.gather(*map(read, names))
    except ApiError as error:
        unread["persistentvolumeclaims"] = error.message
        return {}, {}
    by_name: Mapping[str, tuple[JsonObject | None, tuple[JsonObject, ...]]] = dict(zip(names, found, strict=True))
    return {name: one for name, (one, _) in by_name.items()}, {name: events for name, (_, events) in by_name.items()}


async def _node(cluster: Cluster, facts: PodFacts) -> JsonObject:
    """The pod's node, {} if the pod has none or the user may not read it."""
    name = text_of(facts.pod, "spec", "nodeName")
    if not name:
        return {}
    try:
        return await cluster.request("GET", NODE.path("", name))
    except ApiError:
        return {}
