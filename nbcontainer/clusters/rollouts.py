"""Rollouts of Deployments, DaemonSets and StatefulSets: their status, history, undo, restart, pause and resume."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from nbcontainer.clusters.columns import epoch
from nbcontainer.clusters.discovery import Resource
from nbcontainer.clusters.reflector import list_all
from nbcontainer.clusters.workloads import (
    JSON_PATCH,
    STRATEGIC,
    Verdict,
    Workload,
    check_dry_run,
    find_workloads,
    follow,
    waiting,
)
from nbcontainer.errors import ApiError, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of, value_of
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.results import Description, Remark, Report
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, apply_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.workloads import WorkloadProgress, WorkloadStep
    from nbcontainer.operation import Operation, Progress

KINDS = ("Deployment", "DaemonSet", "StatefulSet")
REPLICA_SETS = Resource("replicasets", "ReplicaSet", "apps")
REVISIONS = Resource("controllerrevisions", "ControllerRevision", "apps")
REVISION, CAUSE = "deployment.kubernetes.io/revision", "kubernetes.io/change-cause"
HASH = "pod-template-hash"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
KEPT = (  # annotations of a Deployment that an undo does not take from the ReplicaSet, as in kubectl
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)


def _find(cluster: Cluster, words: Sequence[str], selector: str, verb: str, kinds: Sequence[str]) -> list[Workload]:
    found = find_workloads(cluster, words, selector=selector)
    for workload in found:
        if workload.resource.kind not in kinds or workload.resource.group != "apps":
            raise UsageError(
                f"rollout {verb} is not possible for {workload.title}.", cure=f"Only for {', '.join(kinds)}."
            )
    return found


# --- status


def status(
    cluster: Cluster,
    words: Sequence[str],
    *,
    selector: str = "",
    wait: bool = True,
    revision: int = 0,
    timeout: float = 0.0,
) -> Operation[WorkloadStep, WorkloadProgress, Report]:
    """Follow rollouts until they are complete; raises the errors of `find_workloads`.

    The operation raises:
        ApiError: the rollout exceeded its progress deadline, took longer than `timeout`, or is not at `revision`.
    """
    found = _find(cluster, words, selector, "status", KINDS)
    flags = [*(["--watch=false"] if not wait else []), *([f"--revision={revision}"] if revision else [])]

    async def one(workload: Workload, progress: Progress[WorkloadStep]) -> str:
        def judge(last: JsonObject) -> Verdict:
            verdict = status_of(workload.resource.kind, last, revision)
            return verdict if wait else Verdict(verdict.message, is_done=True)

        return await follow(workload, judge, progress)

    async def work(progress: Progress[WorkloadStep]) -> Report:
        said = await asyncio.gather(*(one(workload, progress) for workload in found))
        command = cluster.commands.kubectl("rollout", "status", *(workload.words for workload in found), *flags)
        return Report(tuple(Remark(words) for words in said), command)

    name = f"rollout of {', '.join(workload.title for workload in found[:3])}"
    return cast("Operation[WorkloadStep, WorkloadProgress, Report]", waiting(name, cluster, work, timeout))


def status_of(kind: str, found: JsonObject, revision: int = 0) -> Verdict:
    """What `kubectl rollout status` says of an object, in its words.

    Raises:
        ApiError: the rollout fails.
    """
    if kind == "Deployment":
        return _deployment(found, revision)
    strategy = text_of(found, "spec", "updateStrategy", "type")
    if strategy != "RollingUpdate":
        raise ApiError("rollout status is only available for RollingUpdate strategy type", reason="strategy")
    return _daemon_set(found) if kind == "DaemonSet" else _stateful_set(found)


def _is_observed(found: JsonObject) -> bool:
    return number_of(found, "metadata", "generation") <= number_of(found, "status", "observedGeneration")


def _deployment(found: JsonObject, revision: int) -> Verdict:
    name, state = text_of(found, "metadata", "name"), object_of(found, "status")
    if revision and text_of(found, "metadata", "annotations", REVISION) != str(revision):
        at = text_of(found, "metadata", "annotations", REVISION)
        raise ApiError(f"desired revision ({revision}) is different from the running revision ({at})")
    if not _is_observed(found):
        return Verdict("Waiting for deployment spec update to be observed...")
    reasons = [text_of(one, "reason") for one in entries_of(state, "conditions") if one.get("type") == "Progressing"]
    if "ProgressDeadlineExceeded" in reasons:
        raise ApiError(f'deployment "{name}" exceeded its progress deadline', reason="ProgressDeadlineExceeded")
    wanted, updated = number_of(found, "spec", "replicas"), number_of(state, "updatedReplicas")
    there, available = number_of(state, "replicas"), number_of(state, "availableReplicas")
    before = f'Waiting for deployment "{name}" rollout to finish:'
    if updated < wanted:
        return Verdict(f"{before} {updated} out of {wanted} new replicas have been updated...")
    if there > updated:
        return Verdict(f"{before} {there - updated} old replicas are pending termination...")
    if available < updated:
        return Verdict(f"{before} {available} of {updated} updated replicas are available...")
    return Verdict(f'deployment "{name}" successfully rolled out', is_done=True)


def _daemon_set(found: JsonObject) -> Verdict:
    name, state = text_of(found, "metadata", "name"), object_of(found, "status")
    if not _is_observed(found):
        return Verdict("Waiting for daemon set spec update to be observed...")
    wanted, updated = number_of(state, "desiredNumberScheduled"), number_of(state, "updatedNumberScheduled")
    before = f'Waiting for daemon set "{name}" rollout to finish:'
    if updated < wanted:
        return Verdict(f"{before} {updated} out of {wanted} new pods have been updated...")
    available = number_of(state, "numberAvailable")
    if available < wanted:
        return Verdict(f"{before} {available} of {wanted} updated pods are available...")
    return Verdict(f'daemon set "{name}" successfully rolled out', is_done=True)


def _stateful_set(found: JsonObject) -> Verdict:
    state, wanted = object_of(found, "status"), number_of(found, "spec", "replicas")
    if not number_of(state, "observedGeneration") or not _is_observed(found):
        return Verdict("Waiting for statefulset spec update to be observed...")
    ready, updated = number_of(state, "readyReplicas"), number_of(state, "updatedReplicas")
    if ready < wanted:
        return Verdict(f"Waiting for {wanted - ready} pods to be ready...")
    partition = number_of(found, "spec", "updateStrategy", "rollingUpdate", "partition")
    if partition:
        if updated < wanted - partition:
            new = wanted - partition
            return Verdict(
                f"Waiting for partitioned roll out to finish: {updated} out of {new} new pods have been updated..."
            )
        return Verdict(f"partitioned roll out complete: {updated} new pods have been updated...", is_done=True)
    now, then = text_of(state, "currentRevision"), text_of(state, "updateRevision")
    if now != then:
        return Verdict(f"waiting for statefulset rolling update to complete {updated} pods at revision {then}...")
    pods = number_of(state, "currentReplicas")
    return Verdict(f"statefulset rolling update complete {pods} pods at revision {now}...", is_done=True)


# --- history and undo


class Revision(NamedTuple):
    """One revision of a workload.

    Attributes:
        kept: the ReplicaSet or ControllerRevision that keeps it.
        template: its pods' template.
    """

    number: int
    kept: JsonObject
    template: JsonObject

    @property
    def images(self) -> str:
        """Its containers' images."""
        return ",".join(text_of(one, "image") for one in entries_of(self.template, "spec", "containers"))

    @property
    def cause(self) -> str:
        """Why it was made, as far as that was said."""
        return texts_of(self.kept, "metadata", "annotations").get(CAUSE, "")


