"""Where in a container's log to go on, when the connection that brought its output broke.

The log is read from its beginning, and what had come already is passed over, counted by lines in each stream: a log may
replace bytes that are no text, and ends a last line that had no end. That it is the same text is checked at that place,
since an engine that rotates logs drops their beginnings.
"""

from __future__ import annotations

__all__ = ["KEPT_BYTES", "Position", "Unread"]

KEPT_BYTES = 4096  # of what came last, by which the place is known again
LEAST_ALIKE = 200  # characters of the log's end that must have come, where it is shorter than what came


class Position:
    """How far one stream's output has come."""

    def __init__(self) -> None:
        self.lines = 0  # that were whole
        self.begun = 0  # bytes of the line after them
        self.bytes = 0  # in all
        self.last = b""

    def take(self, data: bytes) -> None:
        """Count what has come."""
        lines = data.count(b"\n")
        self.lines += lines
        self.begun = len(data) - data.rfind(b"\n") - 1 if lines else self.begun + len(data)
        self.bytes += len(data)
        self.last = _end_of(self.last, data)

    def has(self, end: bytes) -> bool:
        """Whether what came last has the end of a log."""
        return _text(end)[-LEAST_ALIKE:] in _text(self.last)


class Unread:
    """Finds in a stream's log what is not read yet."""

    def __init__(self, position: Position) -> None:
        self._lines, self._bytes = position.lines, position.begun
        self._position = position
        self._came = position.last
        self._passed = b""
        self.other = False  # whether the log is not the one that was read before, or not from its beginning

    def feed(self, data: bytes) -> bytes:
        """What of the log's next bytes has not been read."""
        if not self._lines and not self._bytes:
            return data
        at = self._place(data)
        self._passed = _end_of(self._passed, data[:at])
        if not self._lines and not self._bytes:
            size = min(len(_text(self._passed)), len(_text(self._came)))
            self.other = _text(self._passed)[-size:] != _text(self._came)[-size:]
        return data[at:]

    def _place(self, data: bytes) -> int:
        """How many bytes are passed over."""
        at, count = 0, data.count(b"\n")
        if count < self._lines:
            self._lines -= count
            return len(data)
        for _ in range(self._lines):
            at = data.find(b"\n", at) + 1
        self._lines = 0
        step = min(self._bytes, len(data) - at)
        self._bytes -= step
        return at + step

    def ended_well(self) -> bool:
        """Whether all that the log has was read, now that it has ended.

        One that is shorter than what came may lack its beginning: then its end is something new.
        """
        return not self.other and (not (self._lines or self._bytes) or self._position.has(self._passed))


def _end_of(before: bytes, data: bytes) -> bytes:
    return data[-KEPT_BYTES:] if len(data) >= KEPT_BYTES else (before + data)[-KEPT_BYTES:]


def _text(data: bytes) -> str:
    """What every log keeps: the text without what is no character, and without spaces and line breaks."""
    return "".join(data.decode("utf-8", "ignore").replace("\ufffd", "").split())
