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

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
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
_BLOCK_BYTES = 1024 * 1024


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


class Block(NamedTuple):
    """A part of a log's file.

    Attributes:
        frames: what is in it: LINES, or a single END.
        data: its bytes; between the frames there may be others, for people.
        start: where it begins in the file.
    """

    frames: list[Record]
    data: bytes
    start: int


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
                    lines = window.read(record.offset, record.length)
                    yield _chunk(record, self._name(record.source, index), lines).since(max(0, first - record.line))

    def blocks(self, first: int = 0) -> Iterator[Block]:
        """The log from the frame with line `first` on, in larger parts than its frames, to be searched as bytes."""
        with self._opened() as (data, index):
            frames: list[Record] = []
            for record in _records(index, _place_of(index, first)):
                if not record.line_count or record.line + record.line_count <= first:
                    continue
                ends = frames and record.offset + record.length - frames[0].offset > _BLOCK_BYTES
                if frames and (ends or END in (record.kind, frames[0].kind)):
                    yield _block(frames, data)
                    frames = []
                frames.append(record)
            if frames:
                yield _block(frames, data)

    def chunk_of(self, frame: Record, block: Block) -> LogChunk:
        """The lines of one of a block's frames."""
        begin = frame.offset - block.start
        return _chunk(frame, self.source_of(frame), block.data[begin : begin + frame.length])

    def source_of(self, frame: Record) -> str:
        """The name of a frame's source."""
        if frame.source not in self._names:
            with self._opened() as (_, index):
                return self._name(frame.source, index)
        return self._names[frame.source]

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

    def line_at(self, time: float) -> int:
        """The number of the first line of the first frame that has a line of this time or a later one; 0 for none."""
        with self._opened() as (_, index):
            for record in _records(index, 0):
                if record.line_count and record.last >= time:
                    return record.line
        return 0

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


def _chunk(record: Record, source: str, data: bytes) -> LogChunk:
    return LogChunk(
        source,
        data,
        record.line_count,
        STREAMS[record.flags & 1],
        record.first,
        record.last,
        bool(record.flags & STAMPED),
        record.size,
    )


def _block(frames: list[Record], file: BinaryIO) -> Block:
    start = frames[0].offset
    file.seek(start)
    return Block(frames, file.read(frames[-1].offset + frames[-1].length - start), start)


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
