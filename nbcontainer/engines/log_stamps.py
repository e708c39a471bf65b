"""Where to go on in a container's log, by the engine's timestamps, when the connection that carried it is gone.

Within one stream they never decrease. The place in it is the last timestamp, and how many bytes have been received from
the first message on that has it: parts of a long line share one, and lines that are written at once may.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nbcontainer.engines.output import Frames
from nbcontainer.model.timestamps import BILLION, LONGEST_STAMP, nanoseconds_of, stamp_before

Pieces = Sequence[tuple[str, bytes]]  # (stream, message), each message with its timestamp

BEFORE_SECONDS = 1  # before the last message, from which a log is read again: another stream's may be written late
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def _moment(stamp: bytes) -> tuple[int, int]:
    """Seconds since the epoch, and nanoseconds, of a message's timestamp."""
    return divmod(nanoseconds_of(stamp[:-1]) or 0, BILLION)


class Messages:
    """Splits a log's bytes into messages: frames are messages; a terminal's pieces (`raw`) are cut into lines."""

    def __init__(self, *, raw: bool) -> None:
        self._raw, self._frames = raw, Frames(raw=raw)
        self._head = b""  # of a line whose timestamp is not complete yet
        self._is_in_line = False

    def feed(self, *pieces: bytes) -> list[tuple[str, bytes]]:
        """The messages that arrived, in order; in a terminal's, a line may come in pieces.

        Args:
            *pieces: what arrived, in the pieces that the engine wrote: of a long line, each has a timestamp.

        Raises:
            ApiError: these are not frames.
        """
        if not self._raw:
            return [(stream, frame) for stream, frames in self._frames.runs(*pieces) for frame in frames if frame]
        first, *others = pieces or (b"",)
        lines = [("stdout", line) for piece in (self._head + first, *others) for line in _LINE.findall(piece)]
        self._head = b""
        if lines and not (self._is_in_line and len(lines) == 1) and _is_head(lines[-1][1]):
            self._head = lines.pop()[1]
        if lines:
            self._is_in_line = not lines[-1][1].endswith(b"\n")
        return lines

    @property
    def broken(self) -> bool:
        """Whether the log so far ends in the middle of a frame."""
        return self._frames.broken


def _is_head(line: bytes) -> bool:
    return not line.endswith(b"\n") and len(line) <= LONGEST_STAMP and not stamp_before(line)


class Stamps:
    """How much of a log has been received."""

    def __init__(self) -> None:
        self.last: dict[str, bytes] = {}  # stream → the timestamp of its last message
        self.sizes: dict[str, int] = {}  # bytes received from the first message with that on
        self.first = ("", b"")  # the stream and the timestamp of the first message

    def take(self, pieces: Pieces) -> None:
        """Note what was received."""
        if pieces and not self.first[0]:
            self.first = pieces[0][0], stamp_before(pieces[0][1])
        for stream in dict(pieces):
            self._take_end(stream, pieces)

    def _take_end(self, stream: str, pieces: Pieces) -> None:
        """Find the last timestamp, from the end: what was before does not matter."""
        stamp, size = b"", 0
        for name, message in reversed(pieces):
            if name != stream:
                continue
            found = stamp_before(message)
            if stamp and found != stamp:
                break
            stamp, size = found, size + len(message)
        else:
            if stamp in (b"", self.last.get(stream)):
                size += self.sizes.get(stream, 0)
        self.last[stream] = stamp or self.last.get(stream, b"")
        self.sizes[stream] = size

    @property
    def since(self) -> str:
        """From where the log is to be read again, as the engines' APIs take it; "" where nothing has been received."""
        moments = [_moment(stamp) for stamp in self.last.values() if stamp]
        if not moments:
            return ""
        seconds, nanoseconds = max(moments)
        return f"{seconds - BEFORE_SECONDS}.{nanoseconds:09d}"


class Unread:
    """Finds what has not been received in a log that is read again.

    Attributes:
        lost: whether the place is no longer in the log, which has been rotated.
    """

    def __init__(self, stamps: Stamps) -> None:
        self._last = {stream: _moment(stamp) for stream, stamp in stamps.last.items() if stamp}
        self._end = max(self._last.values(), default=(0, 0))
        self._begin = (self._end[0] - BEFORE_SECONDS, self._end[1])
        self._first = stamps.first[0], _moment(stamps.first[1])
        self._is_before_first = self._first[1] >= self._begin  # which is not for messages that were not to be shown
        self._left = dict(stamps.sizes)
        self._reached: set[str] = set()  # streams in which the place has been found
        self._passed: set[str] = set()  # streams in which all that follows is new
        self.lost = False

    def feed(self, pieces: Pieces) -> list[tuple[str, bytes]]:
        """The messages, or parts of messages, that have not been received."""
        found = ((stream, self._rest(stream, message)) for stream, message in pieces)
        return [(stream, message) for stream, message in found if message]

    def _rest(self, stream: str, message: bytes) -> bytes:
        if stream in self._passed:
            return message
        stamp, last = stamp_before(message), self._last.get(stream)
        moment = _moment(stamp)
        if (stream, moment) == self._first or moment > self._end:
            self._is_before_first = False
        if self._is_before_first:
            return b""
        if stamp and (last is None or moment > last):
            self._passed.add(stream)
            self.lost = self.lost or (last is not None and last >= self._begin and stream not in self._reached)
            return message
        if stamp and moment == last:
            self._reached.add(stream)
        if stream not in self._reached:
            return b""
        skipped = min(self._left[stream], len(message))
        self._left[stream] -= skipped
        return message[skipped:]
