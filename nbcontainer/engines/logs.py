"""Logs of containers, whole or followed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from nbcontainer.engines.log_follow import FollowedLog, WholeLog
from nbcontainer.engines.output import Lines, Recorder
from nbcontainer.errors import NbcontainerError, UsageError
from nbcontainer.model.logs import (
    LogEnded,
    LogEvent,
    LogGap,
    LogLine,
    LogRequest,
    LogResult,
    LogSource,
    LogState,
    apply_logs,
)
from nbcontainer.model.logs_spool import encode_lines
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.operation import Operation, Progress
from nbcontainer.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.engines.connection import Engine


def logs(engine: Engine, request: LogRequest, *, notes: Sequence[str] = ()) -> Operation[LogEvent, LogState, LogResult]:
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
    spool = Spool(f"logs-{title}")
    state = LogState(
        title=title,
        where=engine.name,
        spool=spool.path,
        followed=request.follow,
        timestamps=request.timestamps,
        sources=dict.fromkeys(request.names, True),
    )
    command = _command(engine, request)
    operation: Operation[LogEvent, LogState, LogResult] = Operation(
        f"log of {title}",
        state,
        apply_logs,
        endless=request.follow,
        conclude=lambda last, _: LogResult(last, command),
        final_event=lambda: LogEnded(Outcome.STOPPED),
    )

    def read(progress: Progress[LogEvent]) -> None:
        for note in notes:
            progress.emit(LogSource("", open=True, note=note))
        try:
            _read_all(engine, request, spool, progress)
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


def _read_all(engine: Engine, request: LogRequest, spool: Spool, progress: Progress[LogEvent]) -> None:
    recorder = Recorder(progress, spool)
    readers = [_Reader(engine, name, request, recorder, progress) for name in request.names]
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
        spool.close()
    errors = [reader.error for reader in readers if reader.error is not None]
    if errors:
        raise errors[0]


class _Reader:
    """One container's log."""

    def __init__(
        self, engine: Engine, name: str, request: LogRequest, recorder: Recorder, progress: Progress[LogEvent]
    ) -> None:
        self._engine, self._name, self._request = engine, name, request
        self._recorder, self._progress = recorder, progress
        self._timed_out = False
        self._timer: threading.Timer | None = None
        self.error: NbcontainerError | None = None

    def open(self) -> None:
        request = self._request
        query = {
            "stdout": True,
            "stderr": True,
            "follow": request.follow,
            "timestamps": request.timestamps,
            "since": f"{time.time() - request.since:.9f}" if request.since else None,
            "tail": request.tail if request.tail >= 0 else "all",
        }
        on_open = self._progress.on_stop
        self._lines = Lines(self._name, stamped=request.timestamps or request.follow)
        if request.follow:
            self._log: FollowedLog | WholeLog = FollowedLog(self._engine, self._name, query, on_open, self._note)
        else:
            self._log = WholeLog(self._engine, self._name, query, on_open)
        if request.follow and request.duration > 0:
            self._timer = threading.Timer(request.duration, self._time_out)
            self._timer.daemon = True
            self._timer.start()

    def _note(self, text: str, is_gap: bool) -> None:  # noqa: FBT001 - passed as a function
        self._progress.emit(LogGap(text) if is_gap else LogSource(self._name, open=True, note=text))

    def _time_out(self) -> None:
        self._timed_out = True
        self._log.close()

    def read(self) -> None:
        """Read to the end; a failure is kept in `error`."""
        try:
            while pieces := self._log.read():
                self._emit([line for stream, piece in pieces for line in self._lines.feed(stream, piece)])
        except NbcontainerError as error:
            if not self._timed_out and not self._progress.stopping:
                self.error = error
        self._emit(self._lines.end())
        self._progress.emit(LogSource(self._name, open=False, note=str(self.error.message) if self.error else ""))

    def _emit(self, lines: list[LogLine]) -> None:
        self._recorder.add(lines, encode_lines(lines))

    def close(self) -> None:
        """Close the stream, if it was opened."""
        if self._timer is not None:
            self._timer.cancel()
        if hasattr(self, "_log"):
            self._log.close()
