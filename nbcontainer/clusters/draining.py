"""Draining nodes: which pods are evicted, by the rules of kubectl, and their eviction.

Source: k8s.io/kubectl, pkg/drain/filters.go and drain.go.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from nbcontainer.clusters.cordoning import cordon_one
from nbcontainer.clusters.discovery import POD, Resource
from nbcontainer.clusters.failures import raise_for_status
from nbcontainer.clusters.reflector import AWAITED_SECONDS, Changed, Listed, list_all, reflect
from nbcontainer.errors import ApiError, Conflict
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.draining import Drain, DrainedPod, DrainPlan, DrainStep, apply_drain_step
from nbcontainer.model.outcome import Outcome
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.patching import Target
    from nbcontainer.operation import Progress

DAEMON_SETS = Resource("daemonsets", "DaemonSet", "apps")
FINISHED = ("Succeeded", "Failed")
MIRROR = "kubernetes.io/config.mirror"  # the annotation of a static pod, which only its node's kubelet can remove
NOT_FOUND, TOO_MANY_REQUESTS = 404, 429  # an eviction that a disruption budget forbids at the moment is answered by 429
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0  # seconds before an eviction is tried again; kubectl waits 5
MOST_NAMES = 5
CURES = {
    "ignore_daemonsets": "--ignore-daemonsets",
    "delete_emptydir_data": "--delete-emptydir-data",
    "force": "--force",
}


@dataclass(frozen=True)
class Options:
    """How nodes are drained; kubectl's flags."""

    ignore_daemonsets: bool = False
    delete_emptydir_data: bool = False
    force: bool = False
    grace_period: int | None = None
    timeout: float = 0.0
    disable_eviction: bool = False
    pod_selector: str = ""

    @property
    def flags(self) -> list[str]:
        """The same for kubectl."""
        words = [flag for name, flag in CURES.items() if getattr(self, name)]
        words += ["--disable-eviction"] if self.disable_eviction else []
        words += [f"--grace-period={self.grace_period}"] if self.grace_period is not None else []
        words += [f"--timeout={self.timeout:g}s"] if self.timeout else []
        return words + ([f"--pod-selector={self.pod_selector}"] if self.pod_selector else [])


class Evicted(NamedTuple):
    """A pod that is to be evicted; its uid distinguishes it from a later one of the same name."""

    namespace: str
    name: str
    node: str
    uid: str

    @property
    def key(self) -> str:
        """Its namespace and name."""
        return f"{self.namespace}/{self.name}"


class Planned(NamedTuple):
    """What a drain will do."""

    evicted: tuple[Evicted, ...]
    preview: DrainPlan


def plan(cluster: Cluster, nodes: Sequence[Target], options: Options) -> Planned:
    """Which pods will be evicted from nodes, and which stay.

    Raises:
        Conflict: some pods may only be evicted with flags that are not given; nothing is done then.
        NotFound, ApiError: there is no such node, or the API server refuses.
    """
    return cluster.run(_plan(cluster, nodes, options))


async def _plan(cluster: Cluster, nodes: Sequence[Target], options: Options) -> Planned:
    evicted: list[Evicted] = []
    shown: list[DrainedPod] = []
    refused: dict[str, list[str]] = {}
    for node in nodes:
        await node.get()
        query = {"fieldSelector": f"spec.nodeName={node.name}"}
        query |= {"labelSelector": options.pod_selector} if options.pod_selector else {}
        pages = await list_all(cluster, POD.path(), query)
        for pod in (one for page in pages for one in entries_of(page, "items")):
            metadata = object_of(pod, "metadata")
            one = Evicted(
                text_of(metadata, "namespace"), text_of(metadata, "name"), node.name, text_of(metadata, "uid")
            )
            needs, stays, loses = await _verdict(cluster, pod)
            missing = [flag for flag in needs if not getattr(options, flag)]
            for flag in missing:
                refused.setdefault(flag, []).append(one.key)
            shown.append(DrainedPod(one.key, node.name, stays, loses))
            evicted += [] if stays else [one]
    if refused:
        raise _refusal(refused)
    return Planned(tuple(evicted), DrainPlan(tuple(sorted(shown, key=lambda one: bool(one.stays))), cluster.context))


