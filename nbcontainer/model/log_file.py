"""The files of a log: its bytes as they came, and beside them an index of frames. `LogReader` reads both.

The log's own file is for people, too: it has every byte that was received, in order of arrival, and where the source
changes, a line such as `==> web-1 <==`, as `tail` writes it. The index consists of records of 64 bytes, so that a line
is found by its number without reading the log:

    LINES   whole lines of one source and stream
    PART    a part of a line that is too long for one frame; it counts no line
    END     counts such a line after its last part; its place is that of the line's beginning
    SOURCE  a source's name, in as many records as it needs; frames refer to the first of them

Both can be read while they are written, also by another process.
"""

from __future__ import annotations

import functools
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nbcontainer.model.log_lines import LogChunk, LogLine

INDEX_SUFFIX = ".index"
LINES, PART, END, SOURCE = 1, 2, 3, 4
STREAMS = ("stdout", "stderr")
STAMPED = 0x80  # in a record's flags, beside the stream's number
RECORD_BYTES = 64
_NAME_BYTES = 48  # of a source's name in one record
_FRAME = struct.Struct("<BBxxIQQIIddQ8x")
_NAME = struct.Struct("<BBxxIQ48s")
_LINE = struct.Struct("<8xQ48x")
_RECORDS_AT_ONCE = 1024
_READ_AHEAD = 256 * 1024  # bytes


class Record(NamedTuple):
    """One frame.

    Attributes:
        kind: LINES, PART or END.
        flags: the stream's number in STREAMS, and STAMPED.
        source: the number of the record with the source's name.
        line: how many lines there are before this frame.
        offset: where its bytes begin in the log's file.
        length: how many bytes these are.
        line_count: how many lines it counts.
        first, last: the times of the first and the last line in seconds since the epoch; 0 if they are not known.
        size: how many bytes its lines have, which for an END is more than `length`.
    """

    kind: int
    flags: int
    source: int
    line: int
    offset: int
    length: int
    line_count: int
    first: float
    last: float
    size: int

    def pack(self) -> bytes:
        """The record as it is written."""
        return _FRAME.pack(*self)


def packed_name(name: str, line: int) -> bytes:
    """The records with a source's name; `line` is how many lines there are before them."""
    data = name.encode("utf-8", "surrogateescape")
    pieces = [data[at : at + _NAME_BYTES] for at in range(0, len(data), _NAME_BYTES)] or [b""]
    return b"".join(_NAME.pack(SOURCE, len(piece), number, line, piece) for number, piece in enumerate(pieces))


@dataclass(frozen=True)
class Block:
    """Lines of any sources that follow each other, for whoever looks at many: frames may be as short as one line.

    Attributes:
        number: the first line's.
        raw: the file's bytes from the first to the last of the lines, and what is between them for people to read.
        stamped: whether each line begins with a timestamp and a space.
        runs: the source of the first lines and how many these are, that of the next ones, and so on.
        joined: makes one chunk of the lines.
    """

    number: int
    raw: bytes
    stamped: bool
    runs: Sequence[tuple[str, int]]
    joined: Callable[[], LogChunk]

    @classmethod
    def of(cls, number: int, chunk: LogChunk) -> Block:
        """A chunk as a block."""
        return cls(number, chunk.data, chunk.stamped, ((chunk.source, chunk.count),), lambda: chunk)


