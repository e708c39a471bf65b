"""Rollouts of workloads: waiting for them, starting them again, pausing them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbcontainer.clusters.label_selectors import selector_text
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.patching import Target
from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.pods import one_object
from nbcontainer.clusters.ready_pods import PodTarget, is_ready, pods_of
from nbcontainer.clusters.rollout_status import Status, is_observed, rollout_status
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError, Conflict, NbcontainerError, NotFound, Unsupported
from nbcontainer.json_objects import JsonObject, number_of, object_of, text_of, value_of
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.rollout import Rollouts, RolloutStep, apply_step
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

RESTARTED = "kubectl.kubernetes.io/restartedAt"
RESTARTABLE = ("Deployment", "DaemonSet", "StatefulSet")
COUNTING_READY = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")  # status.readyReplicas
MOST_PODS = 5  # that are not ready, of one workload

Ask = Callable[[str, JsonObject], Status]  # name, object → how far it has come


def wait(
    cluster: Cluster,
    targets: Sequence[Target],
    ask: Callable[[Target], Ask],
    *,
    verb: str,
    timeout: float = 0.0,
    done: Changes | None = None,
) -> Operation[RolloutStep, Rollouts, Changes]:
    """Wait until `ask` says of each target that it is done. A stop ends only the wait.

    Args:
        cluster: the cluster.
        targets: the workloads.
        ask: says of a target how far it has come.
        verb: what has happened to them in the end, for the result: "rolled out".
        timeout: seconds after which it fails; 0 for never.
        done: what was changed before, which is then the result.

    The operation raises:
        NotFound: a workload does not exist, or is deleted.
        ApiError: it took too long; the last step says how far it had come.
    """
    what = "/".join((targets[0].resource.kind.lower(), targets[0].name)) if len(targets) == 1 else "workloads"
    operation: Operation[RolloutStep, Rollouts, Changes] = Operation(
        f"wait for {what}", Rollouts(cluster.where), apply_step
    )

    async def work(progress: Progress[RolloutStep]) -> Changes:
        waiting = [_Rollout(target, ask(target), progress) for target in targets]
        try:
            async with asyncio.timeout(timeout or None):
                found = await asyncio.gather(*(one.run() for one in waiting))
        except TimeoutError:
            late = next(one for one in waiting if not one.is_done)
            said = f"{late.name} was not {verb} after {timeout:g} s: {late.message}"
            raise ApiError(said, reason="Timeout", cure=f"See `%kube describe {late.name}`.") from None
        return done or Changes(
            replace(target.change(one, one, action=verb, command=target.command("rollout status")), action=verb)
            for target, one in zip(targets, found, strict=True)
        )

    return operation.start_task(work)


class _Rollout:
    """Watches one workload, and those of its pods that are not ready."""

    def __init__(self, target: Target, ask: Ask, progress: Progress[RolloutStep]) -> None:
        self._target, self._ask, self._progress = target, ask, progress
        self.name = f"{target.resource.kind.lower()}/{target.name}"
        self._status = Status("", 0, 0)
        self._pods: dict[str, str] = {}
        self._note = ""

    @property
    def is_done(self) -> bool:
        return self._status.is_done

    @property
    def message(self) -> str:
        """How far it has come, and what keeps the first pod from being ready."""
        return " ".join(filter(None, (self._status.message, next(iter(self._pods.values()), ""))))

    async def run(self) -> JsonObject:
        """Return the workload once it is done."""
        target, pods = self._target, None
        try:
            async for found in one_object(target.cluster, target.resource, target.name, self._tell_away):
                if found is None:
                    raise await not_found_soon(target.cluster, [target.name], target.resource)
                self._note = ""
                self._status = self._ask(target.name, found)
                self._emit(Outcome.DONE if self.is_done else Outcome.RUNNING)
                if self.is_done:
                    return found
                if pods is None:
                    pods = asyncio.create_task(self._watch_pods(found))
        except NbcontainerError:
            self._emit(Outcome.FAILED)
            raise
        except asyncio.CancelledError:
            self._emit(Outcome.STOPPED)
            raise
        finally:
            if pods is not None:
                pods.cancel()
                await asyncio.gather(pods, return_exceptions=True)
        raise AssertionError  # a reflector ends only with an error

    async def _watch_pods(self, found: JsonObject) -> None:
        """Keep `_pods` up to date; a user who may not read pods sees only the workload."""
        target, selector = self._target, selector_text(object_of(found, "spec", "selector"))
        if not selector:
            return
        with suppress(NbcontainerError):
            async for seen in pods_of(target.cluster, PodTarget(target.resource, target.name, found, selector)):
                if isinstance(seen, str):
                    continue
                known = sorted((text_of(pod, "metadata", "name"), _why_not_ready(pod, target.cluster)) for pod in seen)
                pods = dict([(name, why) for name, why in known if why][:MOST_PODS])
                if pods != self._pods:
                    self._pods = pods
                    self._emit(Outcome.RUNNING)

    def _tell_away(self, note: str) -> None:
        self._note = note
        self._emit(Outcome.RUNNING)

    def _emit(self, outcome: Outcome) -> None:
        status, pods = self._status, {} if outcome is Outcome.DONE else dict(self._pods)
        message = self._note or status.message
        self._progress.emit(RolloutStep(self.name, message, status.wanted, status.ready, pods, outcome, time.time()))


def _why_not_ready(pod: JsonObject, cluster: Cluster) -> str:
    """A pod's status, and what keeps it from running; "" if it is ready, or on its way out."""
    if value_of(pod, "metadata", "deletionTimestamp") or is_ready(pod):
        return ""
    found = trouble(pod, cluster.commands)
    return ": ".join(filter(None, (pod_status(pod), found.message if found else "")))