async def _verdict(cluster: Cluster, pod: JsonObject) -> tuple[list[str], str, str]:
    """The flags that a pod's eviction needs, why it stays, and what is lost with it."""
    if text_of(pod, "metadata", "annotations", MIRROR):
        return [], "a static pod of the node", ""
    owners = entries_of(pod, "metadata", "ownerReferences")
    controller = next((one for one in owners if one.get("controller") is True), None)
    if text_of(pod, "status", "phase") in FINISHED:
        return [], "", "it has ended"
    if controller is not None and controller.get("kind") == "DaemonSet":
        path = DAEMON_SETS.path(text_of(pod, "metadata", "namespace"), text_of(controller, "name"))
        status, _ = await cluster.send("GET", path)
        if status != NOT_FOUND:
            return ["ignore_daemonsets"], f"of the DaemonSet {text_of(controller, 'name')}", ""
        return ["force"], "", "its DaemonSet is gone: nothing makes another"
    needs, loses = [], []
    if any("emptyDir" in volume for volume in entries_of(pod, "spec", "volumes")):
        needs.append("delete_emptydir_data")
        loses.append("the data in its emptyDir volumes is lost")
    if controller is None:
        needs.append("force")
        loses.append("no controller makes another")
    return needs, "", "; ".join(loses)


def _refusal(refused: dict[str, list[str]]) -> Conflict:
    words = {
        "ignore_daemonsets": "of DaemonSets",
        "delete_emptydir_data": "with data in emptyDir volumes",
        "force": "without a controller, which nothing makes again",
    }
    parts = []
    for flag, keys in refused.items():
        more = f" and {len(keys) - MOST_NAMES} more" if len(keys) > MOST_NAMES else ""
        parts.append(f"pods {words[flag]}: {', '.join(keys[:MOST_NAMES])}{more}")
    flags = " ".join(f"`{CURES[flag]}`" for flag in refused)
    meaning = "leaves the first where they are" if set(refused) == {"ignore_daemonsets"} else "drains it all the same"
    meaning = "leaves them where they are" if set(refused) == {"ignore_daemonsets"} else meaning
    return Conflict(f"Not drained, and not cordoned: there are {'; '.join(parts)}.", cure=f"{flags} {meaning}.")


def drain(
    cluster: Cluster, nodes: Sequence[Target], planned: Planned, options: Options
) -> Operation[DrainStep, Drain, Changes]:
    """Cordon nodes, evict the planned pods, and wait until these are gone. A stop leaves the nodes cordoned.

    The operation raises:
        ApiError: an eviction is refused, or it took too long (`reason` is "Timeout").
    """
    names = ", ".join(node.name for node in nodes)
    operation: Operation[DrainStep, Drain, Changes] = Operation(
        f"drain of {names}", Drain(cluster.context), apply_drain_step
    )
    return operation.start_task(lambda progress: _Drain(cluster, nodes, planned, options, progress).run())


