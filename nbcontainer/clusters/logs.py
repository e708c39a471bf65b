"""Logs of pods: a stream for each container, merged; followed through restarts, including pods that appear later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.log_follow import Followed, Slots
from nbcontainer.clusters.log_lines import LineReader
from nbcontainer.clusters.log_previous import copy_previous
from nbcontainer.clusters.log_sources import (
    Wanted,
    chosen_containers,
    command_of,
    container_status,
    resolve,
    source_name,
    title_of,
)
from nbcontainer.clusters.log_stream import copy_stream
from nbcontainer.clusters.missing import check_namespace
from nbcontainer.clusters.reflector import Changed, Listed, list_all, reflect
from nbcontainer.clusters.trouble import trouble
from nbcontainer.errors import ApiError, NbcontainerError, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.logs import LogEnded, LogEvent, LogRequest, LogResult, LogSource, LogState
from nbcontainer.model.outcome import Outcome, outcome_of

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

BAD_REQUEST, NOT_FOUND = 400, 404


def logs(cluster: Cluster, request: LogRequest) -> LogOperation[LogResult]:
    """The logs of pods, so far or followed.

    Names may be pods or "deploy/NAME" and the like. Followed by selector or by such a name, pods that appear later
    join, and only a stop or the end of `duration` ends it; followed by pods' names, it ends when they have.

    The operation raises:
        NotFound: no such pod, container or deployment exists; where some do, a note says which do not.
        UsageError: the request names nothing.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    cluster = cluster.in_namespace(request.namespace)
    title = title_of(request)
    writer = LogWriter(f"logs {title}")
    state = LogState(
        title=title,
        where=cluster.where,
        spool=writer.path,
        followed=request.follow,
        timestamps=request.timestamps,
    )
    command = command_of(cluster, request)
    operation: LogOperation[LogResult] = LogOperation(
        f"log of {title}",
        state,
        endless=request.follow,
        conclude=lambda last, _: LogResult(last, command),
    )
    return operation.start_task(lambda progress: _run(cluster, request, writer, progress))


async def _run(cluster: Cluster, request: LogRequest, writer: LogWriter, progress: Progress[LogEvent]) -> None:
    writer.report_to(progress)
    failure: Exception | None = None
    ended = LogEnded(Outcome.STOPPED)
    try:
        async with asyncio.timeout((request.follow and request.duration) or None):
            wanted = await resolve(cluster, request)
            for words in wanted.missing:
                writer.emit(LogSource("", open=False, note=words))
            if request.follow:
                await _Follow(cluster, request, wanted, writer).run()
            else:
                await _read_once(cluster, request, wanted, writer)
        ended = LogEnded()
    except TimeoutError:
        ended = LogEnded()  # the requested end
    except NbcontainerError as error:
        ended = LogEnded(*outcome_of(error, stopped=False))
        raise
    except ExceptionGroup as group:
        failure = _first(group)
        ended = LogEnded(*outcome_of(failure, stopped=False))
    finally:
        writer.close()
        progress.emit(ended)
    if failure is not None:
        raise failure  # outside the group's handler, so that IPython does not show the group as its context


def _first(group: ExceptionGroup[Exception]) -> Exception:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner


async def _read_once(cluster: Cluster, request: LogRequest, wanted: Wanted, writer: LogWriter) -> None:
    """Read the logs so far, one source after the other."""
    pods = await _find_pods(cluster, wanted)
    sources = [(pod, container) for pod in pods for container in chosen_containers(pod, request)]
    if not pods:
        await asyncio.to_thread(check_namespace, cluster)
        writer.emit(LogSource("", open=False, note=_no_pods(cluster, ", ".join(wanted.selectors))))
    elif not sources:
        raise existence.not_found("container", request.container, f"any of the {len(pods)} pods")
    failures: list[NbcontainerError] = []
    for pod, container in sources:
        name = source_name(pod, container, request)
        try:
            writer.emit(LogSource(name, open=True))
            await _read_source(cluster, request, pod, container, writer=writer, several=len(sources) > 1)
        except NbcontainerError as error:
            failures.append(error)
            note = error.remark if len(sources) > 1 else ""
            writer.emit(LogSource(name, open=False, note=note))
        else:
            writer.emit(LogSource(name, open=False))
    if failures and len(failures) == len(sources):
        raise failures[0]


async def _read_source(
    cluster: Cluster,
    request: LogRequest,
    pod: JsonObject,
    container: str,
    *,
    writer: LogWriter,
    several: bool,
) -> None:
    name = source_name(pod, container, request)
    stamped = request.timestamps or several or request.previous
    reader = LineReader(writer, writer.channel(name, stamped=stamped))
    parameters: dict[str, str | int] = {"container": container, **first_parameters(request)}
    parameters |= {"timestamps": True} if stamped else {}
    try:
        if request.previous:
            await copy_previous(cluster, pod, container, parameters, reader=reader)
        else:
            path = POD.path(cluster.namespace, text_of(pod, "metadata", "name"), "log")
            await copy_stream(cluster, path, parameters, reader=reader)
    except ApiError as error:
        if request.previous or error.status not in {BAD_REQUEST, NOT_FOUND}:
            raise
        raise _not_begun(cluster, pod, container, error) from None
    finally:
        reader.finish()