class LogReader:
    """The lines of a log's file, which may still grow. Several threads may read at the same time.

    Its methods raise OSError if the files were removed.

    Args:
        path: the log's own file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._index = Path(f"{path}{INDEX_SUFFIX}")
        self._names: dict[int, str] = {}

    @property
    def total(self) -> int:
        """How many lines the file has."""
        with self._opened() as (_, index):
            count = _record_count(index)
            return _lines_before(index, count) if count else 0

    def chunks(self, first: int = 0) -> Iterator[LogChunk]:
        """The log from line `first` on, counted from 0, as far as it is written."""
        with self._opened() as (data, index):
            window = _Window(data)
            for record in _records(index, _place_of(index, first)):
                if record.line_count and record.line + record.line_count > first:
                    yield self._chunk(record, window, index).since(max(0, first - record.line))

    def blocks(self, first: int = 0) -> Iterator[Block]:
        """The log as far as it is written, in blocks; the first of them has line `first`, counted from 0."""
        with self._opened() as (data, index):
            for group in _groups(_records(index, _place_of(index, first)), first):
                start, end = group[0], group[-1]
                data.seek(start.offset)
                raw = data.read(end.offset + end.length - start.offset)
                runs = [(self._name(record.source, index), record.line_count) for record in group]
                yield Block(start.line, raw, bool(start.flags & STAMPED), runs, functools.partial(_joined, group, raw))

    def lines(self, first: int, count: int) -> list[LogLine]:
        """Up to `count` lines from line `first`, counted from 0; fewer if the file has no more."""
        found: list[LogLine] = []
        for chunk in self.chunks(first) if count > 0 else ():
            found += chunk.until(count - len(found)).lines
            if len(found) >= count:
                break
        return found

    def raw(self) -> Iterator[tuple[str, str, bytes]]:
        """Everything that was received, in order of arrival: (source, stream, bytes)."""
        with self._opened() as (data, index):
            window = _Window(data)
            for record in _records(index, 0):
                if record.kind != END:
                    name = self._name(record.source, index)
                    yield name, STREAMS[record.flags & 1], window.read(record.offset, record.length)

    def output(self, most: int, stream: str = "") -> tuple[bytes, int]:
        """The last bytes that were written, at most `most`, and how many there are before them.

        Args:
            most: how many bytes.
            stream: only those of this stream, "stdout" or "stderr"; both if it is empty.
        """
        parts, kept, whole = list[bytes](), 0, 0
        with self._opened() as (data, index):
            for at in range(_record_count(index) - 1, -1, -1):
                record = _record(index, at)
                if record is None or record.kind == END or (stream and STREAMS[record.flags & 1] != stream):
                    continue
                whole += record.length
                if kept < most:
                    length = min(record.length, most - kept)
                    data.seek(record.offset + record.length - length)
                    parts.append(data.read(length))
                    kept += length
        return b"".join(reversed(parts)), whole - kept

    def _chunk(self, record: Record, window: _Window, index: BinaryIO) -> LogChunk:
        return LogChunk(
            self._name(record.source, index),
            window.read(record.offset, record.length),
            record.line_count,
            STREAMS[record.flags & 1],
            record.first,
            record.last,
            bool(record.flags & STAMPED),
            record.size,
        )

    def _name(self, number: int, index: BinaryIO) -> str:
        name = self._names.get(number)
        if name is None:
            place, data = index.tell(), b""
            index.seek(number * RECORD_BYTES)
            while len(raw := index.read(RECORD_BYTES)) == RECORD_BYTES and raw[0] == SOURCE:
                _, length, piece, _, text = _NAME.unpack(raw)
                if data and not piece:
                    break
                data += text[:length]
            index.seek(place)
            name = self._names[number] = data.decode("utf-8", "surrogateescape")
        return name

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        with self.path.open("rb", buffering=0) as data, self._index.open("rb", buffering=0) as index:
            yield data, index


class _Window:
    """A part of the log's file in memory, so that small frames are not read one by one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._start, self._data = file, 0, b""

    def read(self, offset: int, length: int) -> bytes:
        at = offset - self._start
        if at < 0 or at + length > len(self._data):
            self._file.seek(offset)
            self._start, self._data, at = offset, self._file.read(max(length, _READ_AHEAD)), 0
        return self._data if at == 0 and length == len(self._data) else self._data[at : at + length]


def _record_count(index: BinaryIO) -> int:
    return os.fstat(index.fileno()).st_size // RECORD_BYTES


def _record(index: BinaryIO, number: int) -> Record | None:
    """The frame in a record; None if it has a source's name."""
    index.seek(number * RECORD_BYTES)
    raw = index.read(RECORD_BYTES)
    return None if raw[0] == SOURCE else Record(*_FRAME.unpack(raw))


def _records(index: BinaryIO, number: int) -> Iterator[Record]:
    """The frames from record `number` on."""
    while True:
        index.seek(number * RECORD_BYTES)
        block = index.read(_RECORDS_AT_ONCE * RECORD_BYTES)
        whole = len(block) // RECORD_BYTES
        for at in range(0, whole * RECORD_BYTES, RECORD_BYTES):
            if block[at] != SOURCE:
                yield Record(*_FRAME.unpack_from(block, at))
        number += whole
        if not whole:
            return


def _groups(records: Iterable[Record], first: int) -> Iterator[list[Record]]:
    """Frames that are next to each other and of the same kind, from line `first` on; as many as are read at once."""
    group: list[Record] = []
    size = 0
    for record in records:
        if group and (record.kind != LINES or size >= _READ_AHEAD or (record.flags ^ group[0].flags) & STAMPED):
            yield group
            group, size = [], 0
        if record.kind == END:
            if record.line >= first:
                yield [record]
        elif record.kind == LINES and record.line + record.line_count > first:
            group.append(record)
            size += record.length
    if group:
        yield group


def _joined(group: Sequence[Record], raw: bytes) -> LogChunk:
    parts = []
    for record in group:
        at = record.offset - group[0].offset
        part = raw[at : at + record.length]
        parts.append(part if part.endswith(b"\n") else part + b"\n")
    data = b"".join(parts)
    count = sum(record.line_count for record in group)
    size = max(len(data), group[0].size if len(group) == 1 else 0)
    return LogChunk("", data, count, stamped=bool(group[0].flags & STAMPED), size=size)


def _lines_before(index: BinaryIO, number: int) -> int:
    """How many lines there are before record `number`, which may be the end."""
    last = _record(index, number - 1) if number else None
    if last is not None:
        return last.line + last.line_count
    index.seek((number - 1) * RECORD_BYTES)
    return int(_LINE.unpack(index.read(RECORD_BYTES))[0]) if number else 0


def _place_of(index: BinaryIO, line: int) -> int:
    """The number of a record at which, or soon after which, line `line` is."""
    low, high = 0, _record_count(index)
    while low < high:  # the records' lines ascend: the first record that begins after the line
        middle = (low + high) // 2
        index.seek(middle * RECORD_BYTES)
        if _LINE.unpack(index.read(RECORD_BYTES))[0] > line:
            high = middle
        else:
            low = middle + 1
    while low > 0:
        low -= 1
        record = _record(index, low)
        if record is not None and record.line_count:
            break
    return low