class _Drain:
    """One drain."""

    def __init__(
        self,
        cluster: Cluster,
        nodes: Sequence[Target],
        planned: Planned,
        options: Options,
        progress: Progress[DrainStep],
    ) -> None:
        self._cluster, self._nodes, self._options, self._progress = cluster, nodes, options, progress
        self._left = {pod.uid: pod for pod in planned.evicted}
        self._all = planned.evicted
        self._cordoned: list[str] = []

    async def run(self) -> Changes:
        """Do it."""
        try:
            async with asyncio.timeout(self._options.timeout or None):
                for node in self._nodes:
                    await cordon_one(node, cordoned=True)
                    self._cordoned.append(node.name)
                    self._emit(f"node/{node.name}", "cordoned")
                await self._evict_all()
        except TimeoutError:
            self._end(Outcome.FAILED, "not in time")
            left = ", ".join(sorted(pod.key for pod in self._left.values())[:MOST_NAMES])
            message = (
                f"Timed out after {self._options.timeout:g} s: {left} {'is' if len(self._left) == 1 else 'are'} left."
            )
            raise ApiError(message, reason="Timeout", cure=self._still_cordoned()) from None
        except asyncio.CancelledError:
            self._end(Outcome.STOPPED, "not waited for")
            raise
        except BaseExceptionGroup as group:
            self._end(Outcome.FAILED, "not evicted")
            first = group.exceptions[0]
            if isinstance(first, ApiError):
                raise first.replaced(cure=" ".join(filter(None, (first.cure, self._still_cordoned())))) from None
            raise first from None
        for node in self._nodes:
            self._emit(f"node/{node.name}", "drained", Outcome.DONE)
        return self._changes()

    def _still_cordoned(self) -> str:
        return f"{', '.join(self._cordoned)} remains cordoned: `%kube uncordon {' '.join(self._cordoned)}` undoes that."

    def _end(self, outcome: Outcome, words: str) -> None:
        for pod in self._left.values():
            self._emit(pod.key, words, outcome)
        for name in self._cordoned:
            self._emit(
                f"node/{name}", "not drained", outcome, f"it remains cordoned; `%kube uncordon {name}` undoes that"
            )

    def _emit(self, key: str, words: str, outcome: Outcome = Outcome.RUNNING, message: str = "") -> None:
        self._progress.emit(DrainStep(key, words, outcome, message, time.time()))

    async def _evict_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for node in {pod.node for pod in self._all}:
                group.create_task(self._until_gone(node))
            for pod in self._all:
                group.create_task(self._evict(pod))

    async def _evict(self, pod: Evicted) -> None:
        """Evict one pod, once its disruption budget allows it."""
        options: dict[str, object] = {"preconditions": {"uid": pod.uid}}
        if self._options.grace_period is not None:
            options["gracePeriodSeconds"] = self._options.grace_period
        path, pause = POD.path(pod.namespace, pod.name), FIRST_PAUSE
        while pod.uid in self._left:
            if self._options.disable_eviction:
                status, answer = await self._cluster.send("DELETE", path, body=options)
            else:
                eviction = {
                    "apiVersion": "policy/v1",
                    "kind": "Eviction",
                    "metadata": {"name": pod.name, "namespace": pod.namespace},
                    "deleteOptions": options,
                }
                status, answer = await self._cluster.send("POST", f"{path}/eviction", body=eviction)
            if status == NOT_FOUND:
                return
            if status != TOO_MANY_REQUESTS:
                raise_for_status(self._cluster, status, answer)
                if pod.uid in self._left:
                    self._emit(pod.key, "Terminating")
                return
            self._emit(pod.key, "waiting", message=_why(answer))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _until_gone(self, node: str) -> None:
        """Wait until all pods to be evicted from one node are gone."""
        mine = {pod.uid for pod in self._all if pod.node == node}
        query = {"fieldSelector": f"spec.nodeName={node}"}
        async for news in reflect(self._cluster, POD.path(), query, silence=AWAITED_SECONDS):
            gone: set[str] = set()
            if isinstance(news, Listed):
                there = [one for page in news.pages for one in entries_of(page, "items")]
                gone = mine - {text_of(one, "metadata", "uid") for one in there}
            elif isinstance(news, Changed):
                ended = [event for event in news.events if event["type"] == "DELETED"]
                gone = mine & {text_of(event, "object", "metadata", "uid") for event in ended}
            mine -= gone
            for uid in gone:
                self._emit(self._left.pop(uid).key, "evicted", Outcome.DONE)
            if not mine:
                return

    def _changes(self) -> Changes:
        cluster, found = self._cluster, []
        for node in self._nodes:
            command = cluster.commands.kubectl("drain", node.name, *self._options.flags, namespace="")
            mine = [pod for pod in self._all if pod.node == node.name]
            found.append(Change("Node", node.name, "", "drained", where=cluster.context, command=command))
            found += [
                Change("Pod", pod.name, pod.namespace, "evicted", uid=pod.uid, where=pod.namespace, command=command)
                for pod in mine
            ]
        return Changes(found)


def _why(answer: JsonObject) -> str:
    """Which disruption budget forbids an eviction, and how many pods it wants."""
    causes = [text_of(one, "message") for one in entries_of(answer, "details", "causes")]
    return " ".join(filter(None, causes)) or text_of(answer, "message")
