"""Pods: create one, and wait until it runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbcontainer import existence
from nbcontainer.clusters.connection import Cluster
from nbcontainer.clusters.discovery import POD, Resource, field_selector_of
from nbcontainer.clusters.http import FIELD_MANAGER, READ_SECONDS
from nbcontainer.clusters.log_stream import REFUSAL
from nbcontainer.clusters.missing import missing_namespace
from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.ready_pods import is_ready
from nbcontainer.clusters.reflector import AWAITED_SECONDS, Away, Changed, Listed, reflect
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError, CommandFailed, Conflict, Forbidden, NbcontainerError, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, value_of
from nbcontainer.model.changes import Change
from nbcontainer.model.commands import environment_words
from nbcontainer.model.created_services import service_for_pod
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import PodRequest, PodStart, PodStep, apply_pod_step, pod_manifest
from nbcontainer.model.why import Finding
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from nbcontainer.operation import Progress

SERVICE = Resource("services", "Service")
PASSING_SECONDS = 5.0  # how long to tolerate a problem that may pass by itself
SETTLE_SECONDS = 1.2  # how long to watch whether a started pod ends at once: a kubelet checks every second
REPORT_SECONDS = 5.0  # how long a node may take to report a container's end after the end of its log
ACCOUNT_SECONDS = 15.0  # how long a namespace's own service account may take to appear
LAST_LINES = 20  # how much of a failed container's log the error shows
STARTED_AGAIN = (
    "its command ended with exit code 0, and its restart policy starts it again and again: "
    "give it a command that keeps running (after --), or --restart=Never"
)


def containers(cluster: Cluster, name: str) -> list[str]:
    """The names of a pod's containers; init and debug containers come last.

    Raises:
        NotFound: there is no such pod.
    """
    pod = cluster.call("GET", POD.path(cluster.namespace, name))
    kinds = ("containers", "initContainers", "ephemeralContainers")
    return [text_of(one, "name") for kind in kinds for one in entries_of(pod, "spec", kind)]


def create(cluster: Cluster, request: PodRequest) -> Operation[PodStep, PodStart, Change]:
    """Create a pod, and wait until it runs (or has completed).

    If it cannot run, the operation fails with the reason and the cure, and the pod is not removed.

    The operation raises:
        Conflict: there is a pod of this name.
        CommandFailed: its container ended with a non-zero exit code.
        ApiError: it cannot run for another reason, which is the error's `reason` ("ErrImagePull", "Unschedulable",
            "Timeout"), or the API server refused it.
    """
    cluster = cluster.in_namespace(request.namespace)
    state = PodStart(request.name, cluster.where)
    operation: Operation[PodStep, PodStart, Change] = Operation(f"start of pod {request.name}", state, apply_pod_step)
    return operation.start_task(lambda progress: _create(cluster, request, progress))


async def _create(cluster: Cluster, request: PodRequest, progress: Progress[PodStep]) -> Change:
    sent = pod_manifest(request)
    try:
        pod = await create_pod(cluster, sent, request.name)
    except NbcontainerError as error:
        progress.emit(PodStep("", error.message, Outcome.FAILED))
        raise
    progress.emit(PodStep("Pending", "created"))
    if request.expose:
        await _expose(cluster, sent)
        progress.emit(PodStep("", f"the Service {request.name} is created"))
    if request.wait:
        try:
            pod = await in_time(cluster, request, pod, progress.emit)
        except asyncio.CancelledError:
            progress.emit(
                PodStep("", f"it stays; {cluster.commands.magic('delete', request.name)} removes it", Outcome.STOPPED)
            )
            raise
        except NbcontainerError as error:
            progress.emit(PodStep("", error.message, Outcome.FAILED))
            raise
    progress.emit(PodStep("", outcome=Outcome.DONE))
    return Change(
        "Pod",
        request.name,
        cluster.namespace,
        "created",
        status=pod_status(pod),
        uid=text_of(pod, "metadata", "uid"),
        where=cluster.where,
        command=cluster.commands.kubectl(*run_words(request)),
        manifest=sent,
    )


async def _expose(cluster: Cluster, pod: Mapping[str, Any]) -> None:
    """Create a Service for a pod."""
    name, parameters = pod["metadata"]["name"], {"fieldManager": FIELD_MANAGER}
    try:
        await cluster.request("POST", SERVICE.path(cluster.namespace), body=service_for_pod(pod), parameters=parameters)
    except Conflict:
        cure = f"The pod runs without a new one; `%kube delete svc/{name}` deletes the old one."
        raise existence.already_exists("Service", name, cluster.where, cure=cure) from None


async def in_time(
    cluster: Cluster, request: PodRequest, pod: JsonObject, emit: Callable[[PodStep], None]
) -> JsonObject:
    """Return the pod once it runs or has completed; raises as `create`."""
    try:
        async with asyncio.timeout(request.timeout or None):
            up = await _until_running(cluster, request.name, emit)
            if request.restart == "Always" and pod_status(up) != "Running":
                emit(PodStep("Completed", STARTED_AGAIN))
            return up
    except TimeoutError:
        word = pod_status(await _read(cluster, request.name) or pod)
        raise ApiError(
            f"Pod {request.name} is not running after {request.timeout:g} s: its status is {word}.",
            reason="Timeout",
            cure=f"It stays; {cluster.commands.magic('describe', request.name)} shows why. Or give it more time.",
        ) from None


async def create_pod(cluster: Cluster, sent: JsonObject, name: str) -> JsonObject:
    """POST the pod; a new namespace's service account is waited for."""
    deadline = asyncio.get_running_loop().time() + ACCOUNT_SECONDS
    while True:
        try:
            return await cluster.request(
                "POST", POD.path(cluster.namespace), body=sent, parameters={"fieldManager": FIELD_MANAGER}
            )
        except Conflict:
            cure = f"Choose another name, or delete it: {cluster.commands.magic('delete', name)}"
            raise existence.already_exists("pod", name, cluster.where, cure=cure) from None
        except NotFound as error:
            raise await asyncio.to_thread(missing_namespace, cluster) or error from None
        except Forbidden as error:
            new = "serviceaccount" in error.message and "not found" in error.message
            if not new or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.25)


