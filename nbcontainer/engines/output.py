"""What containers write, extracted from an engine's streams."""

from __future__ import annotations

import contextlib
import re
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from nbcontainer.byte_stream import Stream
from nbcontainer.engines.failures import plain
from nbcontainer.errors import ApiError
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.timestamps import stamp_before

HEADER = struct.Struct(">II")
HEADER_BYTES = HEADER.size
STREAMS = {0: "stdout", 1 << 24: "stdout", 2 << 24: "stderr"}  # by the first four bytes of a header
SYSTEM_ERROR = 3 << 24  # a frame in which the engine says why it cannot go on
MOST_SIZES = 4096  # of frames, remembered
LONGEST_FRAME = 64 * 1024  # bytes; of a longer one, parts are passed on
READ_BYTES = 64 * 1024
SHORTEST_PAUSE, LONGEST_PAUSE = 0.001, 0.01  # seconds between two reads of a stream, unless there are …
MANY_PIECES, MANY_BYTES = 220, 32 * 1024  # … so many to read: of unread small pieces, a Unix socket holds about 270
FEW_PIECES = 120
QUIET_SECONDS = 0.02  # after which a stream is no longer one that delivers line by line


class LineParts:
    """Joins the parts in which an engine delivers the long lines of one stream.

    Docker keeps a line in parts of 16 KiB, Podman in parts of what it read at once. With timestamps each part has one,
    also within a line, where `docker logs -t` shows it; here only the first remains.

    Args:
        same_stamp: whether all parts of a line have the same timestamp, as in Docker. One that differs then begins
            another line: the last line before a container is restarted need not have an end.
    """

    def __init__(self, *, same_stamp: bool) -> None:
        self._same_stamp = same_stamp
        self._stamp = b""
        self._is_open = False

    def join(self, parts: Sequence[bytes]) -> bytes:
        """The parts, each as the engine sent it, without the timestamps that are inside a line."""
        if not self._is_open and all([part.endswith(b"\n") for part in parts]):  # noqa: C419 - a list is faster
            return b"".join(parts)
        return b"".join(map(self._take, parts))

    def _take(self, part: bytes) -> bytes:
        goes_on, self._is_open = self._is_open, not part.endswith(b"\n")
        stamp = stamp_before(part)
        if goes_on and (not stamp or not self._same_stamp or stamp == self._stamp):
            return part[len(stamp) :]
        self._stamp = stamp
        return b"\n" + part if goes_on else part


class Frames:
    """Splits a multiplexed stream.

    Each frame has a header of 8 bytes: the stream's number, three zeros, and the length (big-endian). Source: Docker
    Engine API, "Attach to a container". With a terminal (`raw`) there are no frames.

    Args:
        raw: whether it comes without frames.
        parts: makes what joins a stream's frames, where they have timestamps.
    """

    def __init__(self, *, raw: bool = False, parts: Callable[[], LineParts] | None = None) -> None:
        self._raw = raw
        self._rest = b""
        self._stream, self._sizes = "", dict[bytes, int]()  # header → size of a frame of this stream
        self._join = {name: parts().join if parts else b"".join for name in STREAMS.values()}

    def feed(self, *pieces: bytes) -> Iterator[tuple[str, bytes]]:
        """What arrived as (stream, bytes) pairs, in order; successive frames of a stream are joined.

        Without frames, each of `pieces` should be one that the engine has written at once, if it has a timestamp.

        Raises:
            ApiError: these are not frames, or the engine reports an error in them.
        """
        for stream, frames in self.runs(*pieces):
            if data := self._join[stream](frames):
                yield stream, data

    def runs(self, *pieces: bytes) -> Iterator[tuple[str, Sequence[bytes]]]:
        """As `feed`, each frame for itself: (stream, successive frames of it)."""
        if self._raw:
            yield "stdout", pieces
            return
        sizes = list(map(self._sizes.get, [piece[:HEADER_BYTES] for piece in pieces]))
        # nearly always each piece is a frame: docker's daemon sends them one by one
        if pieces and not self._rest and sizes == list(map(len, pieces)):
            yield self._stream, [piece[HEADER_BYTES:] for piece in pieces]
            return
        yield from self._split(b"".join((self._rest, *pieces)), len(pieces))

    def _split(self, data: bytes, count: int) -> Iterator[tuple[str, Sequence[bytes]]]:
        at, size, unpack = 0, len(data), HEADER.unpack_from
        last, frames, add = 0, list[bytes](), None
        while size - at >= HEADER_BYTES:
            number, length = unpack(data, at)
            end = at + HEADER_BYTES + length
            if add is None or number != last:
                if frames:
                    yield STREAMS[last], frames
                _check(number)
                last, frames = number, []
                add = frames.append
            if end > size:
                break
            if number == SYSTEM_ERROR:
                raise ApiError(plain(data[at + HEADER_BYTES : end]), reason="log")
            add(data[at + HEADER_BYTES : end])
            at = end
        if frames:
            yield STREAMS[last], frames
            if len(frames) == count and at == size:
                self._learn(last, frames)
        self._rest = data[at:]
        if len(self._rest) > HEADER_BYTES + LONGEST_FRAME:
            yield self._part()

    def _learn(self, number: int, frames: Sequence[bytes]) -> None:
        """Remember the headers of these frames, so that the next like them need not be looked at one by one."""
        if self._stream != STREAMS[number] or len(self._sizes) > MOST_SIZES:
            self._stream, self._sizes = STREAMS[number], {}
        for size in set(map(len, frames)):
            self._sizes[HEADER.pack(number, size)] = HEADER_BYTES + size

    def _part(self) -> tuple[str, Sequence[bytes]]:
        """What there is of a very long frame, which is shortened by it."""
        number, length = HEADER.unpack_from(self._rest)
        piece = self._rest[HEADER_BYTES:]
        self._rest = HEADER.pack(number, length - len(piece))
        return STREAMS.get(number, "stderr"), [piece]

    @property
    def broken(self) -> bool:
        """Whether the stream so far ends in the middle of a frame."""
        return bool(self._rest)


