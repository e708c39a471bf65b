"""A command in a running container, over a WebSocket.

The protocols are v5.channel.k8s.io and, before Kubernetes 1.30, v4: binary messages whose first byte is the channel.
See https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from nbcontainer import existence
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.exec_end import end_command
from nbcontainer.clusters.exec_input import PIPE_BYTES, LongInput, messages
from nbcontainer.clusters.log_sources import container_names, default_container
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.node_readiness import tell_if_unready
from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.ready_pods import find_target, ready_pod
from nbcontainer.clusters.refusals import unreachable_kubelet
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import (
    ApiError,
    AuthFailed,
    ClusterUnavailable,
    CommandFailed,
    Forbidden,
    NbcontainerError,
    NotFound,
    Unsupported,
)
from nbcontainer.json_objects import entries_of, text_of, value_of
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_reading import output_of
from nbcontainer.model.logs import OUTPUT_BYTES, LogEnded, LogEvent, LogSource, LogState, ended_with
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.model.pods import ExecRequest, ExecResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, ERROR = 0, 1, 2, 3
CLOSE = 255  # v5: the byte after it names the channel that is closed
CHUNK = 32 * 1024  # bytes of stdin in a message
SEVERAL_CONTAINERS = "a container name must be specified"  # the API server's words
POD_SECONDS = 60.0  # how long to wait for a pod of a Deployment that runs, as kubectl does
END_SECONDS = 0.6  # how long a stop waits for the command's end

_endings: set[asyncio.Task[str]] = set()  # keeps a reference so that the tasks are not garbage-collected


def execute(
    cluster: Cluster,
    request: ExecRequest,
    *,
    prepare: Callable[[Callable[[LogSource], None]], Awaitable[ExecRequest]] | None = None,
    finish: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
    command: str = "",
) -> LogOperation[ExecResult]:
    """Run a command in a pod's running container; its output arrives as log lines while it runs.

    Stopping it also ends the command in the container, if that has a shell; otherwise a note says that it may go on.

    Args:
        cluster: the cluster.
        request: the command, and the pod.
        prepare: makes the place in which the command runs, and returns the request for it; without a command there,
            that is all. It gets the function that shows notes.
        finish: is awaited in the end, whatever happened.
        command: the equivalent kubectl command, in place of an exec's.

    The operation raises:
        CommandFailed: the command ended with a non-zero exit code.
        NotFound: there is no such pod, container, or command.
        Unsupported: `stdin` was given, and the API server cannot end it (before Kubernetes 1.30).
        ApiError, ClusterUnavailable: the API server refuses, or the connection broke.
    """
    cluster = cluster.in_namespace(request.namespace)
    title = f"{request.name}: {shlex.join(request.command)}".removesuffix(": ")
    writer = LogWriter(f"exec {request.name}")
    state = LogState(title=title, where=cluster.where, spool=writer.path, followed=True)
    operation: LogOperation[ExecResult] = LogOperation(
        f"command in {request.name}",
        state,
        conclude=lambda last, code: _conclude(cluster, request, last, code, command),
    )

    async def work(progress: Progress[LogEvent]) -> int:
        try:
            return await _Execution(cluster, request, writer, progress, prepare).run()
        finally:
            await finish()

    return operation.start_task(work)


class _NotRun(Exception):
    """The shell around a command is not there, or did not find the command."""


class _Execution:
    def __init__(
        self,
        cluster: Cluster,
        request: ExecRequest,
        writer: LogWriter,
        progress: Progress[LogEvent],
        prepare: Callable[[Callable[[LogSource], None]], Awaitable[ExecRequest]] | None,
    ) -> None:
        self._prepare = prepare
        self._cluster, self._request, self._writer, self._progress = cluster, request, writer, progress
        writer.report_to(progress)
        self._began = 0.0
        self._sent = 0  # bytes of the input, rounded up
        self._opened = False
        self._heard = False  # whether anything came from the command
        self._words = request.command  # what is run in the container
        self._input: LongInput | None = None
        self._ended = LogEnded()
        self._channels = {
            number: writer.channel(request.name, stream) for number, stream in ((STDOUT, "stdout"), (STDERR, "stderr"))
        }

    async def run(self) -> int:
        request = self._request
        try:
            async with asyncio.timeout(request.timeout or None):
                code = await self._run()
            self._ended = ended_with(code)
        except TimeoutError:
            note = await self._end()
            self._ended = LogEnded(Outcome.FAILED, f"not ended within {request.timeout:g} s")
            raise ApiError(
                f"The command in {request.name} did not end within {request.timeout:g} s"
                + (f"; {note}." if note else "."),
                reason="Timeout",
            ) from None
        except asyncio.CancelledError:
            self._ended = LogEnded(Outcome.STOPPED)
            await self._end()
            raise
        except NbcontainerError as error:
            self._ended = LogEnded(*outcome_of(error, stopped=False))
            raise
        else:
            return code
        finally:
            for channel in self._channels.values():
                channel.finish()
            self._writer.close()
            self._progress.emit(self._ended)

    async def _end(self) -> str:
        """End the command in the container; returns and emits a note if it may go on.

        This waits only a moment; the rest happens in the background.
        """
        if not self._began:
            return ""
        command = replace(self._request, command=self._words)
        ending = asyncio.create_task(end_command(self._cluster, command, self._began))
        _endings.add(ending)
        ending.add_done_callback(_endings.discard)
        try:
            note = await asyncio.wait_for(asyncio.shield(ending), END_SECONDS)
        except TimeoutError:
            note = "it is being ended"
        if note:
            self._writer.emit(LogSource(self._request.name, open=False, note=note))
        return note

    @property
    def _has_long_input(self) -> bool:
        return not self._request.tty and len(self._request.stdin or b"") > PIPE_BYTES

    async def _run(self) -> int:
        if self._prepare is not None:
            self._request = await self._prepare(self._writer.emit)
            if not self._request.command:
                return 0
        elif "/" in self._request.name:
            target = await find_target(self._cluster, self._request.name)
            pod = text_of(await ready_pod(self._cluster, target, POD_SECONDS), "metadata", "name")
            self._request = replace(self._request, name=pod)
            self._writer.emit(LogSource(pod, open=True, note=f"the pod of {target.title}"))
        if self._has_long_input:
            self._input = LongInput(self._request.command)
            with suppress(_NotRun):
                return await self._run_words(self._input.command)
            self._input = None
        return await self._run_words(self._request.command)

    async def _run_words(self, words: tuple[str, ...]) -> int:
        request, self._words = self._request, words
        parameters: list[tuple[str, str | int | bool]] = [("command", word) for word in words]
        parameters += [("stdout", True), ("stderr", not request.tty), ("tty", request.tty)]
        parameters += [("stdin", True)] if request.stdin is not None else []
        parameters += [("container", request.container)] if request.container else []
        path = POD.path(self._cluster.namespace, request.name, "exec")
        self._began = time.monotonic()
        try:
            return await self._in_a_container(path, parameters)
        except ApiError as error:
            if self._opened and "container not found" not in error.message:
                raise
            raise await refused(self._cluster, request, error) from None

    async def _in_a_container(self, path: str, parameters: list[tuple[str, str | int | bool]]) -> int:
        try:
            return await self._connected(path, parameters)
        except ApiError as error:
            if SEVERAL_CONTAINERS not in error.message:
                raise
        chosen = await self._choose_container()
        return await self._connected(path, [*parameters, ("container", chosen)])

    async def _choose_container(self) -> str:
        """The container that kubectl picks from several, and a note that says which one it is."""
        name = self._request.name
        pod = await self._cluster.request("GET", POD.path(self._cluster.namespace, name))
        chosen = default_container(pod)
        self._request = replace(self._request, container=chosen)
        note = f"in container {chosen}, the default of {', '.join(container_names(pod))}; -c names another"
        self._writer.emit(LogSource(name, open=True, note=note))
        return chosen

    async def _connected(self, path: str, parameters: list[tuple[str, str | int | bool]]) -> int:
        request = self._request
        async with self._cluster.websocket(
            path, parameters=parameters, protocols=(V5, V4), pinged=not self._has_long_input
        ) as socket:
            self._opened = True
            if request.stdin is not None and socket.protocol != V5:
                cure = "Put the input into a file in the container, or into the command."
                raise Unsupported("input for a command", f"The API server {self._cluster.server}", cure=cure)
            self._writer.emit(LogSource(request.name, open=True))
            doubt = tell_if_unready(self._cluster, request.name, lambda: not self._heard, self._tell_of_node)
            tasks = [asyncio.create_task(self._send(socket)), asyncio.create_task(doubt)]
            try:
                return await self._receive(socket)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        data = self._request.stdin
        if data is None:
            return
        for start in range(0, len(data), CHUNK):
            if socket.closed or (self._input is not None and self._input.ended):
                break
            await socket.send_bytes(bytes([STDIN]) + data[start : start + CHUNK])
            self._sent = start + CHUNK
            await asyncio.sleep(0)
        await socket.send_bytes(bytes([CLOSE, STDIN]))

    def _tell(self, words: str) -> None:
        self._writer.emit(LogSource(self._request.name, open=True, note=words))

    def _tell_of_node(self, words: str) -> None:
        self._tell(f"{words}: the command may not have started")

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> int:
        async for message in messages(self._cluster, socket, sent=lambda: self._sent, tell=self._tell):
            data = message.data.encode() if isinstance(message.data, str) else message.data
            number, payload = data[0] if data else -1, data[1:]
            if number == STDERR and self._input is not None:
                payload = self._input.without_mark(payload)
            self._heard = self._heard or bool(payload)  # each channel begins with an empty message
            if number in self._channels and payload:
                self._channels[number].feed(payload)
                await asyncio.sleep(0)
            elif number == ERROR:
                if self._input is not None and self._input.has_not_run(payload):
                    raise _NotRun
                return exit_code_of(self._cluster, self._request, payload)
        frozen = ""
        if isinstance(socket.exception(), TimeoutError):
            frozen = ": nothing arrives, not even the answer to a ping"
            self._cluster.link.frozen.found()
        raise ClusterUnavailable(
            f"The connection of the command in {self._request.name} broke before it ended{frozen}.",
            context=self._cluster.context,
            cure="The command may go on in the container.",
        )


def exit_code_of(cluster: Cluster, request: ExecRequest, payload: bytes) -> int:
    """The exit code from the Status object that the API server sends at a command's end."""
    try:
        status = orjson.loads(payload)
        if value_of(status, "status") == "Success":
            return 0
        if value_of(status, "reason") == "NonZeroExitCode":
            for cause in entries_of(status, "details", "causes"):
                if cause.get("reason") == "ExitCode":
                    return int(text_of(cause, "message"))
        if not isinstance(status, dict):
            raise ValueError  # noqa: TRY301, TRY004 - handled below like invalid JSON
    except ValueError:
        raise ApiError(
            f"No exit code of the command in {request.name} in {payload[:100].decode(errors='replace')!r}.",
            reason="garbage",
        ) from None
    message = text_of(status, "message") or "it could not be run"
    raise _cannot_run(cluster, request, message, text_of(status, "reason"))


