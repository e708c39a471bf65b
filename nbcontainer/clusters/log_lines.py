"""From a container's log streams to the log's writer, and the position at which a broken stream is resumed."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from nbcontainer.clusters.log_position import Moments, Position
from nbcontainer.logs.cutter import Cut, Piece
from nbcontainer.model.timestamps import BILLION

if TYPE_CHECKING:
    from nbcontainer.logs.writer import Channel


class LaterRun(Exception):
    """The lines come from a run that began after the wanted one had ended."""


class LineSink(Protocol):
    """What takes the lines: the log's writer."""

    def add(self, channel: Channel, pieces: Iterable[Piece]) -> None:
        """Take pieces of a channel."""


class _Long(Enum):
    """What becomes of a line that is too long for memory, and comes in parts."""

    NONE = "there is none"
    NEW = "it is written"
    OLD = "it was written before"


class LineReader:
    """The log of one container, across all the streams that carry it.

    With timestamps, a broken stream can be resumed at `resume_from`: no line is lost or written twice, and a long line
    that was cut is continued. `log_position` explains how.

    Args:
        writer: the log's.
        channel: where this container's lines are written.
    """

    def __init__(self, writer: LineSink, channel: Channel) -> None:
        self._writer, self._channel, self._cutter = writer, channel, channel.cutter
        self._moment = Moments()
        self._long = _Long.NONE
        self._size = 0  # bytes of the long line so far, in the current stream
        self._written = 0  # how many of its bytes are written, in all streams
        self._is_broken = False  # whether its stream broke within it
        self._latest = math.inf
        self.position = Position()

    @property
    def resume_from(self) -> str:
        """The `sinceTime` of the next request, or "" if nothing was read yet."""
        return self.position.since

    @property
    def is_stamped(self) -> bool:
        """Whether each line begins with a timestamp."""
        return self._channel.stamped

    @property
    def unfinished(self) -> int:
        """How many bytes have come of a last line whose end has not; 0 for a line that is too long for memory."""
        return len(self._cutter.unfinished)

    def twin(self, writer: LineSink) -> LineReader:
        """A reader at the same position, for another stream; its lines go to `writer`, and this one is not changed."""
        return copy.deepcopy(self, {id(self._writer): writer, id(self.position): self.position.twin()})

    def begin(self, *, resume: bool, within: bool = False, latest: float = math.inf) -> None:
        """Start a new stream: one that resumes the last, or the stream of a new container.

        Args:
            resume: whether it resumes the last.
            within: if it does not: whether only a part of the log was requested, with possibly more before it.
            latest: when its first line may have been written at the latest, in seconds since the epoch.
        """
        if resume:
            self.position.resume()
            self._is_broken = self._is_broken or self._long is _Long.NEW
        else:
            self.position.restart(within=within)
            self._is_broken, self._written = False, 0
        self._cutter.forget()
        self._long, self._size, self._latest = _Long.NONE, 0, latest

    def feed(self, chunk: bytes) -> None:
        """Take bytes.

        Raises:
            LaterRun: they were written too late.
        """
        pieces = self._cutter.feed(chunk)
        if not self._channel.stamped:
            self._writer.add(self._channel, pieces)
        elif pieces:
            self._take(pieces)

    def finish(self) -> None:
        """The log has ended: write its last line if that had no line end."""
        pieces = self._cutter.finish()
        if self._channel.stamped:
            # a line that was cut within its timestamp has no text yet
            self._take([piece for piece in pieces if piece.cut is Cut.END or b" " in piece.data])
            pieces = self._end_broken()
        self._writer.add(self._channel, pieces)

    def _take(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if piece.cut is Cut.LINES:
                fresh = self._fresh_lines(piece.data)
            elif piece.cut is Cut.PART and self._long is _Long.NONE:
                fresh = self._begin_long(piece.data)
            else:
                fresh = self._go_on_long(piece)
            self._writer.add(self._channel, fresh)

    def _check_time(self, data: bytes) -> None:
        """Check the first line of a stream."""
        if self._latest < math.inf:
            if (self._moment(data.partition(b" ")[0]) or 0) / BILLION > self._latest:
                raise LaterRun
            self._latest = math.inf

    def _fresh_lines(self, data: bytes) -> list[Piece]:
        """Which of these lines are new; before them, the end of the long line that broke."""
        self._check_time(data)
        is_searching = self.position.searching
        if not is_searching:
            fresh = self._end_broken() if self._is_broken else []
            self.position.passed(data)
            return [*fresh, Piece(Cut.LINES, data)]
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        old = self.position.find([self._moment(line.partition(b" ")[0]) for line in lines], lines)
        fresh = []
        if self._is_broken and not self.position.searching:
            fresh = self._end_broken(lines[old - 1] if self.position.found and old else b"")
        at = sum(map(len, lines[:old])) + old
        if at < len(data):
            self.position.passed(data[at:])
            fresh.append(Piece(Cut.LINES, data[at:]))
        return fresh

    def _begin_long(self, part: bytes) -> list[Piece]:
        self._check_time(part)
        self._size = len(part)
        old = 0
        if self.position.searching:
            old = self.position.find([self._moment(part.partition(b" ")[0])], [part])
        if old and self._is_broken and self.position.found:
            self._is_broken, self._long = False, _Long.NEW
            missing, self._written = part[self._written :], max(self._written, len(part))
            return [Piece(Cut.PART, missing)] if missing else []
        if old:
            self._long = _Long.OLD
            return []
        fresh = self._end_broken()
        self._long, self._written = _Long.NEW, len(part)
        self.position.passed(part, whole=False)
        return [*fresh, Piece(Cut.PART, part)]

    def _go_on_long(self, piece: Piece) -> list[Piece]:
        """The next part, or the last, of a long line; what is written of it already is left out."""
        is_new, before = self._long is _Long.NEW, self._size
        self._size += len(piece.data)
        if piece.cut is Cut.END:
            self._long = _Long.NONE
        if not is_new:
            return []
        missing = piece.data[max(0, self._written - before) :]
        self._written = 0 if piece.cut is Cut.END else max(self._written, self._size)
        return [Piece(piece.cut, missing)] if missing or piece.cut is Cut.END else []

    def _end_broken(self, line: bytes = b"") -> list[Piece]:
        """The end of the long line that broke: it was sent again as `line`, or is not sent again."""
        if not self._is_broken:
            return []
        missing = line[self._written :]
        self._is_broken, self._written = False, 0
        return [Piece(Cut.END, missing + b"\n")]
