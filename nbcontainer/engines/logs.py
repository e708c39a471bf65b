"""Logs of containers, whole or followed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from nbcontainer.engines.log_follow import FollowedLog, WholeLog
from nbcontainer.errors import NbcontainerError, UsageError
from nbcontainer.logs.line_filter import LineFilter
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_patterns import pattern_of
from nbcontainer.model.logs import LogEnded, LogEvent, LogGap, LogRequest, LogResult, LogSource, LogState
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.model.timestamps import seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.engines.connection import Engine
    from nbcontainer.operation import Progress


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
    filters = request.include or request.exclude
    pattern_of(request.highlight, "--highlight")
    writer = LogWriter(f"logs-{title}", LineFilter(request.include, request.exclude) if filters else None)
    state = LogState(
        title=title,
        where=engine.name,
        spool=writer.path,
        followed=request.follow,
        timestamps=request.timestamps,
        highlight=request.highlight,
        prefix=request.prefix,
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
    words += ["--since", request.since_time] if request.since_time else []
    words += ["--until", request.until_time] if request.until_time else []
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


class _Reader:
    """One container's log."""

    def __init__(
        self, engine: Engine, name: str, request: LogRequest, writer: LogWriter, progress: Progress[LogEvent]
    ) -> None:
        self._engine, self._name, self._request = engine, name, request
        self._writer, self._progress = writer, progress
        stamped = request.timestamps or request.follow
        self._channels = {stream: writer.channel(name, stream, stamped=stamped) for stream in ("stdout", "stderr")}
        self._timed_out = False
        self._timer: threading.Timer | None = None
        self.error: NbcontainerError | None = None

    def open(self) -> None:
        request = self._request
        since = time.time() - request.since if request.since else seconds_of(request.since_time)
        query = {
            "stdout": True,
            "stderr": True,
            "follow": request.follow,
            "timestamps": request.timestamps,
            "since": f"{since:.9f}" if since else None,
            "until": f"{seconds_of(request.until_time):.9f}" if request.until_time else None,
            "tail": request.tail if request.tail >= 0 else "all",
        }
        on_open = self._progress.on_stop
        if request.follow:
            self._log: FollowedLog | WholeLog = FollowedLog(self._engine, self._name, query, on_open, self._note)
        else:
            self._log = WholeLog(self._engine, self._name, query, on_open)
        if request.follow and request.duration > 0:
            self._timer = threading.Timer(request.duration, self._time_out)
            self._timer.daemon = True
            self._timer.start()

    def _note(self, text: str, is_gap: bool) -> None:  # noqa: FBT001 - passed as a function
        self._writer.emit(LogGap(text) if is_gap else LogSource(self._name, open=True, note=text))

    def _time_out(self) -> None:
        self._timed_out = True
        self._log.close()

    def read(self) -> None:
        """Read to the end; a failure is kept in `error`."""
        try:
            while pieces := self._log.read():
                for stream, data in pieces:
                    self._channels[stream].feed(data)
        except NbcontainerError as error:
            if not self._timed_out and not self._progress.stopping:
                self.error = error
        for channel in self._channels.values():
            channel.finish()
        self._writer.emit(LogSource(self._name, open=False, note=str(self.error.message) if self.error else ""))

    def close(self) -> None:
        """Close the stream, if it was opened."""
        if self._timer is not None:
            self._timer.cancel()
        if hasattr(self, "_log"):
            self._log.close()