async def _read(cluster: Cluster, name: str) -> JsonObject | None:
    with suppress(ApiError):
        return await cluster.request("GET", POD.path(cluster.namespace, name))
    return None


class _Steps:
    """Emits the steps of a pod that is starting, without repeating any."""

    def __init__(self, emit: Callable[[PodStep], None]) -> None:
        self._emit, self._last = emit, PodStep("")

    def take(self, status: str, message: str) -> None:
        step = PodStep(status, message)
        if step != self._last:
            self._last = step
            self._emit(step)


async def _until_running(cluster: Cluster, name: str, emit: Callable[[PodStep], None]) -> JsonObject:
    steps, since = _Steps(emit), 0.0
    loop = asyncio.get_running_loop()
    async for pod in one_object(cluster, POD, name, lambda note: steps.take("", note)):
        if pod is None or _is_terminating(pod):
            raise NotFound(f"Pod {name} was deleted while it started.")
        steps.take(pod_status(pod), _waiting_words(pod))
        if _is_up(pod):
            settled = await _settled(cluster, name, pod)
            if _is_up(settled):
                return settled
            pod = settled  # noqa: PLW2901 - the same pod, a moment later
        found = trouble(pod, cluster.commands)
        if found is None or not found.passing:
            since = 0.0
        if found is None:
            continue
        if found.passing:
            since = since or loop.time()
            later = await _wait_for_change(cluster, name, PASSING_SECONDS - (loop.time() - since), pod)
            found = trouble(later, cluster.commands)
            if found is None or not found.passing or _is_terminating(later):
                continue
        raise await _failure(cluster, name, found)
    raise AssertionError  # a reflector ends only with an error


def _is_terminating(pod: JsonObject) -> bool:
    return bool(value_of(pod, "metadata", "deletionTimestamp"))


