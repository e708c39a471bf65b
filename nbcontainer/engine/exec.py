"""A command in a running container."""

from __future__ import annotations

import shlex
import threading
from typing import TYPE_CHECKING

from nbcontainer.engine.http import quoted
from nbcontainer.engine.output import Frames, Lines, Recorder
from nbcontainer.errors import ApiError, CommandFailed
from nbcontainer.model.logs import LogEnded, LogEvent, LogSource, LogState, apply_logs
from nbcontainer.model.pods import ExecResult
from nbcontainer.operation import Operation, Progress
from nbcontainer.spool import Spool

if TYPE_CHECKING:
    from nbcontainer.engine.connection import Engine
    from nbcontainer.engine.dial import Stream
    from nbcontainer.model.pods import ExecRequest

__all__ = ["execute"]

Execution = Operation[LogEvent, LogState, ExecResult]


def execute(engine: Engine, container: str, request: ExecRequest) -> Execution:
    """Run `request.command` in `container`; its output comes as log lines while it runs.

    The operation raises CommandFailed where the exit code is not 0, NotFound where there is no such container, Conflict
    where it does not run.
    """
    spool = Spool(f"exec-{request.name}")
    title = f"{request.name}: {shlex.join(request.command)}"
    operation: Execution = Operation(
        f"command in {request.name}",
        LogState(title=title, where=engine.name, spool=spool.path, following=True),
        apply_logs,
        conclude=lambda last, code: _conclude(request, container, last, code),
    )
    return operation.start_thread(lambda progress: _run(engine, container, request, spool, progress))


def _conclude(request: ExecRequest, container: str, state: LogState, code: int) -> ExecResult:
    by_stream = {stream: "\n".join(line.text for line in state.lines if line.stream == stream)
                 for stream in ("stdout", "stderr")}  # fmt: skip
    command = shlex.join(["docker", "exec", container, *request.command])
    result = ExecResult(code, by_stream["stdout"], by_stream["stderr"], state.spool, command)
    if code:
        raise CommandFailed(
            f"{shlex.join(request.command)} in {request.name} ended with exit code {code}.",
            exit_code=code,
            output=result.output or result.errors,
        )
    return result


def _run(engine: Engine, container: str, request: ExecRequest, spool: Spool, progress: Progress[LogEvent]) -> int:
    http = engine.http()
    body = {
        "AttachStdin": request.stdin is not None,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": request.tty,
        "Cmd": list(request.command),
    }
    made = str(http.json("POST", f"/containers/{quoted(container)}/exec", body=body)["Id"])
    stream, _ = http.hijack(f"/exec/{made}/start", body={"Detach": False, "Tty": request.tty})
    progress.on_stop(stream.close)
    timer = threading.Timer(request.timeout, stream.close) if request.timeout > 0 else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    progress.tell(LogSource(request.name, open=True))
    try:
        with stream:
            if request.stdin is not None:
                threading.Thread(target=_send, args=(stream, request.stdin), daemon=True).start()
            _follow(stream, request, spool, progress)
    finally:
        spool.close()
        if timer is not None:
            timer.cancel()
    state = http.json("GET", f"/exec/{made}/json")
    if state.get("Running"):
        raise ApiError(f"The command in {request.name} did not end within {request.timeout:g} s.", reason="Timeout")
    progress.tell(LogSource(request.name, open=False))
    progress.tell(LogEnded())
    return int(state.get("ExitCode") or 0)


def _send(stream: Stream, data: bytes) -> None:
    from contextlib import suppress  # noqa: PLC0415 - seldom

    with suppress(OSError):  # the command ended without reading it all
        stream.sendall(data)
        stream.shutdown_write()


def _follow(stream: Stream, request: ExecRequest, spool: Spool, progress: Progress[LogEvent]) -> None:
    frames, lines = Frames(raw=request.tty), Lines(request.name)
    recorder = Recorder(progress, spool)
    try:
        while data := stream.recv():
            pieces = list(frames.feed(data))
            found = [line for source, piece in pieces for line in lines.feed(source, piece)]
            recorder.add(found, b"".join(piece for _, piece in pieces))
    finally:
        recorder.add(lines.end(), b"")
