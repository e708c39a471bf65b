"""What containers write, extracted from an engine's streams: frames to bytes, bytes to lines."""

from __future__ import annotations

import codecs
import contextlib
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from nbcontainer.byte_stream import Stream
from nbcontainer.errors import ApiError
from nbcontainer.model.events import SpoolCut
from nbcontainer.model.logs import LogEvent, LogLine, LogLines, LogState
from nbcontainer.operation import Progress
from nbcontainer.spool import Spool

STREAMS = ("stdin", "stdout", "stderr")
HEADER_BYTES = 8
LONGEST_LINE = 64 * 1024  # characters; a longer one is split, to bound memory
OUTPUT_BYTES = 4 * 1024 * 1024  # of the output's end, kept in the result of a run
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?")


class Frames:
    """Splits a multiplexed stream.

    Each frame has a header of 8 bytes: the stream's number, three zeros, and the length (big-endian). Source: Docker
    Engine API, "Attach to a container". With a terminal (`raw`) there are no frames.
    """

    def __init__(self, *, raw: bool = False) -> None:
        self._raw = raw
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The (stream, bytes) pairs in `data`, in order; a frame may come in pieces.

        Raises:
            ApiError: these are not frames.
        """
        if self._raw:
            if data:
                yield "stdout", data
            return
        data = self._rest + data
        at = 0
        while len(data) - at >= HEADER_BYTES:
            number, zeros = data[at], data[at + 1 : at + 4]
            if number >= len(STREAMS) or zeros != b"\0\0\0":
                raise ApiError("The engine's output stream is not in frames.", reason="garbage")
            length = int.from_bytes(data[at + 4 : at + HEADER_BYTES], "big")
            end = at + HEADER_BYTES + length
            if end > len(data):
                break
            if length:
                yield STREAMS[number], data[at + HEADER_BYTES : end]
            at = end
        self._rest = data[at:]
        if len(self._rest) > HEADER_BYTES + LONGEST_LINE:
            yield from self._part()

    def _part(self) -> Iterator[tuple[str, bytes]]:
        """Yield what there is of a very long frame, and shorten the frame by it."""
        number, length = self._rest[0], int.from_bytes(self._rest[4:HEADER_BYTES], "big")
        piece = self._rest[HEADER_BYTES:]
        self._rest = bytes([number, 0, 0, 0]) + (length - len(piece)).to_bytes(4, "big")
        yield STREAMS[number], piece

    @property
    def broken(self) -> bool:
        """Whether the stream so far ends in the middle of a frame."""
        return bool(self._rest)


class Lines:
    """Cuts one source's output into lines.

    Args:
        source: the name that each line carries.
        stamped: whether each line begins with the engine's timestamp, which is removed.
    """

    def __init__(self, source: str, *, stamped: bool = False) -> None:
        self._source = source
        self._stamped = stamped
        self._rest: dict[str, str] = {}
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}

    def feed(self, stream: str, data: bytes) -> list[LogLine]:
        """The lines that `data` completes."""
        decoder = self._decoders.get(stream)
        if decoder is None:
            decoder = self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("replace")
        *whole, rest = (self._rest.get(stream, "") + decoder.decode(data)).split("\n")
        while len(rest) > LONGEST_LINE:
            cut = rest.rfind("\r", 1, LONGEST_LINE)  # a progress bar that runs for hours is cut between two states
            cut = LONGEST_LINE if cut < 0 else cut
            whole.append(rest[:cut])
            rest = rest[cut:]
        self._rest[stream] = rest
        return [self._line(stream, text) for text in whole]

    def end(self) -> list[LogLine]:
        """The last lines, which have no line break."""
        rest = [(stream, text) for stream, text in self._rest.items() if text]
        self._rest.clear()
        return [self._line(stream, text) for stream, text in rest]

    def _line(self, stream: str, text: str) -> LogLine:
        text = text.removesuffix("\r")
        time = 0.0
        if self._stamped and (found := STAMP.match(text)):
            time, text = seconds_of(found[1]), text[found.end() :]
        return LogLine(self._source, text, time, stream)


class Recorder:
    """Emits lines, and writes everything to the spool file."""

    def __init__(self, progress: Progress[LogEvent], spool: Spool) -> None:
        self._progress, self._spool = progress, spool
        spool.when_cut(lambda note: progress.emit(SpoolCut(note)))

    def add(self, lines: list[LogLine], spooled: bytes) -> None:
        """Take lines, and what to write to the file for them."""
        if spooled:
            self._spool.write(spooled)
            self._spool.flush()
        if lines:
            self._progress.emit(LogLines(tuple(lines)))


def send_input(stream: Stream, data: bytes) -> threading.Event:
    """Send a command its whole standard input, on a thread of its own: its output must be read meanwhile.

    Returns:
        an event that is set once all of it has been sent.
    """
    sent = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):  # the command ended without reading it all
            stream.sendall(data)
            stream.shutdown_write()
            sent.set()

    threading.Thread(target=send, daemon=True, name="nbcontainer: stdin").start()
    return sent


def follow_output(stream: Stream, source: str, recorder: Recorder, *, raw: bool = False) -> bool:
    """Record what a command writes, to its end; returns whether the stream ended at the end of a frame.

    Args:
        stream: the attached connection.
        source: the name that each line carries.
        recorder: takes the lines.
        raw: whether the command has a terminal, whose output comes without frames.

    Raises:
        ApiError: the stream is not a command's output.
    """
    frames, lines = Frames(raw=raw), Lines(source)
    try:
        while data := stream.recv():
            pieces = list(frames.feed(data))
            found = [line for name, piece in pieces for line in lines.feed(name, piece)]
            recorder.add(found, b"".join(piece for _, piece in pieces))
    except OSError:  # the connection broke
        return False
    finally:
        recorder.add(lines.end(), b"")
    return not frames.broken


def output_of(state: LogState) -> tuple[str, int]:
    """What a container wrote, from its file where that has more than the state; and how many lines it wrote."""
    shown = "\n".join(line.text for line in state.lines)
    if state.total <= len(state.lines) or state.spool_note:
        return shown, state.total
    try:
        size = Path(state.spool).stat().st_size
        with Path(state.spool).open("rb") as file:
            file.seek(max(0, size - OUTPUT_BYTES))
            data = file.read()
    except OSError:  # somebody has removed it
        return shown, state.total
    whole = size <= OUTPUT_BYTES
    if not whole:
        data = data[data.find(b"\n") + 1 :]
    output = data.decode("utf-8", "replace").removesuffix("\n").replace("\r\n", "\n")
    return output, output.count("\n") + 1 if whole else state.total


def seconds_of(text: str) -> float:
    """Seconds since the epoch of an engine's time ("2026-11-23T07:09:33.010200588Z"); 0 if empty or invalid."""
    if text.startswith("0001-"):  # Go's zero time
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0