async def _settled(cluster: Cluster, name: str, pod: JsonObject) -> JsonObject:
    """A pod that runs, a moment later, or as soon as it has ended: many that cannot run do so at once.

    A node reports an end up to some seconds late, but the container's log stream ends at once.
    """
    if text_of(pod, "status", "phase") != "Running":
        return pod
    newest = pod

    async def change() -> None:
        nonlocal newest
        async for seen in one_object(cluster, POD, name):
            newest = seen or newest
            if not _runs(newest):
                return

    changed = asyncio.create_task(change())
    containers = [text_of(one, "name") for one in entries_of(pod, "spec", "containers")]
    ends = [asyncio.create_task(_end_of_log(cluster, name, container)) for container in containers]
    try:
        await asyncio.wait([changed, *ends], timeout=SETTLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if any(end.done() for end in ends):
            await asyncio.wait([changed], timeout=REPORT_SECONDS)
        if changed.done():
            await changed
    finally:
        for task in (changed, *ends):
            task.cancel()
        await asyncio.gather(changed, *ends, return_exceptions=True)
    return newest


async def _end_of_log(cluster: Cluster, name: str, container: str) -> None:
    """Return when a container's log ends; never, if the user may not read it."""
    with suppress(NbcontainerError):
        parameters = {"container": container, "follow": "true", "tailLines": "0"}
        async with cluster.stream(
            f"{POD.path(cluster.namespace, name)}/log", parameters=parameters, accept="*/*"
        ) as response:
            async for _ in response.content.iter_any():
                pass
            return
    await asyncio.Event().wait()


async def _wait_for_change(cluster: Cluster, name: str, seconds: float, pod: JsonObject) -> JsonObject:
    """The pod once it no longer has the same problem, or its state after some seconds."""
    newest = pod
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            async for seen in one_object(cluster, POD, name):
                newest = seen or newest
                found = trouble(newest, cluster.commands)
                if seen is None or found is None or not found.passing:
                    break
    return newest


def _is_up(pod: JsonObject) -> bool:
    if text_of(pod, "status", "phase") == "Succeeded":
        return True
    containers = entries_of(pod, "status", "containerStatuses")
    if containers and all(_ended_well(one) for one in containers):
        return True  # it has completed, although its restart policy starts it again
    return _runs(pod)


def _runs(pod: JsonObject) -> bool:
    return is_ready(pod) and text_of(pod, "status", "phase") == "Running"


def _ended_well(container: JsonObject) -> bool:
    """Whether a container's last run ended with exit code 0."""
    state = object_of(container, "state")
    ended = state.get("terminated") or (value_of(container, "lastState", "terminated") if "waiting" in state else None)
    return value_of(ended, "exitCode") == 0


def _waiting_words(pod: JsonObject) -> str:
    waiting = (text_of(one, "state", "waiting", "message") for one in entries_of(pod, "status", "containerStatuses"))
    return next(filter(None, waiting), "")


async def _failure(cluster: Cluster, name: str, found: Finding) -> ApiError | CommandFailed:
    if found.exit_code:
        output = await last_output(cluster, name, found.container)
        shown = "".join(f"\n  {line}" for line in output.splitlines()[-3:])
        return CommandFailed(found.message + shown, exit_code=found.exit_code, output=output, cure=found.cure)
    return ApiError(found.message, reason=found.reason, cure=found.cure)


async def last_output(cluster: Cluster, name: str, container: str) -> str:
    """The last lines that a container wrote, or wrote before it was started again; "" if they cannot be read."""
    for previous in (False, True):
        parameters: dict[str, str | int | bool] = {
            "container": container,
            "tailLines": LAST_LINES,
            "previous": previous,
        }
        with suppress(ApiError):
            path = POD.path(cluster.namespace, name, "log")
            async with cluster.stream(path, parameters=parameters, silence=READ_SECONDS) as response:
                text = await response.read()
                if text and not REFUSAL.fullmatch(text):
                    return text.decode(errors="replace")
    return ""


async def one_object(
    cluster: Cluster, resource: Resource, name: str, tell_away: Callable[[str], None] = lambda _note: None
) -> AsyncIterator[JsonObject | None]:
    """One object as it is and each time it changes; None once it is gone or does not exist.

    Args:
        cluster: the cluster.
        resource: the object's kind.
        name: its name.
        tell_away: called with what to say whenever the API server cannot be watched.

    Raises:
        ApiError, ClusterUnavailable: as in `reflect`.
    """
    path, parameters = resource.path(cluster.namespace), {"fieldSelector": field_selector_of(name)}
    async for news in reflect(cluster, path, parameters, silence=AWAITED_SECONDS):
        if isinstance(news, Away):
            tell_away(news.note)
        elif isinstance(news, Listed):
            items = [item for page in news.pages for item in entries_of(page, "items")]
            yield items[0] if items else None
        elif isinstance(news, Changed):
            last = news.events[-1]
            yield None if last["type"] == "DELETED" else object_of(last, "object")


def run_words(request: PodRequest) -> list[str]:
    """The equivalent kubectl command from the verb on."""
    words = ["run", request.name, f"--image={request.image}"]
    words += environment_words("--env", request.environment, inherits=False)
    words += [f"--port={port}" for port in request.ports[:1]]
    words += [f"--image-pull-policy={request.pull_policy}"] if request.pull_policy else []
    words += [f"--restart={request.restart}"] if request.restart != "Always" else []
    labels = {**({"run": request.name} if request.run_label else {}), **request.labels}
    pairs = ",".join(f"{key}={value}" for key, value in labels.items())
    words += [f"--labels={pairs}"] if request.labels else []
    words += [f"--annotations={key}={value}" for key, value in request.annotations.items()]
    words += ["--expose"] if request.expose else []
    words += ["--command"] if request.entrypoint else []
    words += ["--", *request.command] if request.command else []
    return words
