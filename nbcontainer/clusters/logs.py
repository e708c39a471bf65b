"""Logs of pods: a stream for each container, merged; followed through restarts, including pods that appear later."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.log_follow import Followed, Slots
from nbcontainer.clusters.log_lines import LineReader
from nbcontainer.clusters.log_merge import TimeMerge
from nbcontainer.clusters.log_previous import copy_previous
from nbcontainer.clusters.log_selection import Selection, Wanted, resolve
from nbcontainer.clusters.log_sources import chosen_containers, command_of, container_status, source_name, title_of
from nbcontainer.clusters.log_stream import copy_stream
from nbcontainer.clusters.missing import check_namespace
from nbcontainer.clusters.reflector import Changed, Listed, list_all, reflect
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError, NbcontainerError, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.logs.line_filter import LineFilter
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_patterns import pattern_of
from nbcontainer.model.logs import LogEnded, LogEvent, LogRequest, LogResult, LogSource, LogState
from nbcontainer.model.outcome import Outcome, outcome_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.logs.writer import Channel
    from nbcontainer.operation import Progress

BAD_REQUEST, NOT_FOUND = 400, 404


def logs(cluster: Cluster, request: LogRequest) -> LogOperation[LogResult]:
    """The logs of pods, so far or followed.

    Names may be pods, "deploy/NAME" and the like, or a "/REGEX/" over pods' names. Followed by pods' names, it ends
    when they have; otherwise pods that appear later join, and only a stop or the end of `duration` ends it.

    The operation raises:
        NotFound: no such pod, container or deployment exists; where some do, a note says which do not.
        UsageError: the request names nothing, or a regular expression is not valid (raised at once).
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    cluster = cluster.in_namespace(request.namespace)
    title = title_of(request)
    pattern_of(request.highlight, "--highlight")
    filters = request.include or request.exclude
    writer = LogWriter(f"logs {title}", LineFilter(request.include, request.exclude) if filters else None)
    state = LogState(
        title=title,
        where=cluster.where,
        spool=writer.path,
        followed=request.follow,
        timestamps=request.timestamps,
        highlight=request.highlight,
        prefix=request.prefix,
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
                await follow(cluster, request, wanted, writer)
            else:
                await _read_once(cluster, request, wanted, writer)
                if wanted.failures:
                    raise wanted.failures[0]
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
    """Read the logs so far, merged in the order of their times."""
    pods = await _find_pods(cluster, request, wanted)
    sources = [(pod, container) for pod in pods for container in chosen_containers(pod, request)]
    if not pods:
        await asyncio.to_thread(check_namespace, cluster)
        writer.emit(LogSource("", open=False, note=_no_pods(cluster, request, wanted.words)))
    elif not sources:
        raise existence.not_found("container", request.container, f"any of the {len(pods)} pods")
    most = Slots(request.max_log_requests).limit
    if len(sources) > most:
        note = f"{len(sources)} logs are read, {most} at a time: each {most} are in the order of their times"
        writer.emit(LogSource("", open=True, note=note))
    failures: list[NbcontainerError] = []
    for first in range(0, len(sources), most):
        failures += await _read_merged(
            cluster, request, sources[first : first + most], writer, several=len(sources) > 1
        )
    if failures and len(failures) == len(sources):
        raise failures[0]


async def _read_merged(
    cluster: Cluster,
    request: LogRequest,
    sources: Sequence[tuple[JsonObject, str]],
    writer: LogWriter,
    *,
    several: bool,
) -> list[NbcontainerError]:
    """Read several logs at the same time; returns those that failed, which is also noted where there are several."""
    stamped = request.timestamps or several or request.previous
    channels = [writer.channel(source_name(*source, request), stamped=stamped) for source in sources]
    merge = TimeMerge(writer, channels) if len(sources) > 1 else None

    async def read(pod: JsonObject, container: str, channel: Channel) -> NbcontainerError | None:
        writer.emit(LogSource(channel.source, open=True))
        reader, failure = LineReader(merge or writer, channel), None
        rest = partial(merge.has_room, channel) if merge is not None else partial(asyncio.sleep, 0)
        try:
            await _read_source(cluster, request, pod, container, reader=reader, rest=rest)
        except NbcontainerError as error:
            failure = error
        if merge is not None:
            merge.end(channel)
        note = failure.remark if failure is not None and several else ""
        writer.emit(LogSource(channel.source, open=False, note=note))
        return failure

    try:
        ended = await asyncio.gather(
            *(read(*source, channel) for source, channel in zip(sources, channels, strict=True))
        )
    finally:
        if merge is not None:
            merge.close()
    return [failure for failure in ended if failure is not None]


async def _read_source(
    cluster: Cluster,
    request: LogRequest,
    pod: JsonObject,
    container: str,
    *,
    reader: LineReader,
    rest: Callable[[], Awaitable[None]],
) -> None:
    parameters: dict[str, str | int] = {"container": container, **first_parameters(request)}
    parameters |= {"timestamps": True} if reader.is_stamped else {}
    try:
        if request.previous:
            await copy_previous(cluster, pod, container, parameters, reader=reader, rest=rest)
        else:
            path = POD.path(text_of(pod, "metadata", "namespace"), text_of(pod, "metadata", "name"), "log")
            await copy_stream(cluster, path, parameters, reader=reader, rest=rest)
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


def first_parameters(request: LogRequest) -> dict[str, int | str]:
    """The bounds for what was logged before the call."""
    bounds: dict[str, int | str] = {"sinceTime": request.since_time} if request.since_time else {}
    bounds |= {"sinceSeconds": max(1, round(request.since))} if request.since > 0 else {}
    return bounds | ({"tailLines": request.tail} if request.tail >= 0 else {})


def _pods_path(cluster: Cluster, request: LogRequest) -> str:
    return POD.path("" if request.all_namespaces else cluster.namespace)


async def _find_pods(cluster: Cluster, request: LogRequest, wanted: Wanted) -> list[JsonObject]:
    pods = {text_of(pod, "metadata", "uid"): pod for pod in wanted.pods}
    for selection in wanted.selections:
        if not selection.name:
            for page in await list_all(cluster, _pods_path(cluster, request), selection.parameters):
                pods |= {
                    text_of(pod, "metadata", "uid"): pod for pod in entries_of(page, "items") if selection.has(pod)
                }
    return list(pods.values())


_Key = tuple[str, str]  # a pod's namespace and name


async def follow(cluster: Cluster, request: LogRequest, wanted: Wanted, writer: LogWriter) -> None:
    """Follow the logs of pods; those that were requested by their names until they have ended.

    Raises:
        ExceptionGroup: of errors, as those of `logs`.
    """
    await _Follow(cluster, request, wanted, writer).run()


class _Follow:
    """Follows pods: a watch for each selection, and a reader for each container of its pods."""

    def __init__(self, cluster: Cluster, request: LogRequest, wanted: Wanted, writer: LogWriter) -> None:
        self._cluster = cluster
        self._request = request
        self._wanted = wanted
        self._writer = writer
        self._slots = Slots(request.max_log_requests)
        self._readers: dict[tuple[_Key, str], tuple[Followed, asyncio.Task[None]]] = {}
        self._pods: dict[_Key, JsonObject] = {}
        self._several = wanted.are_several or request.all_containers

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for selection in self._wanted.selections:
                group.create_task(self._watch(group, selection))

    async def _watch(self, group: asyncio.TaskGroup, selection: Selection) -> None:
        """Pass changes of the pods on to their readers. For one pod by name, return when it has ended."""
        first, seen = True, set[_Key]()
        async for news in reflect(self._cluster, _pods_path(self._cluster, self._request), selection.parameters):
            if isinstance(news, Listed):
                pods = [pod for page in news.pages for pod in entries_of(page, "items") if selection.has(pod)]
                if first and not pods:
                    await self._emit_none(selection)
                for pod in pods:
                    self._seen(group, pod, early=first)
                listed = set(map(_key_of, pods))
                for gone in seen - listed:
                    self._gone(gone)
                first, seen = False, listed
            elif isinstance(news, Changed):
                self._changed(group, selection, news, seen)
            if selection.name and self._over(key := (self._cluster.namespace, selection.name)):
                await asyncio.gather(*(task for (pod, _), (_, task) in self._readers.items() if pod == key))
                return

    def _changed(self, group: asyncio.TaskGroup, selection: Selection, news: Changed, seen: set[_Key]) -> None:
        for event in news.events:
            pod = object_of(event, "object")
            if event["type"] == "DELETED":
                seen.discard(_key_of(pod))
                self._gone(_key_of(pod))
            elif selection.has(pod):
                seen.add(_key_of(pod))
                self._seen(group, pod, early=False)

    async def _emit_none(self, selection: Selection) -> None:
        """Emit that the first list is empty."""
        if selection.name:
            note = f"{selection.name} was deleted"  # after it was looked up
        else:
            await asyncio.to_thread(check_namespace, self._cluster)
            nobody = _no_pods(self._cluster, self._request, selection.words)
            note = f"{nobody.removesuffix('.')} yet; those that appear join."
        self._writer.emit(LogSource(selection.name, open=False, note=note))

    def _seen(self, group: asyncio.TaskGroup, pod: JsonObject, *, early: bool) -> None:
        self._pods[_key_of(pod)] = pod
        for container in chosen_containers(pod, self._request):
            key = (_key_of(pod), container)
            known = self._readers.get(key)
            if known is not None and not known[1].done():
                known[0].update(pod)
                continue
            if known is not None and known[0].pod_uid == text_of(pod, "metadata", "uid"):
                continue  # it has ended
            followed = self._follow(pod, container, early=early)
            self._readers[key] = (followed, group.create_task(followed.run()))

    def _follow(self, pod: JsonObject, container: str, *, early: bool) -> Followed:
        source = source_name(pod, container, self._request)
        begun = early and "containerID" in container_status(pod, container)
        return Followed(
            self._cluster.in_namespace(text_of(pod, "metadata", "namespace")),
            pod,
            container,
            source=source,
            reader=LineReader(self._writer, self._writer.channel(source, stamped=True)),
            bounds=first_parameters(self._request) if begun else {},
            joins=self._several and not early,
            writer=self._writer,
            slots=self._slots,
        )

    def _gone(self, key: _Key) -> None:
        self._pods.pop(key, None)
        for (pod, _), (followed, _task) in self._readers.items():
            if pod == key:
                followed.update(None)

    def _over(self, key: _Key) -> bool:
        pod = self._pods.get(key)
        return pod is None or text_of(pod, "status", "phase") in {"Succeeded", "Failed"}


def _key_of(pod: JsonObject) -> _Key:
    return text_of(pod, "metadata", "namespace"), text_of(pod, "metadata", "name")


def _no_pods(cluster: Cluster, request: LogRequest, words: str) -> str:
    where = f"{cluster.context} · all namespaces" if request.all_namespaces else cluster.where
    return existence.no_objects("pod", where, condition=words)
