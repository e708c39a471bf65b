"""A command in a running container."""

from __future__ import annotations

import secrets
import shlex
import threading
import time
from collections.abc import Callable
from contextlib import closing

from nbcontainer.byte_stream import Stream
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.exec_end import end_command
from nbcontainer.engines.http import Http, quoted
from nbcontainer.engines.objects import made_id
from nbcontainer.engines.output import UnreadInput, follow_output, send_input
from nbcontainer.engines.silence import Silence, patience
from nbcontainer.errors import ApiError, CommandFailed, EngineUnavailable
from nbcontainer.json_objects import JsonObject, number_of, object_of, value_of
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_reading import output_of
from nbcontainer.model.logs import OUTPUT_BYTES, LogEnded, LogEvent, LogGap, LogSource, LogState, ended_with
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.model.pods import ExecRequest, ExecResult
from nbcontainer.operation import Progress

END_SECONDS = 1.0  # between the end of a command's output and the engine's report that it has ended
PAUSE_SECONDS = 0.1  # between two requests for it
KEEPS_RUNNING_API = (1, 42)  # of Docker 23.0
LOST_CODE = 126  # a command may also exit with it by itself; what it did is as unclear then
BROKEN = "the connection ended before the command: its output after that is missing"
MARK = "NBCONTAINER_EXEC"  # the environment variable by which a command is found again

Execution = LogOperation[ExecResult]


def execute(engine: Engine, container: str, request: ExecRequest) -> Execution:
    """Run `request.command` in `container`; its output comes as log lines while it runs.

    The operation raises CommandFailed where the exit code is not 0, NotFound where there is no such container, Conflict
    where it is not running.
    """
    writer = LogWriter(f"exec-{request.name}")
    title = f"{request.name}: {shlex.join(request.command)}"
    operation: Execution = LogOperation(
        f"command in {request.name}",
        LogState(title=title, where=engine.name, spool=writer.path, followed=True),
        conclude=lambda last, code: _conclude(engine, request, container, last, code),
        final_event=lambda: LogEnded(Outcome.STOPPED),
    )

    def work(progress: Progress[LogEvent]) -> int:
        writer.report_to(progress)
        try:
            with closing(writer):
                code = _run(engine, container, request, writer, progress)
        except BaseException as error:
            progress.emit(LogEnded(*outcome_of(error, stopped=progress.stopping)))
            raise
        progress.emit(ended_with(code))
        return code

    return operation.start_thread(work)


def _conclude(engine: Engine, request: ExecRequest, container: str, state: LogState, code: int) -> ExecResult:
    (output, hidden), (errors, more) = (output_of(state, OUTPUT_BYTES, stream) for stream in ("stdout", "stderr"))
    stdin = ["-i"] * (request.stdin is not None)
    command = engine.commands.command("exec", *stdin, container, *request.command)
    result = ExecResult(code, output, errors, state.spool, command, hidden + more, state.gaps)
    if code:
        raise CommandFailed(
            f"{request.command[0]} in {request.name} ended with exit code {code}.",
            exit_code=code,
            output=result.output or result.errors,
            cure=f"{engine.name} also gives this exit code to a command whose connection broke."
            if code == LOST_CODE and _ends_what_loses_its_connection(engine)
            else "",
        )
    return result


def _run(engine: Engine, container: str, request: ExecRequest, writer: LogWriter, progress: Progress[LogEvent]) -> int:
    http = engine.http()
    mark = secrets.token_hex(12)
    body = {
        "AttachStdin": request.stdin is not None,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": request.tty,
        "Cmd": list(request.command),
        "Env": [f"{MARK}={mark}"],
    }
    made = made_id(http.json("POST", f"/containers/{quoted(container)}/exec", body=body))
    stream, _ = http.hijack(f"/exec/{made}/start", body={"Detach": False, "Tty": request.tty}, on_open=progress.on_stop)
    _watch_silence(stream, http, made, lambda note: writer.emit(LogSource(request.name, open=True, note=note)))
    deadline = _Deadline(request.timeout, stream.close)
    writer.emit(LogSource(request.name, open=True))
    takes_input = engine.is_podman and bool(request.stdin)
    unread = UnreadInput(expected=takes_input)
    try:
        with stream:
            if request.stdin is not None:
                send_input(stream, request.stdin)
            whole = follow_output(stream, request.name, writer, unread, raw=request.tty)
        gap = UnreadInput.GAP if unread.seen or (takes_input and stream.was_reset) else BROKEN
        state = _state_at_end(http, made, deadline, writer, whole=whole, gap=gap, stopping=lambda: progress.stopping)
    finally:
        deadline.cancel()
    if state.get("Running"):
        note = end_command(http, container, made, f"{MARK}={mark}")
        writer.emit(LogSource(request.name, open=False, note=note))
        raise ApiError(
            f"The command in {request.name} did not end within {request.timeout:g} s" + (f"; {note}." if note else "."),
            reason="Timeout",
        )
    writer.emit(LogSource(request.name, open=False))
    code = number_of(state, "ExitCode")
    if not whole and code == LOST_CODE and _ends_what_loses_its_connection(engine):
        raise EngineUnavailable(
            f"The connection to {engine.name} was lost, which also ended the command in {request.name}.",
            tried=(engine.address,),
            cure="Run it again; what it wrote before is kept.",
        )
    return code


def _watch_silence(stream: Stream, http: Http, made: str, note: Callable[[str], None]) -> None:
    """Check a silent command: no engine keeps its output, so all that can be known is whether it has ended."""
    began, frozen = time.monotonic(), list[float]()

    def has_ended() -> bool | None:
        if not value_of(http.json("GET", f"/exec/{made}/json", timeout=patience()), "Running"):
            return True
        if http.froze > began and not frozen:
            frozen.append(http.froze)
            say("another connection to the engine froze: output may no longer arrive")
        return None

    def say(words: str) -> None:
        note(f"{words}; the command is still running")

    Silence(stream, http.check_alive, has_ended, say, after=0.0)


def _ends_what_loses_its_connection(engine: Engine) -> bool:
    """Whether the engine kills a command whose client has gone, and reports an exit code: Docker 20.10 does."""
    version = tuple(int(number) for number in engine.capabilities.api_version.split("."))
    return not engine.is_podman and version < KEEPS_RUNNING_API


class _Deadline:
    """Ends an output after a number of seconds; 0 means never."""

    def __init__(self, seconds: float, end: Callable[[], None]) -> None:
        self.over = threading.Event()
        self._end = end
        self._timer = threading.Timer(seconds, self._pass) if seconds > 0 else None
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def _pass(self) -> None:
        self.over.set()
        self._end()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _state_at_end(
    http: Http,
    made: str,
    deadline: _Deadline,
    writer: LogWriter,
    *,
    whole: bool,
    gap: str,
    stopping: Callable[[], bool],
) -> JsonObject:
    """The command's state, once it has ended or its time is up.

    If it outlives its output, or that ended within a frame, the connection broke. No engine keeps the output of an
    exec, so a note says that some may be missing.
    """
    started, noted = time.monotonic(), False
    while True:
        state = object_of(http.json("GET", f"/exec/{made}/json"))
        outlives = bool(state.get("Running")) and time.monotonic() - started > END_SECONDS
        if (outlives or not whole) and not (noted or deadline.over.is_set() or stopping()):
            noted = True
            writer.emit(LogGap(gap))
        if not state.get("Running") or stopping() or deadline.over.wait(1.0 if noted else PAUSE_SECONDS):
            return state
