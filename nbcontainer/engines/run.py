"""A command in a new container: `docker run`, from a missing image to the exit code."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from nbcontainer.engines.config import proxies
from nbcontainer.engines.containers import KILLED, SHORT_ID, inspect, list_containers
from nbcontainer.engines.exit_code import ExitCode, wait_for_exit
from nbcontainer.engines.failures import plain
from nbcontainer.engines.images import inspect as inspect_image
from nbcontainer.engines.images import pull
from nbcontainer.engines.objects import made_id
from nbcontainer.engines.output import send_input
from nbcontainer.engines.run_failures import name_in_use, start_failed
from nbcontainer.engines.run_output import RunOutput
from nbcontainer.engines.run_request import creation, is_image_id, run_words
from nbcontainer.errors import (
    ApiError,
    CommandFailed,
    Conflict,
    EngineUnavailable,
    NbcontainerError,
    NotFound,
    Stopped,
)
from nbcontainer.json_objects import object_of, text_of, words_of
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.containers import ContainerFacts, RunRequest, RunResult
from nbcontainer.model.log_reading import output_of
from nbcontainer.model.logs import OUTPUT_BYTES, LogEnded, LogEvent, LogSource, LogState, ended_with
from nbcontainer.model.outcome import Outcome, outcome_of

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine
    from nbcontainer.operation import Progress

Run = LogOperation[RunResult]

GRACE_SECONDS = 0.3  # for a command to end by itself when it is stopped
CLEAN_UP_SECONDS = 10.0  # for one call
CLEAN_UP_PATIENCE = 120.0  # for an engine that does not answer
CLEAN_UP_PAUSE = 1.0


def run(engine: Engine, request: RunRequest, finish: Callable[[RunResult], RunResult] | None = None) -> Run:
    """Run a command in a new container.

    With `detach` the result is there as soon as it has started. Else its output is emitted as it arrives, and a stop
    gives the command its stop signal and a third of a second, then kills it. A missing image is pulled first.

    Args:
        engine: where.
        request: what.
        finish: makes of the result what the caller returns.

    Raises:
        UsageError: a value of the request is not valid.

    The operation raises CommandFailed when the command's exit code is not 0, NotFound for an image that cannot be
    pulled, Conflict for a name in use, ApiError where the engine refuses, EngineUnavailable where it goes away.
    """
    body = creation(request, proxies(engine.address))
    command = engine.commands.command(*run_words(request))
    writer = None if request.detach else LogWriter(f"run-{request.name or request.image}")
    state = LogState(
        title=request.name or request.image, where=engine.name, spool=writer.path if writer else "", followed=True
    )
    operation: Run = LogOperation(
        f"run of {request.image}",
        state,
        conclude=lambda last, made: (finish or _as_it_is)(_run_result(last, made, command, request)),
        final_event=lambda: LogEnded(Outcome.STOPPED),
    )
    return operation.start_thread(lambda progress: _Runner(engine, request, body, writer, progress).run())


def _as_it_is(result: RunResult) -> RunResult:
    return result


def _run_result(state: LogState, made: tuple[str, str, int | None], command: str, request: RunRequest) -> RunResult:
    container, name, exit_code = made
    output, _ = output_of(state, OUTPUT_BYTES)
    result = RunResult(container, name, exit_code, output, state.spool, command, state.total, state.gaps)
    if exit_code:
        why = " (killed: it ran out of memory, or it was stopped)" if exit_code == KILLED else ""
        # a name that the engine made up leads nowhere once its container has been removed
        who = request.image if request.remove and not request.name else name
        raise CommandFailed(
            f"{who} ended with exit code {exit_code}{why}.",
            exit_code=exit_code,
            output=result.output,
            cure=f"Its whole output is in {state.spool}." if result.hidden_lines and not state.spool_note else "",
        )
    return result


class _Runner:
    """One `docker run`, from the missing image to the exit code."""

    def __init__(
        self,
        engine: Engine,
        request: RunRequest,
        body: Mapping[str, object],
        writer: LogWriter | None,
        progress: Progress[LogEvent],
    ) -> None:
        self._engine, self._request, self._body = engine, request, body
        self._http = engine.http()
        self._writer, self._progress = writer, progress

    def run(self) -> tuple[str, str, int | None]:
        """Id, name, and exit code."""
        if self._writer is None:
            return self._run()
        self._writer.report_to(self._progress)
        try:
            with closing(self._writer):
                made = self._run()
        except BaseException as error:
            outcome, _ = outcome_of(error, stopped=self._progress.stopping)
            self._progress.emit(LogEnded(outcome))  # the error says why
            raise
        self._progress.emit(ended_with(made[2]))
        return made

    def _run(self) -> tuple[str, str, int | None]:
        request = self._request
        if request.pull == "always":
            self._pull()
        try:
            container = self._create()
        except NotFound:
            if request.pull != "missing" or is_image_id(request.image) or self._has_image():
                raise
            self._pull()
            container = self._create()
        ended = lost_sight = False
        try:
            self._check_stop()
            name = (text_of(inspect(self._engine, container), "Name") or container[:SHORT_ID]).removeprefix("/")
            if self._writer is None:
                self._start(container)
                exit_code = None
                self._check_stop()  # a container that was started while the call was being stopped does not run on
            else:
                exit_code = self._attached(container, name, self._writer)
            ended = True
        except (EngineUnavailable, ApiError) as error:
            if isinstance(error, ApiError) and not _is_lost(error):
                found = self._start_failed(error)
                if found is error:
                    raise
                raise found from error
            lost_sight = not self._progress.stopping
            raise self._out_of_sight(error, container) if lost_sight else error from None
        finally:
            if not ended:
                self._clean_up(container, running=not lost_sight)
        return container, name, exit_code

    def _has_image(self) -> bool:
        """Whether the image is there: then it was something else that was not found, such as a container to join."""
        if self._request.platform:
            return False  # it may be there for another one
        try:
            inspect_image(self._engine, self._request.image)
        except NotFound:
            return False
        return True

    def _pull(self) -> None:
        image = self._request.image
        self._progress.emit(LogSource("", open=True, note=f"pulling {image}"))
        operation = pull(self._engine, image, platform=self._request.platform)
        self._progress.on_stop(operation.stop)
        operation.result()
        self._check_stop()
        self._progress.emit(LogSource("", open=False, note=f"pulled {image}"))

    def _check_stop(self) -> None:
        """Raise once a stop is requested."""
        if self._progress.stopping:
            raise Stopped(f"The run of {self._request.image} was stopped.")

    def _create(self) -> str:
        """Create the container. This call is waited for even after a stop: only its reply says what to remove."""
        query = {"name": self._request.name or None, "platform": self._request.platform or None}
        try:
            made = self._http.json("POST", "/containers/create", query=query, body=self._body)
        except Conflict as error:
            raise name_in_use(self._engine, error, self._request.name) from error
        except (EngineUnavailable, ApiError) as error:
            raise _maybe_created(error) from error
        for warning in words_of(made, "Warnings"):
            self._progress.emit(LogSource("", open=True, note=plain(warning)))
        return made_id(made)

    def _start(self, container: str) -> None:
        self._http.call("POST", f"/containers/{container}/start")

    def _start_failed(self, error: ApiError) -> NbcontainerError:
        others: list[ContainerFacts] = []
        with contextlib.suppress(NbcontainerError):
            others = list_containers(self._engine)
        return start_failed(error, self._engine, self._request, others)

    def _attached(self, container: str, name: str, writer: LogWriter) -> int:
        """Attach first, then wait, then start, to miss nothing of a short command."""
        query = {"stream": True, "stdout": True, "stderr": True, "stdin": self._request.stdin is not None}
        on_stop = self._progress.on_stop
        stream, _ = self._http.hijack(f"/containers/{container}/attach", query=query, on_open=on_stop)
        # Podman 4.3 reports 0 for a container that it has already removed
        condition = "removed" if self._request.remove and not self._engine.is_podman else "next-exit"
        with (
            stream,
            wait_for_exit(self._engine, f"/containers/{container}", condition, on_stop) as waiting,
        ):
            self._check_stop()
            self._start(container)
            writer.emit(LogSource(name, open=True))
            sent = send_input(stream, self._request.stdin) if self._request.stdin is not None else None
            again = condition if condition == "removed" else "not-running"
            code = ExitCode(self._engine, f"/containers/{container}", waiting, again, self._progress)
            output = RunOutput(self._engine, container, name, writer, self._progress)
            remains = not self._request.remove and self._request.restart in ("", "no")
            exit_code = output.follow(stream, code, remains=remains, auto_removed=self._request.remove, sent=sent)
        if self._request.remove and condition != "removed":
            with contextlib.suppress(NbcontainerError):  # Podman is about to do it; its name must be free now
                self._http.call("DELETE", f"/containers/{container}", query={"force": True, "v": True})
        writer.emit(LogSource(name, open=False))
        return exit_code

    def _out_of_sight(self, error: EngineUnavailable | ApiError, container: str) -> EngineUnavailable:
        """The error where the engine went away: what runs there keeps running, as when docker loses its engine."""
        name = self._request.name or container[:SHORT_ID]
        follow = self._engine.commands.magic("logs", "-f", name)
        return EngineUnavailable(
            f"{error.message} If {name} was started, it keeps running.",
            tried=getattr(error, "tried", ()),
            cure=f"Check whether the engine is still running: `%nbcontainer doctor`; then {follow}, or stop it.",
        )

    def _clean_up(self, container: str, *, running: bool) -> None:
        """Stop the container, unless not `running`; remove one that never ran, or was to be removed.

        After a stop, a call to an engine that does not answer is repeated for a while; nothing waits for it.
        """
        deadline = time.monotonic() + (CLEAN_UP_PATIENCE if self._progress.stopping else 0.0)
        while True:
            try:
                return self._end(container, running=running)
            except NotFound:
                return None
            except NbcontainerError:
                if time.monotonic() > deadline:
                    return None
                time.sleep(CLEAN_UP_PAUSE)

    def _end(self, container: str, *, running: bool) -> None:
        patience = CLEAN_UP_SECONDS
        path = f"/containers/{container}"
        found = self._http.json("GET", f"{path}/json", timeout=patience)
        state = object_of(found, "State")
        was_started = state.get("Status") not in ("created", "configured")
        if was_started and not running:
            return
        if state.get("Running") and self._writer is not None:  # a detached one has only just started
            with contextlib.suppress(ApiError):  # it does not end by itself
                signal = text_of(found, "Config", "StopSignal") or "SIGTERM"
                self._http.call("POST", f"{path}/kill", query={"signal": signal}, timeout=GRACE_SECONDS)
                self._http.call("POST", f"{path}/wait", query={"condition": "not-running"}, timeout=GRACE_SECONDS)
        if not was_started or self._request.remove:
            self._http.call("DELETE", path, query={"force": True, "v": True}, timeout=patience)
        else:  # even one that has ended, so that its restart policy does not start it again
            self._http.call("POST", f"{path}/stop", query={"t": 0}, timeout=patience)


def _is_lost(error: NbcontainerError) -> bool:
    """Whether a request was sent and no reply came: it may have taken effect."""
    return isinstance(error, EngineUnavailable) or (isinstance(error, ApiError) and error.reason == "timeout")


def _maybe_created(error: EngineUnavailable | ApiError) -> EngineUnavailable | ApiError:
    """The error of a call that creates a container; it says so where that may exist, though its id is not known."""
    if not _is_lost(error) or isinstance(error.__cause__, (ConnectionRefusedError, FileNotFoundError)):
        return error
    return EngineUnavailable(
        f"{error.message} It may have created the container, but has not started it.",
        tried=getattr(error, "tried", ()),
        cure=f"{error.cure}; `%docker ps -a` lists what is there.".removeprefix("; "),
    )
