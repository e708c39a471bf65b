"""Several logs that are read at the same time become one, in the order of their timestamps, with bounded memory."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from nbcontainer.clusters.log_position import utc
from nbcontainer.logs.cutter import Cut, Piece, split_lines
from nbcontainer.model.timestamps import BILLION, NANOSECONDS, nanoseconds_of

if TYPE_CHECKING:
    from nbcontainer.logs.writer import Channel, LogWriter

MOST_BYTES = 128 * 1024  # of one log that wait for the others; then its stream waits, too
_Stamped = tuple[bytes, "_Source", bytes]  # when, whose, and the line


class _Source:
    """One log: what of it has arrived and waits for its turn.

    Attributes:
        lines: whole lines; `long` are the parts of a line that is too long for memory, which comes after them.
        size: how many bytes these are.
        is_passing: whether it is this long line's turn, so that its further parts do not wait.
        room: set while its stream may go on.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.lines: list[_Stamped] = []
        self.long: list[Piece] = []
        self.later: list[Piece] = []  # what came after the long line
        self.size = 0
        self.is_passing = self.is_over = False
        self.room = asyncio.Event()
        self.room.set()

    @property
    def is_ready(self) -> bool:
        """Whether its next line is known, or that there is none."""
        return bool(self.lines or self.long) or self.is_over


class TimeMerge:
    """Merges logs; a `LineSink` for the reader of each. All lines must be stamped.

    Whenever the next line of each log is known, all lines up to the earliest of their last ones are written.

    Args:
        writer: where the merged log goes.
        channels: one for each log.
    """

    def __init__(self, writer: LogWriter, channels: Iterable[Channel]) -> None:
        self._writer = writer
        self._sources = {channel: _Source(channel) for channel in channels}

    def add(self, channel: Channel, pieces: Iterable[Piece]) -> None:
        """Take pieces of a log."""
        source = self._sources[channel]
        for piece in pieces:
            self._take(source, piece)
        if not source.is_passing:
            self._write_due()
        if source.size > MOST_BYTES and not source.is_passing:
            source.room.clear()

    async def has_room(self, channel: Channel) -> None:
        """Wait until more of a log may come; let other tasks run in any case."""
        await asyncio.sleep(0)
        await self._sources[channel].room.wait()

    def end(self, channel: Channel) -> None:
        """A log has ended."""
        self._sources[channel].is_over = True
        self._write_due()

    def close(self) -> None:
        """Write what is left: the logs have ended, or are read no further."""
        for source in self._sources.values():
            source.is_over = True
        self._write_due()

    def _take(self, source: _Source, piece: Piece) -> None:
        cut, data = piece
        if source.is_passing:
            self._writer.add(source.channel, [piece])
            source.is_passing = cut is not Cut.END
            return
        source.size += len(data)
        if source.long and source.long[-1].cut is Cut.END:
            source.later.append(piece)
        elif cut is Cut.LINES:
            source.lines += [(self._key(line), source, line) for line in split_lines(data)]
        else:
            source.long.append(piece)

    @staticmethod
    def _key(line: bytes) -> bytes:
        """A line's timestamp, in a form that is ordered as the times are."""
        stamp = line[:NANOSECONDS]
        if stamp.endswith(b"Z"):
            return stamp
        moment = nanoseconds_of(line.partition(b" ")[0]) or 0
        return f"{utc(moment // BILLION)[:-1]}.{moment % BILLION:09d}Z".encode()

    def _write_due(self) -> None:
        sources = self._sources.values()
        while all(source.is_ready and not source.is_passing for source in sources):
            bounds = [self._last_key(source) for source in sources if not source.is_over or source.long]
            bound = min(bounds, default=None)
            if not self._write_until(bound):
                return

    def _last_key(self, source: _Source) -> bytes:
        """The time up to which a log is known."""
        return self._key(source.long[0].data) if source.long else source.lines[-1][0]

    def _write_until(self, bound: bytes | None) -> bool:
        """Write the lines up to a time, and the long line that is due then; returns whether there were any."""
        due: list[_Stamped] = []
        for source in self._sources.values():
            taken = len(source.lines) if bound is None else bisect_right(source.lines, bound, key=itemgetter(0))
            if taken:
                due += source.lines[:taken]
                del source.lines[:taken]
        due.sort(key=itemgetter(0))
        if due:
            self._writer.add_runs(map(_run, groupby(due, itemgetter(1))))
        long = self._due_long(bound)
        for source in self._sources.values():
            if source.size <= MOST_BYTES:
                source.room.set()
        return bool(due) or long

    def _due_long(self, bound: bytes | None) -> bool:
        for source in self._sources.values():
            if source.long and not source.lines and (bound is None or self._key(source.long[0].data) <= bound):
                pieces, source.long = source.long, []
                later, source.later = source.later, []
                source.size = 0
                self._writer.add(source.channel, pieces)
                source.is_passing = pieces[-1].cut is not Cut.END and not source.is_over
                source.room.set()
                for piece in later:
                    self._take(source, piece)
                return True
        return False


def _run(group: tuple[_Source, Iterator[_Stamped]]) -> tuple[Channel, bytes]:
    """Lines of one log that follow each other: they no longer wait."""
    source, lines = group
    data = b"".join([line for _, _, line in lines])
    source.size -= len(data)
    return source.channel, data
