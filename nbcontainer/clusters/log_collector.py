"""Collects the lines of all sources' readers: emits them in batches, at most 20 times a second, and spools them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbcontainer.model.events import SpoolCut
from nbcontainer.model.logs import LogEvent, LogLine, LogLines, LogSource

if TYPE_CHECKING:
    from nbcontainer.operation import Progress
    from nbcontainer.spool import Spool

BACKLOG = 64  # batches that a late listener still gets; each may hold thousands of lines
BATCH_SECONDS = 0.05
BATCH_LINES = 10_000  # a full batch is emitted at once, which bounds the memory


class Collector:
    """Gathers lines into batches, on the background loop."""

    def __init__(self, progress: Progress[LogEvent], spool: Spool) -> None:
        self._progress = progress
        self._spool = spool
        spool.when_cut(lambda note: progress.emit(SpoolCut(note)))
        self._lines: list[LogLine] = []
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0

    def add(self, lines: list[LogLine], spooled: bytes) -> None:
        """Add lines, and the bytes that the spool file gets for them."""
        if spooled:
            self._spool.write(spooled)
        if not lines:
            return
        self._lines += lines
        now = self._loop.time()
        if len(self._lines) >= BATCH_LINES or now - self._last >= BATCH_SECONDS:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_at(self._last + BATCH_SECONDS, self.flush)

    def emit(self, event: LogSource) -> None:
        """Emit a source's event, after the lines that came before it."""
        self.flush()
        self._progress.emit(event)

    def flush(self) -> None:
        """Emit all waiting lines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            self._last = self._loop.time()
            self._spool.flush()
            self._progress.emit(LogLines(tuple(lines)))

    def close(self) -> None:
        """Emit the waiting lines, and finish the spool file."""
        self.flush()
        self._spool.close()
