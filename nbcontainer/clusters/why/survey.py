"""What is wrong in a namespace, worst first: from a few lists, without a request for each object."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import EVENT, POD
from nbcontainer.clusters.events import in_order, is_about
from nbcontainer.clusters.missing import check_namespace
from nbcontainer.clusters.neighbours import (
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    JOB,
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
    read_kinds,
)
from nbcontainer.clusters.ownership import owned
from nbcontainer.clusters.reflector import list_all
from nbcontainer.clusters.why import claim, conditions, pod_rules, service, workload
from nbcontainer.clusters.why.facts import PodFacts
from nbcontainer.clusters.why.gather import CLAIM
from nbcontainer.clusters.why.objects import is_well
from nbcontainer.clusters.why.surroundings import STORAGE_CLASS, Surroundings, selected
from nbcontainer.json_objects import JsonObject, entries_of, text_of
from nbcontainer.model.why import Diagnosis, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.commands import ClusterCommands

LISTED = (  # beside the pods
    EVENT,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    JOB,
    SERVICE,
    ENDPOINT_SLICE,
    CLAIM,
    STORAGE_CLASS,
)
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
MOST_NAMED = 3  # objects of which the same is wrong


def survey(cluster: Cluster) -> Diagnosis:
    """What is wrong in the cluster's namespace.

    Raises:
        NotFound: there is no such namespace.
        ApiError, ClusterUnavailable: pods may not be listed, or the API server does not answer.
    """
    return cluster.run(_survey(cluster))


async def _survey(cluster: Cluster) -> Diagnosis:
    pages, near = await asyncio.gather(
        list_all(cluster, POD.path(cluster.namespace), {}), read_kinds(cluster, LISTED, cluster.namespace)
    )
    lists = {"Pod": [pod for page in pages for pod in entries_of(page, "items")]}
    lists |= {resource.kind: near.of(resource.kind) for resource in LISTED}
    lists["Event"] = in_order(lists["Event"])
    if not any(lists.values()):
        await asyncio.to_thread(check_namespace, cluster)
    findings = list(_grouped([*_pods(lists, cluster.commands), *_others(lists, cluster.commands)]))
    ill = sum(not is_well(pod) for pod in lists["Pod"])
    count = len(lists["Pod"])
    pods = "1 pod" if count == 1 else f"{count} pods"
    status = f"{pods}, {ill} not well" if ill else f"{pods}, all well"
    return Diagnosis(
        "",
        "",
        cluster.where,
        status,
        tuple(findings),
        tuple(f"{what}: {why}" for what, why in {**near.unread, **near.failed}.items()),
        cluster.commands.kubectl("get", "pods,events"),
    )


def _pods(lists: Mapping[str, Sequence[JsonObject]], commands: ClusterCommands) -> Iterator[Finding]:
    about: dict[str, list[JsonObject]] = {}
    for event in lists["Event"]:
        about.setdefault(text_of(event, "involvedObject", "name"), []).append(event)
    for pod in lists["Pod"]:
        if is_well(pod) and not text_of(pod, "metadata", "deletionTimestamp"):
            continue
        name = text_of(pod, "metadata", "name")
        events = tuple(event for event in about.get(name, ()) if is_about(event, pod))
        facts = PodFacts(pod, commands, events, now=time.time())
        for one in pod_rules.findings(facts)[:1]:
            yield replace(one, subject=f"pod/{name}")


def _others(lists: Mapping[str, Sequence[JsonObject]], commands: ClusterCommands) -> Iterator[Finding]:
    events: dict[str, list[JsonObject]] = {}
    for event in lists["Event"]:
        events.setdefault(text_of(event, "involvedObject", "uid"), []).append(event)
    pods, slices, classes = tuple(lists["Pod"]), tuple(lists["EndpointSlice"]), tuple(lists["StorageClass"])
    for kind in (*WORKLOADS, "Service", "PersistentVolumeClaim"):
        for one in lists[kind]:
            subject = f"{kind.lower()}/{text_of(one, 'metadata', 'name')}"
            gone = conditions.ending(one, commands)
            if gone is not None:
                yield replace(gone, subject=subject)
                continue
            own, told = _of_workload(one, lists, events)
            near = Surroundings(own, pods, events=told, slices=slices, classes=classes)
            if kind == "Service":
                found, _ = service.explain(one, replace(near, pods=tuple(selected(one, pods))), commands)
            elif kind == "PersistentVolumeClaim":
                found, _ = claim.explain(one, near, commands)
            elif kind == "Job":
                found, _ = workload.explain_job(one, near, commands)
            else:
                found, _ = workload.explain(one, near, commands)
            yield from (
                replace(each, subject=subject)
                for each in found
                if each.reason not in ("ScaledToZero", "NoPods") or kind == "Service"
            )


def _of_workload(
    one: JsonObject, lists: Mapping[str, Sequence[JsonObject]], events: Mapping[str, list[JsonObject]]
) -> tuple[tuple[JsonObject, ...], tuple[JsonObject, ...]]:
    """A workload's pods, and the events about it and its ReplicaSets."""
    owners = {text_of(one, "metadata", "uid")}
    owners |= {text_of(each, "metadata", "uid") for each in owned(lists["ReplicaSet"], owners)}
    return tuple(owned(lists["Pod"], owners)), tuple(event for uid in owners for event in events.get(uid, ()))


def _grouped(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The same reason of several pods once, those that will not pass by themselves first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for one in findings:
        kind, _, name = one.subject.partition("/")
        groups.setdefault((kind, one.reason, one.message.replace(name, "…")), []).append(one)
    for several in sorted(groups.values(), key=lambda group: (group[0].passing, -len(group))):
        first, names = several[0], [one.subject for one in several]
        if len(several) == 1:
            yield first
            continue
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        also = f" The same is true of {', '.join(names[1:MOST_NAMED])}{more}."
        yield replace(first, message=first.message + also)
