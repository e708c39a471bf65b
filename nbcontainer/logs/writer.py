"""What commands and containers write: from bytes to a log's files and to chunks of lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.logs.cutter import Cut, LineCutter, Piece
from nbcontainer.model.events import SpoolCut
from nbcontainer.model.log_file import (
    END,
    INDEX_SUFFIX,
    LINES,
    PART,
    RECORD_BYTES,
    STAMPED,
    STREAMS,
    Record,
    packed_name,
)
from nbcontainer.model.log_lines import LONGEST_LINE, LogChunk, Stamps, count_lines
from nbcontainer.model.logs import LogEvent, LogLines, LogUnfinished
from nbcontainer.model.timestamps import LONGEST_STAMP
from nbcontainer.operation.background import background_loop
from nbcontainer.spool import Spool

if TYPE_CHECKING:
    from nbcontainer.logs.line_filter import LineFilter
    from nbcontainer.operation import Progress

BATCH_SECONDS = 0.05  # chunks are passed on at most 20 times a second, unless there is more than …
BATCH_BYTES = 256 * 1024
UNFINISHED_BYTES = 8 * 1024  # of the end of a line that has not ended, to be shown


class _Frame:
    """What has arrived of one channel, with nothing of another between."""

    def __init__(self, channel: Channel, cut: Cut, data: bytes, time: float) -> None:
        self.channel, self.cut, self.parts, self.size, self.time = channel, cut, [data], len(data), time


class _Batch:
    """What is made of the waiting frames: bytes for the two files, and chunks to pass on."""

    def __init__(self) -> None:
        self.text: list[bytes] = []
        self.records: list[bytes] = []
        self.chunks: list[LogChunk] = []


class LogWriter:
    """Writes one log; threads may share it.

    Lines are passed on as chunks of bytes, a few times a second, after they were written to the files. What becomes of
    a log does not depend on its files, so nothing here raises; `Spool` says how.

    Args:
        name: the log's, for the name of its file.
        line_filter: which lines are written; None for all.

    Attributes:
        path: the file's, "" where it could not be made.
        total: how many lines were passed on.
    """

    def __init__(self, name: str, line_filter: LineFilter | None = None) -> None:
        self._lock = threading.RLock()
        self._filter = line_filter
        self._spool = Spool(name)
        self._index = self._spool.beside(INDEX_SUFFIX)
        self._take: Callable[[tuple[LogChunk, ...]], object] = lambda _chunks: None
        self._emit: Callable[[LogEvent], object] = lambda _event: None
        self._frames: list[_Frame] = []
        self._waiting = 0  # bytes
        self._sources: dict[str, int] = {}  # name → the number of its record
        self._records = self._offset = 0  # how many records, and bytes, there are
        self._last: Channel | None = None  # whose bytes are at the end of the file
        self._is_line_open = False  # whether these lack a line end
        self._flushed = 0.0
        self._is_timer_set = False
        self._open: Channel | None = None  # the latest whose last line has not ended
        self._told = b""  # of that line
        self.path = self._spool.path
        self.total = 0

    def start(self, take: Callable[[tuple[LogChunk, ...]], object], cut: Callable[[str], object]) -> None:
        """Pass chunks on to `take`; call `cut` with a note once the files cannot be written any further."""
        self._take = take
        is_told = False

        def tell(note: str) -> None:
            nonlocal is_told
            if not is_told:
                is_told = True
                cut(note)

        self._spool.when_cut(tell)
        self._index.when_cut(tell)

    def report_to(self, progress: Progress[LogEvent]) -> None:
        """Emit what is written as a log's events."""
        self._emit = progress.emit
        self.start(lambda chunks: progress.emit(LogLines(chunks)), lambda note: progress.emit(SpoolCut(note)))

    def emit(self, event: LogEvent) -> None:
        """Emit an event of the log, after the lines that came before it."""
        with self._lock:
            self.flush()
            self._emit(event)

    def channel(self, source: str, stream: str = "stdout", *, stamped: bool = False) -> Channel:
        """One stream of one source; `stamped` says whether each of its lines begins with a timestamp and a space."""
        return Channel(self, source, stream, stamped=stamped)

    def add(self, channel: Channel, pieces: Iterable[Piece], time_written: float = 0.0) -> None:
        """Take what a channel's cutter has cut; `time_written` in seconds since the epoch, if it is known."""
        with self._lock:
            if self._filter is not None:
                pieces = self._filter.keep(channel, pieces, stamped=channel.stamped)
            for cut, data in pieces:
                last = self._frames[-1] if self._frames else None
                if (
                    last is not None
                    and last.channel is channel
                    and last.cut is cut is Cut.LINES
                    and last.time == time_written
                    and last.size < BATCH_BYTES
                    and last.parts[-1].endswith(b"\n")
                ):
                    last.parts.append(data)
                    last.size += len(data)
                else:
                    self._frames.append(_Frame(channel, cut, data, time_written))
                self._waiting += len(data)
            if self._frames:
                self._flush_when_due()

    def add_runs(self, runs: Iterable[tuple[Channel, bytes]]) -> None:
        """Take whole lines of several channels, a few of each in turn: faster than a call of `add` for each."""
        with self._lock:
            for channel, lines in runs:
                pieces = [Piece(Cut.LINES, lines)]
                if self._filter is not None:
                    pieces = self._filter.keep(channel, pieces, stamped=channel.stamped)
                for cut, data in pieces:
                    self._frames.append(_Frame(channel, cut, data, 0.0))
                    self._waiting += len(data)
                if self._waiting >= BATCH_BYTES:
                    self.flush()
            if self._frames:
                self._flush_when_due()

    def _flush_when_due(self) -> None:
        now = time.monotonic()
        if self._waiting >= BATCH_BYTES or now - self._flushed >= BATCH_SECONDS:
            self.flush()
        else:
            self._set_timer(self._flushed + BATCH_SECONDS - now)

    def _set_timer(self, delay: float) -> None:
        if self._is_timer_set:
            return
        self._is_timer_set = True
        with suppress(RuntimeError):  # at the interpreter's exit; `close` flushes
            loop = background_loop()
            loop.call_soon_threadsafe(loop.call_later, delay, self._flush_soon)

    def _flush_soon(self) -> None:
        self._is_timer_set = False
        with self._lock:
            self.flush()
            self._tell_unfinished()

    def has_unfinished(self, channel: Channel) -> None:
        """A channel's last line has not ended; it is passed on a few times a second."""
        self._open = channel
        self._set_timer(BATCH_SECONDS)

    def _tell_unfinished(self) -> None:
        channel = self._open
        data = b"" if channel is None else channel.cutter.unfinished
        if channel is not None and data and data != self._told:
            self._emit(LogUnfinished(channel.unfinished_chunk(data)))
        self._told = data

    def flush(self) -> None:
        """Pass on all that is waiting."""
        with self._lock:
            self._flushed = time.monotonic()
            frames, self._frames, self._waiting = self._frames, [], 0
            if not frames:
                return
            batch = _Batch()
            for frame in frames:
                self._write(frame, batch)
            self._spool.write(b"".join(batch.text))
            self._spool.flush()
            if self._spool.whole:  # records never point to what the file does not have
                self._index.write(b"".join(batch.records))
                self._index.flush()
            if batch.chunks:
                self._take(tuple(batch.chunks))

    def _write(self, frame: _Frame, batch: _Batch) -> None:
        channel, data, lines = frame.channel, b"".join(frame.parts), self.total
        source = self._number_of(channel.source, batch)
        if data:
            self._separate(frame, batch)
        flags = STREAMS.index(channel.stream) | (STAMPED if channel.stamped else 0)
        count, first, last, offset = 0, frame.time, frame.time, self._offset
        if frame.cut is Cut.LINES:
            count = count_lines(data)
            if channel.stamped:
                first, last = channel.times(data)
        if data:
            kind = LINES if count else PART
            record = Record(kind, flags, source, lines, offset, len(data), count, first, last, len(data))
            self._add_record(record, batch)
            batch.text.append(data)
            self._offset += len(data)
            self._is_line_open = not data.endswith(b"\n")
        if frame.cut is Cut.LINES:
            chunk = LogChunk(channel.source, data, count, channel.stream, first, last, channel.stamped, len(data))
            batch.chunks.append(chunk)
            self.total += count
            return
        channel.long.take(data, offset)
        if frame.cut is Cut.END:
            place = channel.long.offset
            chunk = channel.end_long(frame.time)
            length = len(chunk.data)
            self._add_record(
                Record(END, flags, source, lines, place, length, 1, chunk.first, chunk.last, chunk.size), batch
            )
            batch.chunks.append(chunk)
            self.total += 1

    def _add_record(self, record: Record, batch: _Batch) -> None:
        batch.records.append(record.pack())
        self._records += 1

    def _number_of(self, source: str, batch: _Batch) -> int:
        """The number of the record with a source's name, which is added if there is none."""
        number = self._sources.get(source)
        if number is None:
            number = self._sources[source] = self._records
            names = packed_name(source, self.total)
            batch.records.append(names)
            self._records += len(names) // RECORD_BYTES
        return number

    def _separate(self, frame: _Frame, batch: _Batch) -> None:
        """For the people who read the file: end a line that has no end, and say whose the next ones are."""
        goes_on = frame.channel is self._last and frame.cut is not Cut.LINES and frame.channel.long.size > 0
        words = b"\n" if self._is_line_open and not goes_on else b""
        if self._last is not None and self._last.source != frame.channel.source:
            words += f"==> {' '.join(frame.channel.source.split())} <==\n".encode("utf-8", "replace")
        if words:
            batch.text.append(words)
            self._offset += len(words)
        self._last = frame.channel

    def close(self) -> None:
        """Pass on all that is waiting, and finish the files, which are kept."""
        with self._lock:
            self.flush()
            self._spool.close()
            self._index.close()
            self._take = lambda _chunks: None
            self._emit = lambda _event: None