def _cannot_run(cluster: Cluster, request: ExecRequest, message: str, reason: str) -> ApiError:
    """The error for a command that could not be started, from the runtime's message, which names every layer."""
    program = request.command[0]
    if "executable file not found" in message or "no such file or directory" in message:
        cure = "An image built FROM scratch has no shell; name a program that is in the image."
        if " " in program:
            cure = "The command is one quoted word: leave out the quotes, or let a shell split it: sh -c '…'."
        return NotFound(f"The container of {request.name} has no command {program!r}.", reason="NotFound", cure=cure)
    if "permission denied" in message or "is a directory" in message:
        return ApiError(
            f"The container of {request.name} cannot run {program!r}: it is not a program, or not executable.",
            reason=reason,
            cure=f"`ls -l {shlex.quote(program)}` in the container shows what it is.",
        )
    kubelet, cure = unreachable_kubelet(message, cluster.commands)
    if kubelet:
        return ApiError(kubelet, reason=reason, cure=cure)
    words = message.rpartition("unable to start container process: ")[2].removesuffix(": unknown")
    return ApiError(
        f"The command in {request.name} could not be run: {words}",
        reason=reason,
        cure=f"{cluster.commands.magic('describe', request.name)} shows the state of its containers.",
    )


async def refused(cluster: Cluster, request: ExecRequest, error: ApiError) -> ApiError:
    """Why a command was refused before it was started: no such pod or container, or it is not running."""
    if isinstance(error, NotFound):
        return await not_found_soon(cluster, (request.name,))
    if isinstance(error, Forbidden | AuthFailed):
        return error
    try:
        pod = await cluster.request("GET", POD.path(cluster.namespace, request.name))
    except NbcontainerError:
        return error
    names = container_names(pod)
    if request.container and request.container not in names:
        cure = f"It has: {', '.join(names)}."
        return existence.not_found("container", request.container, f"the pod {request.name}", cure=cure)
    found = trouble(pod, cluster.commands)
    word = pod_status(pod)
    if found is None and word == "Running":
        return error
    why = found.message if found is not None else f"Its status is {word}."
    cure = found.cure if found is not None else f"Its log may say more: {cluster.commands.magic('logs', request.name)}."
    return ApiError(
        f"No command can be run in {request.name}. {why}", status=error.status, reason=error.reason, cure=cure
    )


def _conclude(cluster: Cluster, request: ExecRequest, state: LogState, code: int, command: str) -> ExecResult:
    (output, hidden), (errors, more) = (output_of(state, OUTPUT_BYTES, stream) for stream in ("stdout", "stderr"))
    if code:
        last = "".join(f"\n  {line}" for line in (errors or output).splitlines()[-3:])
        raise CommandFailed(
            f"{request.command[0]} in {request.name} ended with exit code {code}.{last}",
            exit_code=code,
            output=output + errors,
        )
    words = ["exec", request.name]
    words += ["-c", request.container] if request.container else []
    words += ["-i"] if request.stdin is not None else []
    command = command or cluster.commands.kubectl(*words, "--", *request.command)
    return ExecResult(code, output, errors, state.spool, command, hidden + more, state.gaps)
