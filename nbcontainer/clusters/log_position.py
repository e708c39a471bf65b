"""A reader's position in a log: what was read, and which lines of a new stream come after it. Pure."""

from __future__ import annotations

import copy
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbcontainer.model.timestamps import BILLION, NANOSECONDS, SECOND, nanoseconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEGINNING = 1_000  # bytes of a line that are compared to identify lines with the same stamp
TAIL_BYTES = 64 * 1024  # of a log's end, in which the last lines are looked up once a stream has broken
MARGIN = 1  # seconds by which stamps may be out of order: stdout and stderr are stamped concurrently


class Moments:
    """Reads stamps (RFC 3339, in any zone, with up to nine digits of a second) as nanoseconds since the epoch."""

    def __init__(self) -> None:
        self._second, self._base = b"none yet", 0

    def __call__(self, stamp: bytes) -> int | None:
        """The time in a stamp; None if it is not a stamp."""
        # nearly all lines have the same form and second as the line before
        if len(stamp) == NANOSECONDS and stamp.startswith(self._second) and stamp.endswith(b"Z"):
            digits = stamp[SECOND + 1 : -1]
            if digits.isdigit():
                return self._base + int(digits)
        moment = nanoseconds_of(stamp)
        if moment is not None and stamp.endswith(b"Z"):
            self._second, self._base = stamp[:SECOND] + b".", moment // BILLION * BILLION
        return moment


class Position:
    """The last line that was read from a container's log, which is searched for in the stream after a break.

    The API's `sinceTime` has whole seconds, so a new stream begins with lines that were already read, or that
    `tailLines` or `sinceSeconds` left out. Full stamps identify them: everything up to the last line that was read is
    old, everything after it is new. If several lines share its stamp, those that were read before it are old too.
    Lines may be out of order by their stamps, because stdout and stderr are stamped separately.

    Attributes:
        searching: whether the last line has not been found in the current stream yet.
        found: whether it has; if neither, the current stream is the first, or the line is not sent again.
        on_gap: called with the last line's time if the log now begins after it, for example after a rotation.
    """

    def __init__(self) -> None:
        self.on_gap: Callable[[str], None] = lambda _since: None
        self.restart()

    def restart(self, *, within: bool = False) -> None:
        """Start a container's log, or with `within` a part of it, with possibly more before it."""
        self._tail: deque[bytes] = deque()  # what was read last
        self._tail_bytes = 0
        self._is_tail_cut = False  # whether more was read before it
        self._is_last_whole = True  # whether its last line has ended
        self._last: int | None = None  # the stamp of the last line
        self._run: list[bytes] = []  # the beginnings of that line and of those directly before it with the same stamp
        self._within = within  # whether there may be more of them, before the first line that was read
        self._highest = 0
        self._forget_stream()

    def resume(self) -> None:
        """Start a new stream, which was requested from `since` on."""
        self._look_up()
        self._forget_stream()
        self.searching = bool(self._run)

    def twin(self) -> Position:
        """The same position, for a stream that is read beside this one's; it reports no gap."""
        twin = copy.deepcopy(self, {id(self.on_gap): self.on_gap})
        twin.on_gap = lambda _since: None
        return twin

    def _forget_stream(self) -> None:
        self.searching = self.found = False
        self._coming: deque[bytes] = deque(maxlen=len(self._run) if self._within else None)
        self._old = False  # whether it has had any old line

    @property
    def since(self) -> str:
        """The `sinceTime` with which to go on, or "" if nothing was read yet."""
        self._look_up()
        return "" if self._last is None else utc(self._last // BILLION - MARGIN)

    def find(self, moments: Sequence[int | None], lines: Sequence[bytes]) -> int:
        """How many of these lines are old; once one is new, so are all that follow."""
        for index, (moment, line) in enumerate(zip(moments, lines, strict=True)):
            if moment is not None and self._is_new(moment, line):
                self.searching = False
                return index
            if self.found and not self._within:
                self.searching = False
                return index + 1
        return len(lines)

    def passed(self, data: bytes, *, whole: bool = True) -> None:
        """Record that these lines were read; without `whole`, they are the beginning of a long one."""
        data = data if whole else data[:BEGINNING]
        self._tail.append(b"\n" + data if self._tail and not self._is_last_whole else data)
        self._is_last_whole = whole
        self._tail_bytes += len(self._tail[-1])
        while self._tail_bytes - len(self._tail[0]) >= TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft())
            self._is_tail_cut = True

    def _look_up(self) -> None:
        """Find the last line, and the highest stamp, in what was read since the last look."""
        if not self._tail:
            return
        lines = b"".join(self._tail).removesuffix(b"\n").split(b"\n")
        moment = Moments()
        moments = [moment(line.partition(b" ")[0]) for line in lines]
        known = [one for one in moments if one is not None]
        if known:
            last, start = known[-1], len(moments)
            while start and moments[start - 1] == last:
                start -= 1
            if start or last != self._last or self._is_tail_cut:
                self._within = self._within and self._last is None and not start and not self._is_tail_cut
                self._run = []
            self._run += [line[:BEGINNING] for line in lines[start:]]
            self._within = self._within and self._is_last_whole
            self._last, self._highest = last, max(self._highest, *known)
        self._tail.clear()
        self._tail_bytes, self._is_tail_cut = 0, False

    def _is_new(self, moment: int, line: bytes) -> bool:
        if moment > self._highest:
            if not self._old:
                self.on_gap(utc((self._last or 0) // BILLION))
            return True
        self._old = True
        if moment != self._last:
            self._coming.clear()
            return self.found
        self._coming.append(line[:BEGINNING])
        before, self.found = self.found, list(self._coming) == self._run
        # where the same text repeats, the last match counts
        return before and not self.found


def utc(second: int) -> str:
    """A stamp of whole seconds since the epoch."""
    return datetime.fromtimestamp(max(0, second), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
