"""Workloads by the words of a call, and how they are changed and waited for."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD, Resource
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.objects import named
from nbcontainer.clusters.reflector import AWAITED_SECONDS, Changed, Listed, list_all, reflect
from nbcontainer.errors import ApiError, NbcontainerError, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of
from nbcontainer.model.changes import Change
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.workloads import WorkloadProgress, WorkloadStep, apply_workload_step
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
DRY_RUNS = ("", "client", "server")


@dataclass(frozen=True)
class Workload:
    """One object of a call, in its cluster and namespace, as it was found."""

    cluster: Cluster
    resource: Resource
    found: JsonObject

    @property
    def name(self) -> str:
        """Its name."""
        return text_of(self.found, "metadata", "name")

    @property
    def title(self) -> str:
        """Its kind and name: "deployment/web"."""
        return f"{self.resource.kind.lower()}/{self.name}"

    @property
    def words(self) -> str:
        """The same for a command."""
        return f"{self.resource.word}/{self.name}"

    @property
    def path(self) -> str:
        """Its URL's path."""
        return self.resource.path(self.cluster.namespace, self.name)

    async def patch(self, body: object, *, part: str = "", content_type: str = MERGE, dry_run: str = "") -> JsonObject:
        """Change it, or one of its subresources; a client's dry run sends nothing."""
        if dry_run == "client":
            return self.found
        return await self.cluster.request(
            "PATCH",
            f"{self.path}/{part}" if part else self.path,
            parameters={"fieldManager": "nbcontainer", **({"dryRun": "All"} if dry_run else {})},
            body=body,
            content_type=content_type,
        )

    def change(self, action: str, command: str, *, dry_run: str = "") -> Change:
        """What was done to it."""
        namespace = self.cluster.namespace if self.resource.namespaced else ""
        where = self.cluster.where if namespace else self.cluster.context
        uid = text_of(self.found, "metadata", "uid")
        status = f"{dry_run} dry run" if dry_run else ""
        return Change(self.resource.kind, self.name, namespace, action, status, uid, where, command)


def check_dry_run(dry_run: str) -> None:
    """Refuse an unknown kind of dry run.

    Raises:
        UsageError: it is not one of `DRY_RUNS`.
    """
    if dry_run not in DRY_RUNS:
        raise UsageError(f'`--dry-run` is "client" or "server", not {dry_run!r}.')


def find_workloads(
    cluster: Cluster,
    words: Sequence[str],
    *,
    selector: str = "",
    all: bool = False,  # noqa: A002 - kubectl's own flag
) -> list[Workload]:
    """The objects that the words name: ("deploy/web",), ("deploy", "web", "api"), ("deploy",) with a selector or all.

    Raises:
        UsageError: the cluster has no such kind, or no object is named.
        NotFound: an object does not exist, or none has these labels.
    """
    if not words:
        raise UsageError("Which objects?", cure="Such as deploy/web, or a kind with a selector or `--all`.")
    wanted = named(cluster, words)
    return cluster.run(_find(cluster, wanted, selector, all=all))


