"""Why an object is not well: of each kind, down to its pods."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD, Resource
from nbcontainer.clusters.events import events_about, is_about
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.objects import one_named
from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.ready_pods import is_ready
from nbcontainer.clusters.why import claim, conditions, ingress, pod_rules, service, workload
from nbcontainer.clusters.why.gather import facts_of
from nbcontainer.clusters.why.surroundings import Surroundings
from nbcontainer.errors import ApiError, NotFound
from nbcontainer.json_objects import JsonObject, text_of
from nbcontainer.model.why import Diagnosis, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster

MOST_PODS = 3  # of a workload that are explained: the others fail for the same reasons
RULES = {
    "Service": service.explain,
    "Deployment": workload.explain,
    "ReplicaSet": workload.explain,
    "StatefulSet": workload.explain,
    "DaemonSet": workload.explain,
    "Job": workload.explain_job,
    "CronJob": workload.explain_cron_job,
    "PersistentVolumeClaim": claim.explain,
    "Ingress": ingress.explain,
}
PODS_COUNT = {"Service", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"}  # whose pods explain them


def diagnose(cluster: Cluster, words: Sequence[str]) -> Diagnosis:
    """Why one object is not well, which words name as in `kubectl get`.

    Raises:
        UsageError: the words do not name one object.
        NotFound: there is no such object.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    wanted = "Name one object, such as pod/web or svc/web."
    return cluster.run(_diagnose(cluster, *one_named(cluster, words, "Why is which object not well?", wanted)))


async def _diagnose(cluster: Cluster, resource: Resource, name: str) -> Diagnosis:
    unread: dict[str, str] = {}
    try:
        found, events = await asyncio.gather(
            cluster.request("GET", resource.path(cluster.namespace, name)), _events(cluster, resource, name, unread)
        )
    except NotFound:
        raise await not_found_soon(cluster, (name,), resource) from None
    if resource == POD:
        findings = pod_rules.findings(await facts_of(cluster, found, events, unread))
        status = pod_status(found)
    else:
        findings, status = await _of_object(cluster, resource, {"kind": resource.kind, **found}, events, unread)
    subject = f"{resource.qualified_kind}/{name}"
    return Diagnosis(
        resource.qualified_kind,
        name,
        cluster.where if resource.namespaced else cluster.context,
        status,
        tuple(replace(one, subject=one.subject or subject) for one in findings),
        tuple(f"{what}: {why}" for what, why in unread.items()),
        cluster.commands.kubectl(
            "describe", resource.qualified_kind, name, namespace=None if resource.namespaced else ""
        ),
    )


async def _events(cluster: Cluster, resource: Resource, name: str, unread: dict[str, str]) -> list[JsonObject]:
    try:
        return await events_about(cluster, resource, name)
    except ApiError as error:
        unread["events"] = error.message
        return []


async def _of_object(
    cluster: Cluster, resource: Resource, found: JsonObject, events: list[JsonObject], unread: dict[str, str]
) -> tuple[list[Finding], str]:
    about = [event for event in events if is_about(event, found)]
    gone = conditions.ending(found, cluster.commands)
    if gone is not None:
        return [gone], "Terminating"
    rule = RULES.get(resource.kind)
    if rule is None:
        return conditions.explain(found, about, cluster.commands), ""
    near = await Surroundings.read(cluster, resource.kind, found, about, unread)
    findings, status = rule(found, near, cluster.commands)
    if resource.kind in PODS_COUNT:
        findings += await _of_pods(cluster, near, unread)
    return findings, status


async def _of_pods(cluster: Cluster, near: Surroundings, unread: dict[str, str]) -> list[Finding]:
    """Why some of the pods that are not ready are not, each reason once."""
    ill = [pod for pod in near.pods if not is_well(pod)][:MOST_PODS]
    facts = await asyncio.gather(*(facts_of(cluster, pod, near.all_events, unread) for pod in ill))
    found: dict[tuple[str, str], Finding] = {}
    for one in facts:
        for finding in pod_rules.findings(one):
            key = (finding.reason, finding.container)
            found.setdefault(key, replace(finding, subject=f"pod/{one.name}"))
    return list(found.values())


def is_well(pod: JsonObject) -> bool:
    """Whether a pod is ready, or has done its work."""
    return text_of(pod, "status", "phase") == "Succeeded" or is_ready(pod)