def status_of(target: Target) -> Ask:
    """How far a target's rollout has come, for `wait`."""
    return lambda name, found: rollout_status(target.resource.kind, name, found)


def scaled(replicas: int) -> Callable[[Target], Ask]:
    """Whether a target has so many pods that are ready, for `wait`."""

    def ask(_name: str, found: JsonObject) -> Status:
        total, ready = number_of(found, "status", "replicas"), number_of(found, "status", "readyReplicas")
        is_done = is_observed(found) and total == replicas == ready
        more = total - replicas
        ending = f"waiting for {more} {'pod' if more == 1 else 'pods'} to end"
        message = ending if more > 0 else f"{ready} of {replicas} pods are ready"
        return Status(message, replicas, min(ready, replicas), is_done)

    return lambda _target: ask


async def scale(target: Target, replicas: int, *, current: int | None, command: str) -> Change:
    """Say how many pods a workload is to have.

    Raises:
        Conflict: it does not have `current` of them now.
        Unsupported: objects of this kind cannot be scaled.
    """
    present = await target.get()
    patch: dict[str, object] = {"spec": {"replicas": replicas}}
    try:
        if current is not None:
            wanted = await _wanted_replicas(target, present)
            if wanted != current:
                message = f"{target.word} has {wanted} replicas, not {current}: nothing was changed."
                raise Conflict(message, reason="Conflict")
            patch["metadata"] = {"resourceVersion": text_of(present, "metadata", "resourceVersion")}
        return await target.patch(
            patch, "merge", present=present, action="scaled", command=command, dry_run=False, part="scale"
        )
    except NotFound:  # the subresource, as the object itself is there
        cure = "Deployments, StatefulSets, ReplicaSets and custom resources with a scale subresource can be scaled."
        raise Unsupported("`scale`", target.word, cure=cure) from None


async def _wanted_replicas(target: Target, present: JsonObject) -> object:
    """How many pods a workload is to have now; a custom resource may keep it in any field."""
    wanted = value_of(present, "spec", "replicas")
    if isinstance(wanted, int):
        return wanted
    return number_of(await target.cluster.request("GET", f"{target.path}/scale"), "spec", "replicas")


async def restart(target: Target, command: str) -> Change:
    """Replace all pods of a workload, a few at a time.

    Raises:
        Unsupported: the kind has no rollouts.
        Conflict: it is paused.
    """
    if target.resource.kind not in RESTARTABLE:
        raise Unsupported("`rollout restart`", target.word, cure=f"Only for {', '.join(RESTARTABLE)}s.")
    present = await target.get()
    if value_of(present, "spec", "paused"):
        cure = f"Run `%kube rollout resume {target.word.replace(' ', '/')}` first."
        raise Conflict(f"The rollout of {target.word} is paused.", reason="Paused", cure=cure)
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    patch = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}}}
    return await target.patch(patch, "strategic", present=present, action="restarted", command=command, dry_run=False)


async def pause(target: Target, *, paused: bool, command: str) -> Change:
    """Hold back the rollouts of a Deployment, or let them go on.

    Raises:
        Unsupported: it is no Deployment.
        Conflict: it is paused already, or is not paused.
    """
    verb = "pause" if paused else "resume"
    if target.resource.kind != "Deployment":
        raise Unsupported(f"`rollout {verb}`", target.word, cure="Only Deployments can be paused.")
    present = await target.get()
    if bool(value_of(present, "spec", "paused")) == paused:
        raise Conflict(f"{target.word} is {'already' if paused else 'not'} paused.", reason="Paused")
    return await target.patch(
        {"spec": {"paused": paused or None}},
        "strategic",
        present=present,
        action=f"{verb}d",
        command=command,
        dry_run=False,
    )
