"""Where in a log its reader stands: what was read, and which lines of a new stream come after it. Pure."""

from __future__ import annotations

import re
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Moments", "Position"]

BILLION = 1_000_000_000
BEGINNING = 1_000  # bytes by which lines with the same stamp are known
MARGIN = 1  # seconds by which stamps may be out of order: those of stdout and stderr are made side by side
SECOND = len("2026-01-02T03:04:05")
FULL = len("2026-01-02T03:04:05.123456789Z")
STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


class Moments:
    """Reads stamps (RFC 3339, in any zone, with up to nine digits of a second) as nanoseconds since the epoch."""

    def __init__(self) -> None:
        self._second, self._base = b"none yet", 0

    def __call__(self, stamp: bytes) -> int | None:
        """The moment that a stamp names; None where it is not one."""
        # nearly all lines have the form and the second of the line before
        if len(stamp) == FULL and stamp.startswith(self._second) and stamp.endswith(b"Z"):
            digits = stamp[SECOND + 1 : -1]
            if digits.isdigit():
                return self._base + int(digits)
        found = STAMP.fullmatch(stamp)
        if found is None:
            return None
        second, fraction, zone = found.groups(b"")
        try:
            base = int(datetime.fromisoformat((second + zone).decode()).timestamp()) * BILLION
        except ValueError:
            return None
        if zone == b"Z":
            self._second, self._base = second + b".", base
        return base + int(fraction.ljust(9, b"0"))


class Position:
    """The last line that was read of one container's log, found again in the streams that come after a break.

    The API's `sinceTime` counts in whole seconds, so a new stream begins with lines that were read, and with lines that
    `tailLines` or `sinceSeconds` left out. They are told by their whole stamps: everything up to the last line that was
    read is old, everything after it is new. Where several lines have its stamp, those that were read with it are old.
    Lines need not be in the order of their stamps: those of stdout and stderr are not always.

    Attributes:
        searching: whether the last line was not found yet in the present stream.
        found: whether it was; if neither, the present stream is the first, or the line does not come again.
        on_gap: called with the time of the last line where the log now begins after it, as after a rotation.
    """

    def __init__(self) -> None:
        self.on_gap: Callable[[str], None] = lambda _since: None
        self.restart()

    def restart(self, *, within: bool = False) -> None:
        """A container's log begins, or `within`: a part of it, before which there may be more."""
        self._last: int | None = None  # the stamp of the last line
        self._run: list[bytes] = []  # the beginnings of that line and of those right before it that have its stamp
        self._within = within  # whether there may be more of them, before the first line that was read
        self._highest = 0
        self._forget_stream()

    def resume(self) -> None:
        """A new stream begins, which was asked for from `since` on."""
        self._forget_stream()
        self.searching = bool(self._run)

    def _forget_stream(self) -> None:
        self.searching = self.found = False
        self._coming: deque[bytes] = deque(maxlen=len(self._run) if self._within else None)
        self._old = False  # whether it gave any line that is not new

    @property
    def since(self) -> str:
        """The `sinceTime` with which to go on, or "" if nothing was read yet."""
        return "" if self._last is None else _utc(self._last // BILLION - MARGIN)

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

    def saw(self, moments: Sequence[int | None], lines: Sequence[bytes], *, whole: bool = True) -> None:
        """These lines were read; not `whole`: the last of them goes on."""
        known = [moment for moment in moments if moment is not None]
        if not known:
            return
        last, start = known[-1], len(moments)
        while start and moments[start - 1] == last:
            start -= 1
        if start or last != self._last:
            self._within = self._within and self._last is None and not start
            self._run = []
        self._run += [line[:BEGINNING] for line in lines[start:]]
        self._within = self._within and whole
        self._last, self._highest = last, max(self._highest, *known)

    def _is_new(self, moment: int, line: bytes) -> bool:
        if moment > self._highest:
            if not self._old:
                self.on_gap(_utc((self._last or 0) // BILLION))
            return True
        self._old = True
        if moment != self._last:
            self._coming.clear()
            return self.found
        self._coming.append(line[:BEGINNING])
        before, self.found = self.found, list(self._coming) == self._run
        # where the same words stand there again and again, the last place that fits
        return before and not self.found


def _utc(second: int) -> str:
    return datetime.fromtimestamp(max(0, second), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