async def _find(cluster: Cluster, wanted: Sequence, selector: str, *, all: bool) -> list[Workload]:  # type: ignore[type-arg]  # noqa: A002
    found = list[Workload]()
    for resource, names, _ in wanted:
        if not names and not selector and not all:
            raise UsageError(f"Which {resource.plural}?", cure="Name them, or give a selector or `--all`.")
        if names and (selector or all):
            raise UsageError("Give names, a selector or `--all`, but only one of the three.")
        for name in names:
            try:
                one = await cluster.request("GET", resource.path(cluster.namespace, name))
            except NotFound:
                raise (await not_found_soon(cluster, [name], resource)) from None
            found.append(Workload(cluster, resource, one))
        if not names:
            parameters = {"labelSelector": selector} if selector else {}
            pages = await list_all(cluster, resource.path(cluster.namespace), parameters)
            found += [Workload(cluster, resource, one) for page in pages for one in entries_of(page, "items")]
    if not found:
        raise NotFound(f"No objects were found in {cluster.where}.", reason="not found")
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a workload's status says: kubectl's words, and whether the wait is over."""

    message: str
    is_done: bool = False


def waiting(
    name: str, cluster: Cluster, work: Callable[[Progress[WorkloadStep]], Awaitable[object]], timeout: float
) -> Operation[WorkloadStep, WorkloadProgress, object]:
    """An operation that changes workloads and waits for them; it fails after `timeout` seconds, 0 for never."""
    operation: Operation[WorkloadStep, WorkloadProgress, object] = Operation(
        name, WorkloadProgress(cluster.where), apply_workload_step
    )

    async def run(progress: Progress[WorkloadStep]) -> object:
        try:
            async with asyncio.timeout(timeout or None):
                return await work(progress)
        except TimeoutError:
            last = "; ".join(
                step.message for step in operation.state.workloads.values() if step.outcome is not Outcome.DONE
            )
            raise ApiError(f"The {name} took longer than {timeout:g} s: {last}", reason="Timeout") from None

    return operation.start_task(run)


async def follow(workload: Workload, judge: Callable[[JsonObject], Verdict], progress: Progress[WorkloadStep]) -> str:
    """Watch a workload and its pods until the verdict is that it is done; returns the last words.

    Raises:
        NotFound: it was deleted meanwhile.
        ApiError: the verdict is that it fails.
    """
    following = _Following(workload, judge, progress)
    watching = asyncio.create_task(_watch_pods(workload, following.pods, following.pods_changed))
    try:
        return await following.until_done()
    except asyncio.CancelledError:
        following.emit(Outcome.STOPPED)
        raise
    except NbcontainerError as error:
        following.emit(Outcome.FAILED, error.message)
        raise
    finally:
        watching.cancel()


class _Following:
    """A workload that is waited for, as it was last seen."""

    def __init__(
        self, workload: Workload, judge: Callable[[JsonObject], Verdict], progress: Progress[WorkloadStep]
    ) -> None:
        self.pods: dict[str, JsonObject] = {}
        self._workload = workload
        self._judge = judge
        self._progress = progress
        self._last: JsonObject = {}  # until it is listed: it was found before it was changed

    async def until_done(self) -> str:
        """Wait; returns the last words."""
        cluster, resource, name = self._workload.cluster, self._workload.resource, self._workload.name
        parameters = {"fieldSelector": f"metadata.name={name}"}
        async for news in reflect(cluster, resource.path(cluster.namespace), parameters, silence=AWAITED_SECONDS):
            if isinstance(news, Listed):
                items = [one for page in news.pages for one in entries_of(page, "items")]
            elif isinstance(news, Changed):
                items = [object_of(event, "object") for event in news.events[-1:] if event["type"] != "DELETED"]
            else:
                continue
            if not items:
                raise NotFound(f"{self._workload.title} was deleted while it was waited for.", reason="not found")
            self._last = items[-1]
            verdict = self.emit()
            if verdict.is_done:
                return verdict.message
        raise AssertionError  # a reflector never ends

    def pods_changed(self) -> None:
        """Show how its pods are now."""
        if self._last:
            self.emit()

    def emit(self, outcome: Outcome = Outcome.RUNNING, message: str = "") -> Verdict:
        """Show how it is now, or with another message."""
        verdict = Verdict(message) if message or not self._last else self._judge(self._last)
        ready, wanted = _replicas(self._last)
        unready = (
            [] if verdict.is_done else sorted((name, why) for name, pod in self.pods.items() if (why := _unready(pod)))
        )
        outcome = Outcome.DONE if verdict.is_done else outcome
        step = WorkloadStep(self._workload.title, verdict.message, ready, wanted, outcome, tuple(unready))
        self._progress.emit(step)
        return verdict


async def _watch_pods(workload: Workload, pods: dict[str, JsonObject], emit: Callable[[], object]) -> None:
    """Keep the workload's pods up to date; a user who may not list them still sees its status."""
    labels = texts_of(workload.found, "spec", "selector", "matchLabels")
    if not labels:
        return
    parameters = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    with suppress(NbcontainerError):
        async for news in reflect(workload.cluster, POD.path(workload.cluster.namespace), parameters):
            if isinstance(news, Listed):
                pods.clear()
                pods |= {
                    text_of(one, "metadata", "name"): one for page in news.pages for one in entries_of(page, "items")
                }
            elif isinstance(news, Changed):
                for event in news.events:
                    one = object_of(event, "object")
                    if event["type"] == "DELETED":
                        pods.pop(text_of(one, "metadata", "name"), None)
                    else:
                        pods[text_of(one, "metadata", "name")] = one
            emit()


def _replicas(found: JsonObject) -> tuple[int, int]:
    """How many replicas are ready, of how many."""
    status, spec = object_of(found, "status"), object_of(found, "spec")
    if "desiredNumberScheduled" in status:
        return number_of(status, "numberReady"), number_of(status, "desiredNumberScheduled")
    return number_of(status, "readyReplicas"), number_of(spec, "replicas")


def _unready(pod: JsonObject) -> str:
    """Why a pod is not ready, in a word; "" if it is."""
    if text_of(pod, "metadata", "deletionTimestamp"):
        return "Terminating"
    conditions = entries_of(pod, "status", "conditions")
    if any(text_of(one, "type") == "Ready" and text_of(one, "status") == "True" for one in conditions):
        return ""
    for container in (
        *entries_of(pod, "status", "initContainerStatuses"),
        *entries_of(pod, "status", "containerStatuses"),
    ):
        state = object_of(container, "state")
        reason = text_of(state, "waiting", "reason") or text_of(state, "terminated", "reason")
        if reason and reason != "Completed":
            message = text_of(state, "waiting", "message")
            return f"{reason}: {message}" if message else reason
    unscheduled = next((one for one in conditions if text_of(one, "status") == "False" and text_of(one, "message")), {})
    words = [text_of(unscheduled, "reason"), text_of(unscheduled, "message")]
    return ": ".join(filter(None, words)) or text_of(pod, "status", "phase") or "not ready"