def _check(number: int) -> None:
    if number not in STREAMS and number != SYSTEM_ERROR:
        raise ApiError("The engine's output stream is not in frames.", reason="garbage")


class UnreadInput:
    """Leaves out Podman's own words on an input that was not read to its end.

    Where a command ends, or closes its input, before it has read all of it, Podman writes such a line on stderr in a
    frame of its own, as the last one, and then resets the connection. It may lose what the command wrote last: the
    Unix socket between it and the command's monitor reports the reset before it delivers what it still holds.

    Args:
        expected: whether the engine is Podman and the command has an input.

    Attributes:
        seen: whether these words came, or the connection was reset without them.
    """

    GAP = "the command did not read its whole input: if it wrote anything after it closed that, it may be missing"
    _WORDS = re.compile(rb"Error: (read|write) unixpacket \S*/attach: (read|write): [\w ]+\n\Z")

    def __init__(self, *, expected: bool) -> None:
        self._expected = expected
        self.seen = False

    def leave_out(self, pieces: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        """The (stream, bytes) pairs without these words."""
        for name, piece in pieces:
            found = self._WORDS.search(piece) if self._expected and name == "stderr" else None
            self.seen = self.seen or found is not None
            if written := piece[: found.start()] if found else piece:
                yield name, written


class Pace:
    """Slows the reading of a stream that delivers line by line: to wake up for each line takes more time than the rest.

    What a program writes now and then is not delayed.
    """

    def __init__(self) -> None:
        self._last = 0.0
        self._pause = SHORTEST_PAUSE

    def wait(self, pieces: Sequence[bytes]) -> None:
        """Wait until there is more to read; `pieces` is what has just been read."""
        now = time.monotonic()
        if now - self._last > QUIET_SECONDS:
            self._pause = SHORTEST_PAUSE
        elif len(pieces) > MANY_PIECES or sum(map(len, pieces)) > MANY_BYTES:
            self._pause = max(self._pause / 2, SHORTEST_PAUSE)
        else:
            if 1 < len(pieces) < FEW_PIECES:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            time.sleep(self._pause)
        self._last = now


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


def follow_output(stream: Stream, source: str, writer: LogWriter, unread: UnreadInput, *, raw: bool = False) -> bool:
    """Write what a command writes, to its end; returns whether it came to its end.

    Args:
        stream: the attached connection.
        source: the name that each line carries.
        writer: takes the lines.
        unread: leaves out what is not the command's.
        raw: whether the command has a terminal, whose output comes without frames.

    Raises:
        ApiError: the stream is not a command's output.
    """
    frames, pace = Frames(raw=raw), Pace()
    channels = {name: writer.channel(source, name) for name in ("stdout", "stderr")}
    try:
        while data := stream.recv(READ_BYTES):
            for name, piece in unread.leave_out(frames.feed(data)):
                channels[name].feed(piece)
            pace.wait((data,))
    except OSError:  # the connection broke
        return False
    finally:
        for channel in channels.values():
            channel.finish()
    return not frames.broken and not unread.seen