async def _revisions(workload: Workload) -> list[Revision]:
    """A workload's revisions, oldest first."""
    is_deployment = workload.resource.kind == "Deployment"
    resource = REPLICA_SETS if is_deployment else REVISIONS
    pages = await list_all(workload.cluster, resource.path(workload.cluster.namespace), {})
    uid, found = text_of(workload.found, "metadata", "uid"), list[Revision]()
    for one in (one for page in pages for one in entries_of(page, "items")):
        owners = entries_of(one, "metadata", "ownerReferences")
        if not any(text_of(owner, "uid") == uid and owner.get("controller") for owner in owners):
            continue
        said = texts_of(one, "metadata", "annotations").get(REVISION, "")
        number = (int(said) if said.isdigit() else 0) if is_deployment else number_of(one, "revision")
        template = object_of(one, "spec", "template") if is_deployment else object_of(one, "data", "spec", "template")
        if number:
            found.append(Revision(number, one, template))
    return sorted(found, key=lambda revision: revision.number)


def history(cluster: Cluster, words: Sequence[str], *, selector: str = "", revision: int = 0) -> Table | Description:
    """The revisions of a workload with their causes and images, oldest first; or one of them in full.

    Raises:
        UsageError, NotFound: as for `find_workloads`; or there is no such revision.
    """
    workload, *others = _find(cluster, words, selector, "history", KINDS)
    if others:
        raise UsageError("The history of one workload at a time.")
    found = cluster.run(_revisions(workload))
    flags = [f"--revision={revision}"] if revision else []
    command = cluster.commands.kubectl("rollout", "history", workload.words, *flags)
    if revision:
        return _described(workload, _at(workload, found, revision), command)
    columns = (Column("REVISION", "number"), Column("CHANGE-CAUSE"), Column("IMAGES"), Column("AGE", "age"))
    rows = tuple(
        Row(
            f"{one.number:09}",
            (one.number, one.cause or "<none>", one.images, epoch(text_of(one.kept, "metadata", "creationTimestamp"))),
            name=str(one.number),
        )
        for one in found
    )
    reset = TableReset(columns, rows, f"revisions of {workload.title}", cluster.where)
    return Table(apply_table(TableState(), reset), command)


