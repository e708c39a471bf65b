"""What happened to an object, from what the API server still knows: conditions, container states and events."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nbcontainer.clusters.columns import epoch, status_tone
from nbcontainer.clusters.discovery import EVENT, POD, Resource
from nbcontainer.clusters.events import event_row
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.neighbours import JOB, REPLICA_SET, read_kinds
from nbcontainer.clusters.objects import one_named
from nbcontainer.clusters.ownership import owned
from nbcontainer.clusters.pod_status import container_statuses, pod_status
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.tables import Tone
from nbcontainer.model.timelines import Moment, Period, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nbcontainer.clusters.connection import Cluster

MAKERS = (REPLICA_SET, JOB)  # between workload and pod
REVISION = "deployment.kubernetes.io/revision"
MOST_PODS = 20  # whose states are shown: of more, the newest


def timeline(cluster: Cluster, words: Sequence[str]) -> Timeline:
    """The past of one object, which words name as in `kubectl get`, without the lines of its logs.

    Raises:
        UsageError: the words do not name one object, or it is in no namespace.
        NotFound: there is no such object.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    wanted = "Name one object, such as deploy/web."
    resource, name = one_named(cluster, words, "The timeline of which object?", wanted)
    if not resource.namespaced:
        raise UsageError(f"{resource.qualified_kind}/{name} is in no namespace, and has no pods of its own.")
    return cluster.run(_timeline(cluster, resource, name))


async def _timeline(cluster: Cluster, resource: Resource, name: str) -> Timeline:
    try:
        found, near = await asyncio.gather(
            cluster.request("GET", resource.path(cluster.namespace, name)),
            read_kinds(cluster, (EVENT,) if resource == POD else (EVENT, POD, *MAKERS), cluster.namespace),
        )
    except NotFound:
        raise await not_found_soon(cluster, (name,), resource) from None
    makers, pods = [], [found]
    if resource != POD:
        makers = owned([one for maker in MAKERS for one in near.of(maker.kind)], {text_of(found, "metadata", "uid")})
        pods = owned(near.of("Pod"), {text_of(one, "metadata", "uid") for one in (found, *makers)})
    pods = sorted(pods, key=_created)[-MOST_PODS:]
    about = {text_of(one, "metadata", "uid"): one for one in (found, *makers, *pods)}
    happened = [one for one in near.of("Event") if text_of(one, "involvedObject", "uid") in about]
    moments = [*_births((found, *makers, *pods)), *map(_moment, happened)]
    now = time.time()
    named_pods = tuple(text_of(one, "metadata", "name") for one in pods)
    return Timeline(
        resource.qualified_kind,
        name,
        cluster.where,
        tuple(period for one in pods for period in pod_periods(one, now)),
        tuple(sorted(moments, key=lambda one: one.time)),
        pods=named_pods,
        context=cluster.context,
        namespace=cluster.namespace,
        time=now,
        command=cluster.commands.kubectl("events", f"--for={resource.qualified_kind}/{name}"),
    )


# --- moments


def _births(objects: Iterable[JsonObject]) -> Iterator[Moment]:
    """When each object was made and, if it ends, asked to end."""
    for one in objects:
        metadata = object_of(one, "metadata")
        revision = text_of(metadata, "annotations", REVISION) if text_of(one, "kind") == "ReplicaSet" else ""
        said = f"revision {revision}" if revision else ""
        subject, pod = _subject(one), text_of(metadata, "name") if text_of(one, "kind") == "Pod" else ""
        yield Moment(_created(one), subject, "Object created", said, pod=pod)
        if ends := epoch(text_of(metadata, "deletionTimestamp")):
            grace = number_of(metadata, "deletionGracePeriodSeconds") or 0
            yield Moment(ends - grace, subject, "Deletion requested", f"it has {grace} s to end", Tone.WARNING, pod=pod)