class Channel:
    """One stream of one source. Only one thread feeds it."""

    def __init__(self, writer: LogWriter, source: str, stream: str, *, stamped: bool) -> None:
        self._writer, self.source, self.stream, self.stamped = writer, source, stream, stamped
        self._stamps = Stamps()
        self.cutter = LineCutter()
        self.long = _LongLine()
        self._last_written = 0.0

    def feed(self, data: bytes, time_written: float = 0.0) -> None:
        """Write what has arrived."""
        self._last_written = time_written
        self._writer.add(self, self.cutter.feed(data), time_written)
        if self.cutter.is_unfinished:
            self._writer.has_unfinished(self)

    def unfinished_chunk(self, data: bytes) -> LogChunk:
        """A chunk of the line that has not ended; of a long one only the end."""
        stamped = self.stamped and len(data) <= UNFINISHED_BYTES
        data = data[-UNFINISHED_BYTES:]
        return LogChunk(self.source, data, 1, self.stream, stamped=stamped, size=len(data))

    def finish(self) -> None:
        """Write the last line, if it has no line end."""
        self._writer.add(self, self.cutter.finish(), self._last_written)

    def times(self, data: bytes) -> tuple[float, float]:
        """The times of the first and of the last of these lines."""
        last = data.rfind(b"\n", 0, len(data) - 1) + 1
        first = self._time(data[: LONGEST_STAMP + 1])
        return first, self._time(data[last : last + LONGEST_STAMP + 1]) if last else first

    def _time(self, line: bytes) -> float:
        return self._stamps.split(line.decode("ascii", "replace"))[0]

    def end_long(self, time_written: float) -> LogChunk:
        """The chunk for a long line that has ended."""
        head, size = self.long.head, self.long.size
        self.long = _LongLine()
        time = self._time(head[: LONGEST_STAMP + 1]) if self.stamped else time_written
        return LogChunk(self.source, head, 1, self.stream, time, time, self.stamped, size)


class _LongLine:
    """A line that is too long for memory, while it arrives: its beginning, that one's place in the file, its size."""

    def __init__(self) -> None:
        self.offset, self.head, self.size = 0, b"", 0

    def take(self, part: bytes, offset: int) -> None:
        """A part of it was written at `offset`."""
        if not self.size:
            self.offset, self.head = offset, part[: LONGEST_LINE + LONGEST_STAMP]
        self.size += len(part.removesuffix(b"\n"))  # only the last part has one