def _not_begun(cluster: Cluster, pod: JsonObject, container: str, error: ApiError) -> ApiError:
    """The error for a container that has no log yet: why it is not running, or how to wait for it."""
    found = trouble(pod, cluster.commands)
    if found is not None:
        return ApiError(found.message, status=error.status, reason=found.reason, cure=found.cure)
    name = text_of(pod, "metadata", "name")
    if isinstance(error, NotFound):  # the pod existed a moment ago, so it is the node that does not know it
        error = error.replaced(message=f"The node of pod {name} has no log of container {container}.")
    if "terminated" not in object_of(container_status(pod, container), "state"):
        error = error.replaced(cure=f"{cluster.commands.magic('logs', '-f', name)} waits until it runs.")
    return error


def first_parameters(request: LogRequest) -> dict[str, int]:
    """The bounds for what was logged before the call."""
    since = {"sinceSeconds": max(1, round(request.since))} if request.since > 0 else {}
    return since | ({"tailLines": request.tail} if request.tail >= 0 else {})


async def _find_pods(cluster: Cluster, wanted: Wanted) -> list[JsonObject]:
    pods = list(wanted.pods)
    known = {text_of(pod, "metadata", "uid") for pod in pods}
    for selector in wanted.selectors:
        for page in await list_all(cluster, POD.path(cluster.namespace), {"labelSelector": selector}):
            pods += [pod for pod in entries_of(page, "items") if text_of(pod, "metadata", "uid") not in known]
            known |= {text_of(pod, "metadata", "uid") for pod in pods}
    return pods


class _Follow:
    """Follows pods: a watch of all of them, and a reader for each of their containers."""

    def __init__(self, cluster: Cluster, request: LogRequest, wanted: Wanted, writer: LogWriter) -> None:
        self._cluster = cluster
        self._request = request
        self._wanted = wanted
        self._writer = writer
        self._slots = Slots()
        self._readers: dict[tuple[str, str], tuple[Followed, asyncio.Task[None]]] = {}
        self._pods: dict[str, JsonObject] = {}
        self._names = {text_of(pod, "metadata", "name") for pod in wanted.pods}
        self._several = bool(wanted.selectors) or len(request.names) > 1 or request.all_containers

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for selector in self._wanted.selectors:
                group.create_task(self._watch(group, {"labelSelector": selector}, ""))
            for name in self._names:
                group.create_task(self._watch(group, {"fieldSelector": f"metadata.name={name}"}, name))

    async def _watch(self, group: asyncio.TaskGroup, parameters: dict[str, str], name: str) -> None:
        """Pass changes of the pods on to their readers. For one pod by name, return when it has ended."""
        path, first = POD.path(self._cluster.namespace), True
        async for news in reflect(self._cluster, path, parameters):
            if isinstance(news, Listed):
                pods = [pod for page in news.pages for pod in entries_of(page, "items")]
                if first and not pods:
                    await self._emit_none(name, parameters)
                self._listed(group, pods, name, first=first)
                first = False
            elif isinstance(news, Changed):
                for event in news.events:
                    pod = object_of(event, "object")
                    if event["type"] == "DELETED":
                        self._gone(text_of(pod, "metadata", "name"))
                    else:
                        self._seen(group, pod, early=False)
            if name and self._over(name):
                await asyncio.gather(*(task for one, task in self._readers.values() if one.pod_name == name))
                return

    async def _emit_none(self, name: str, parameters: dict[str, str]) -> None:
        """Emit that the first list is empty."""
        if name:
            note = f"{name} was deleted"  # after it was looked up
        else:
            await asyncio.to_thread(check_namespace, self._cluster)
            nobody = _no_pods(self._cluster, parameters["labelSelector"])
            note = f"{nobody.removesuffix('.')} yet; those that appear join."
        self._writer.emit(LogSource(name, open=False, note=note))

    def _listed(self, group: asyncio.TaskGroup, pods: list[JsonObject], name: str, *, first: bool) -> None:
        for pod in pods:
            self._seen(group, pod, early=first)
        listed = {text_of(pod, "metadata", "name") for pod in pods}
        for gone in [key for key in self._watched_names(name) if key not in listed]:
            self._gone(gone)

    def _watched_names(self, name: str) -> list[str]:
        return [name] if name else [key for key in self._pods if key not in self._names]

    def _seen(self, group: asyncio.TaskGroup, pod: JsonObject, *, early: bool) -> None:
        name = text_of(pod, "metadata", "name")
        self._pods[name] = pod
        for container in chosen_containers(pod, self._request):
            key = (name, container)
            known = self._readers.get(key)
            if known is not None and not known[1].done():
                known[0].update(pod)
                continue
            if known is not None and known[0].pod_uid == text_of(pod, "metadata", "uid"):
                continue  # it has ended
            source = source_name(pod, container, self._request)
            reader = LineReader(self._writer, self._writer.channel(source, stamped=True))
            begun = early and "containerID" in container_status(pod, container)
            bounds = first_parameters(self._request) if begun else {}
            followed = Followed(
                self._cluster,
                pod,
                container,
                source=source,
                reader=reader,
                bounds=bounds,
                joins=self._several and not early,
                writer=self._writer,
                slots=self._slots,
            )
            self._readers[key] = (followed, group.create_task(followed.run()))

    def _gone(self, name: str) -> None:
        self._pods.pop(name, None)
        for (pod, _), (followed, _task) in self._readers.items():
            if pod == name:
                followed.update(None)

    def _over(self, name: str) -> bool:
        pod = self._pods.get(name)
        return pod is None or text_of(pod, "status", "phase") in {"Succeeded", "Failed"}


def _no_pods(cluster: Cluster, selector: str) -> str:
    return existence.no_objects("pod", cluster.where, condition=f"with {selector}")