def _at(workload: Workload, found: Sequence[Revision], number: int) -> Revision:
    for one in found:
        if one.number == number:
            return one
    known = ", ".join(str(one.number) for one in found)
    cure = f"It has {known}." if known else ""
    raise NotFound(f"{workload.title} has no revision {number}.", reason="not found", cure=cure)


def _described(workload: Workload, one: Revision, command: str) -> Description:
    labels = tuple(sorted(texts_of(one.template, "metadata", "labels").items()))
    sections = [("", (("Revision", str(one.number)), ("Change-cause", one.cause or "<none>"))), ("Labels", labels)]
    for container in entries_of(one.template, "spec", "containers"):
        facts = [("Image", text_of(container, "image"))]
        ports = [str(number_of(port, "containerPort")) for port in entries_of(container, "ports")]
        facts += [("Ports", ", ".join(ports))] if ports else []
        facts += [("Environment", ", ".join(text_of(each, "name") for each in entries_of(container, "env")))]
        shown = tuple((name, value) for name, value in facts if value)
        sections.append((f"Container {text_of(container, 'name')}", shown))
    return Description(
        workload.resource.kind,
        workload.name,
        workload.cluster.namespace,
        workload.cluster.where,
        tuple(sections),
        command=command,
        manifest={"spec": {"template": one.template}},
    )


def undo(
    cluster: Cluster, words: Sequence[str], *, selector: str = "", to_revision: int = 0, dry_run: str = ""
) -> Changes:
    """Roll back to an earlier revision, 0 for the previous one.

    Raises:
        UsageError, NotFound: as for `find_workloads`; or there is no such revision, or no earlier one.
        ApiError: the Deployment is paused.
    """
    check_dry_run(dry_run)
    found = _find(cluster, words, selector, "undo", KINDS)
    flags = [*([f"--to-revision={to_revision}"] if to_revision else []), *([f"--dry-run={dry_run}"] if dry_run else [])]
    command = cluster.commands.kubectl("rollout", "undo", *(workload.words for workload in found), *flags)

    async def all_of_them() -> list[Change]:
        return [await _undo(workload, to_revision, dry_run, command) for workload in found]

    return Changes(cluster.run(all_of_them()))