def _moment(event: JsonObject) -> Moment:
    row = event_row(event)
    seen, kind, reason, about, message, count, first, _source = row.cells
    pod = text_of(event, "involvedObject", "name") if text_of(event, "involvedObject", "kind") == "Pod" else ""
    return Moment(
        float(seen or 0.0),
        str(about),
        str(reason),
        str(message),
        Tone.WARNING if kind == "Warning" else Tone.PLAIN,
        int(count or 1),
        float(first or 0.0),
        pod,
    )


def _subject(one: JsonObject) -> str:
    return f"{text_of(one, 'kind').lower()}/{text_of(one, 'metadata', 'name')}"


def _created(one: JsonObject) -> float:
    return epoch(text_of(one, "metadata", "creationTimestamp")) or 0.0


# --- periods


def pod_periods(pod: JsonObject, now: float) -> Iterator[Period]:
    """In which states a pod and its containers were, as far as its status says."""
    name = text_of(pod, "metadata", "name")
    yield from _of_pod(pod, name, now)
    for status in container_statuses(pod):
        yield from _of_container(status, f"{name} · {text_of(status, 'name')}", _started(pod))


def _of_pod(pod: JsonObject, name: str, now: float) -> Iterator[Period]:
    turned = {text_of(one, "type"): one for one in entries_of(pod, "status", "conditions")}
    made, scheduled, ready = _created(pod), turned.get("PodScheduled", {}), turned.get("Ready", {})
    placed = epoch(text_of(scheduled, "lastTransitionTime")) if scheduled.get("status") == "True" else None
    if placed is None:
        word = text_of(scheduled, "reason").lower() or "pending"
        yield Period(name, word, made, tone=Tone.WARNING if word == "unschedulable" else Tone.RUNNING)
        return
    if placed > made:
        yield Period(name, "waits for a node", made, placed, Tone.RUNNING)
    since = epoch(text_of(ready, "lastTransitionTime")) or placed
    word = pod_status(pod)
    if ready.get("status") == "True":
        if since > placed:
            yield Period(name, "starts", placed, since, Tone.RUNNING)
        yield Period(name, "ready", since, tone=Tone.GOOD)
    elif text_of(pod, "status", "phase") in {"Succeeded", "Failed"}:
        yield Period(name, "ran", placed, since, Tone.DIM)
        yield Period(name, word, since, max(since, now), status_tone(word))
    else:
        if since > placed:
            yield Period(name, "was starting or ready", placed, since, Tone.DIM)
        yield Period(name, f"not ready: {word}", since, tone=Tone.WARNING)


def _started(pod: JsonObject) -> float:
    return epoch(text_of(pod, "status", "startTime")) or _created(pod)


def _of_container(status: JsonObject, subject: str, begun: float) -> Iterator[Period]:
    last = object_of(status, "lastState", "terminated")
    if last:
        yield _ended(last, subject)
        begun = epoch(text_of(last, "finishedAt")) or begun
    state = object_of(status, "state")
    running, ended, waiting = (object_of(state, word) for word in ("running", "terminated", "waiting"))
    if running:
        start = epoch(text_of(running, "startedAt")) or begun
        restarts = number_of(status, "restartCount") or 0
        word = "runs" + (f", restarted {restarts} time{'s' * (restarts > 1)}" if restarts else "")
        yield Period(subject, word, start, tone=Tone.GOOD if status.get("ready") else Tone.RUNNING)
    elif ended:
        yield _ended(ended, subject)
    elif waiting:
        reason = text_of(waiting, "reason")
        yield Period(subject, f"waits: {reason}", begun, tone=status_tone(reason))


def _ended(state: JsonObject, subject: str) -> Period:
    code, reason = number_of(state, "exitCode") or 0, text_of(state, "reason")
    word = f"ended: {reason}, exit code {code}" if reason not in {"", "Error", "Completed"} else f"exit code {code}"
    start, end = (epoch(text_of(state, key)) or 0.0 for key in ("startedAt", "finishedAt"))
    return Period(subject, word, start or end, end, Tone.BAD if code else Tone.DIM)
