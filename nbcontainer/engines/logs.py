"""Logs of containers, whole or followed."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer.engines.containers import inspect
from nbcontainer.engines.http import quoted
from nbcontainer.engines.output import Frames, LineParts, Pace
from nbcontainer.errors import ApiError, NbcontainerError, UsageError
from nbcontainer.json_objects import JsonObject, text_of, value_of
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.logs import LogEnded, LogEvent, LogRequest, LogResult, LogSource, LogState
from nbcontainer.model.outcome import Outcome, outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.engines.connection import Engine
    from nbcontainer.operation import Progress

END_SECONDS = 1.0  # between the end of a log and the engine's report that the container has ended


def logs(engine: Engine, request: LogRequest, *, notes: Sequence[str] = ()) -> LogOperation[LogResult]:
    """The log of one or more containers, named by `request.names`; `notes` are emitted before it.

    It ends with the log's end; when following, with the last container's end, after `duration` seconds, or by a stop.

    Raises:
        UsageError: no container is named.

    The operation raises NotFound where there is no such container.
    """
    if not request.names:
        raise UsageError("Whose log? Name a container.", cure=f"{engine.commands.magic('ps', '-a')} lists them.")
    if request.tail < -1 or request.since < 0 or request.duration < 0:
        raise UsageError(
            "`--tail`, `--since` and `--duration` cannot be negative.", cure="`--tail=-1` shows the whole log."
        )
    title = " ".join(request.names)
    writer = LogWriter(f"logs-{title}")
    state = LogState(
        title=title,
        where=engine.name,
        spool=writer.path,
        followed=request.follow,
        timestamps=request.timestamps,
        sources=dict.fromkeys(request.names, True),
    )
    command = _command(engine, request)
    operation: LogOperation[LogResult] = LogOperation(
        f"log of {title}",
        state,
        endless=request.follow,
        conclude=lambda last, _: LogResult(last, command),
        final_event=lambda: LogEnded(Outcome.STOPPED),
    )

    def read(progress: Progress[LogEvent]) -> None:
        writer.report_to(progress)
        for note in notes:
            writer.emit(LogSource("", open=True, note=note))
        try:
            _read_all(engine, request, writer, progress)
        except BaseException as error:
            progress.emit(LogEnded(*outcome_of(error, stopped=progress.stopping)))
            raise
        progress.emit(LogEnded())

    return operation.start_thread(read)


def _command(engine: Engine, request: LogRequest) -> str:
    words = ["--follow"] * request.follow + ["--timestamps"] * request.timestamps
    words += ["--since", f"{request.since:g}s"] if request.since else []
    words += ["--tail", str(request.tail)] if request.tail >= 0 else []
    return "; ".join(engine.commands.command("logs", *words, name) for name in request.names)


def _read_all(engine: Engine, request: LogRequest, writer: LogWriter, progress: Progress[LogEvent]) -> None:
    readers = [_Reader(engine, name, request, writer, progress) for name in request.names]
    try:
        for reader in readers:
            reader.open()  # here, so that a wrong name is an error at once
        if len(readers) > 1 and request.follow:
            threads = [threading.Thread(target=reader.read, daemon=True) for reader in readers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            for reader in readers:
                reader.read()
    finally:
        for reader in readers:
            reader.close()
        writer.close()
    errors = [reader.error for reader in readers if reader.error is not None]
    if errors:
        raise errors[0]


def _began(found: JsonObject) -> str:
    """When a running container was started; "" where it is not running."""
    return text_of(found, "State", "StartedAt") if value_of(found, "State", "Running") else ""


class _Reader:
    """One container's log."""

    def __init__(
        self, engine: Engine, name: str, request: LogRequest, writer: LogWriter, progress: Progress[LogEvent]
    ) -> None:
        self._engine, self._name, self._request = engine, name, request
        self._writer, self._progress = writer, progress
        self._channels = {
            stream: writer.channel(name, stream, stamped=request.timestamps) for stream in ("stdout", "stderr")
        }
        self._timed_out = False
        self._timer: threading.Timer | None = None
        self.error: NbcontainerError | None = None

    def open(self) -> None:
        request = self._request
        found = inspect(self._engine, self._name)
        self._began = _began(found)
        self._frames = Frames(
            raw=bool(value_of(found, "Config", "Tty")),
            parts=partial(LineParts, same_stamp=not self._engine.is_podman) if request.timestamps else None,
        )
        query = {
            "stdout": True,
            "stderr": True,
            "follow": request.follow,
            "timestamps": request.timestamps,
            "since": f"{time.time() - request.since:.9f}" if request.since else None,
            "tail": request.tail if request.tail >= 0 else "all",
        }
        self._stream = self._engine.http().stream(
            "GET", f"/containers/{quoted(self._name)}/logs", query=query, on_open=self._progress.on_stop
        )
        if request.follow and request.duration > 0:
            self._timer = threading.Timer(request.duration, self._time_out)
            self._timer.daemon = True
            self._timer.start()

    def _time_out(self) -> None:
        self._timed_out = True
        self._stream.close()

    def read(self) -> None:
        """Read to the end; a failure is kept in `error`."""
        try:
            self._read()
            over = self._timed_out or self._progress.stopping
            if not over and (self._frames.broken or (self._request.follow and self._goes_on())):
                cure = "See the rest with `%docker logs`." if self._frames.broken else "Follow it again."
                raise ApiError(f"The log of {self._name} broke off.", reason="broken stream", cure=cure)
        except NbcontainerError as error:
            if not self._timed_out and not self._progress.stopping:
                self.error = error
        for channel in self._channels.values():
            channel.finish()
        self._writer.emit(LogSource(self._name, open=False, note=str(self.error.message) if self.error else ""))

    def _read(self) -> None:
        pace = Pace()
        while pieces := self._stream.pieces():
            for stream, data in self._frames.feed(*pieces):
                self._channels[stream].feed(data)
            pace.wait(sum(map(len, pieces)))

    def _goes_on(self) -> bool:
        """Whether the container has been running since its log was opened: then this was not the log's end."""
        if not self._began:
            return False
        with contextlib.suppress(ApiError):  # it was removed, or did not end within this time
            path = f"/containers/{quoted(self._name)}/wait"
            self._engine.http().call("POST", path, query={"condition": "not-running"}, timeout=END_SECONDS)
            return False
        try:
            return _began(inspect(self._engine, self._name)) == self._began  # otherwise it was restarted
        except ApiError:
            return False

    def close(self) -> None:
        """Close the stream, if it was opened."""
        if self._timer is not None:
            self._timer.cancel()
        if hasattr(self, "_stream"):
            self._stream.close()