async def _undo(workload: Workload, number: int, dry_run: str, command: str) -> Change:
    if value_of(workload.found, "spec", "paused") is True:
        resume = workload.cluster.commands.kubectl("rollout", "resume", workload.words)
        raise ApiError(f"{workload.title} is paused, and cannot be rolled back.", cure=f"Resume it first: `{resume}`.")
    revisions = await _revisions(workload)
    if not number and len(revisions) < 2:  # noqa: PLR2004 - the present one and an earlier one
        raise NotFound(f"{workload.title} has no earlier revision.", reason="not found")
    wanted = _at(workload, revisions, number) if number else revisions[-2]
    template = cast("dict[str, Any]", copy.deepcopy(dict(wanted.template)))
    template.pop("$patch", None)
    if workload.resource.kind == "Deployment":
        template.get("metadata", {}).get("labels", {}).pop(HASH, None)
    if wanted is revisions[-1]:
        return workload.change("unchanged", command, dry_run=dry_run)
    if workload.resource.kind == "Deployment":
        own = texts_of(workload.found, "metadata", "annotations")
        old = texts_of(wanted.kept, "metadata", "annotations")
        annotations = {name: value for name, value in old.items() if name not in KEPT}
        annotations |= {name: value for name, value in own.items() if name in KEPT}
        body: object = [
            {"op": "test", "path": "/metadata/uid", "value": text_of(workload.found, "metadata", "uid")},
            {"op": "replace", "path": "/spec/template", "value": template},
            {"op": "add", "path": "/metadata/annotations", "value": annotations},
        ]
        await workload.patch(body, content_type=JSON_PATCH, dry_run=dry_run)
    else:
        body = {"spec": {"template": {**template, "$patch": "replace"}}}
        await workload.patch(body, content_type=STRATEGIC, dry_run=dry_run)
    return workload.change("rolled back", command, dry_run=dry_run)


# --- restart, pause and resume


def restart(cluster: Cluster, words: Sequence[str], *, selector: str = "") -> Changes:
    """Replace all pods, one after another as the update strategy says.

    Raises:
        UsageError, NotFound: as for `find_workloads`.
        ApiError: the Deployment is paused.
    """
    found = _find(cluster, words, selector, "restart", KINDS)
    for workload in found:
        if value_of(workload.found, "spec", "paused") is True:
            resume = cluster.commands.kubectl("rollout", "resume", workload.words)
            raise ApiError(
                f"{workload.title} is paused, and cannot be restarted.", cure=f"Resume it first: `{resume}`."
            )
    now = datetime.now(tz=UTC).astimezone().isoformat(timespec="seconds")
    body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}}}
    return _patched(cluster, found, "restart", "restarted", body)


def pause(cluster: Cluster, words: Sequence[str], *, selector: str = "") -> Changes:
    """Pause the rollout of Deployments: changes of their pods wait until it is resumed."""
    return _pause(cluster, words, selector, "pause", paused=True)


def resume(cluster: Cluster, words: Sequence[str], *, selector: str = "") -> Changes:
    """Resume the rollout of paused Deployments."""
    return _pause(cluster, words, selector, "resume", paused=False)


def _pause(cluster: Cluster, words: Sequence[str], selector: str, verb: str, *, paused: bool) -> Changes:
    found = _find(cluster, words, selector, verb, KINDS[:1])
    return _patched(cluster, found, verb, f"{verb}d", {"spec": {"paused": paused or None}}, paused=paused)


def _patched(
    cluster: Cluster, found: Sequence[Workload], verb: str, action: str, body: object, *, paused: bool | None = None
) -> Changes:
    command = cluster.commands.kubectl("rollout", verb, *(workload.words for workload in found))

    async def one(workload: Workload) -> Change:
        if paused is not None and bool(value_of(workload.found, "spec", "paused")) is paused:
            return workload.change("unchanged", command)
        await workload.patch(body)
        return workload.change(action, command)

    async def all_of_them() -> list[Change]:
        return [await one(workload) for workload in found]

    return Changes(cluster.run(all_of_them()))
