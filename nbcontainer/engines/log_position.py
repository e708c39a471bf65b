"""Where to resume in a container's log, after the connection that carried its output broke.

The log is read from its beginning, and what was received before is skipped, counted by lines in each stream, since a
log may replace bytes that are not text, and completes an unfinished last line. There the text is compared with what was
received before, since an engine that rotates logs drops their beginnings.
"""

from __future__ import annotations

KEPT_BYTES = 4096  # of what came last, to recognize the place by
LEAST_ALIKE = 200  # characters of the log's end that must have been received, where it is shorter than that


class Position:
    """How much of one stream has been received."""

    def __init__(self) -> None:
        self.lines = 0  # complete ones
        self.partial = 0  # bytes of the unfinished line after them
        self.bytes = 0  # in total
        self.last = b""

    def take(self, data: bytes) -> None:
        """Count what was received."""
        lines = data.count(b"\n")
        self.lines += lines
        self.partial = len(data) - data.rfind(b"\n") - 1 if lines else self.partial + len(data)
        self.bytes += len(data)
        self.last = _end_of(self.last, data)

    def has(self, end: bytes) -> bool:
        """Whether what was received last contains the end of a log."""
        return _text(end)[-LEAST_ALIKE:] in _text(self.last)

    def is_passed(self, log: bytes) -> bool:
        """Whether a part of a log has what was received last, and more after it."""
        return not self.has(log[-KEPT_BYTES:]) and _text(self.last)[-LEAST_ALIKE:] in _text(log)


class Unread:
    """Finds in a stream's log what has not been read yet."""

    def __init__(self, position: Position) -> None:
        self._lines, self._bytes = position.lines, position.partial
        self._position = position
        self._came = position.last
        self._logged = _as_logged(position.last[-position.partial :]) if 0 < position.partial <= KEPT_BYTES else b""
        self._passed = b""
        self.other = False  # whether it is another log than the one read before, or lacks its beginning

    def feed(self, data: bytes) -> bytes:
        """The part of the log's next bytes that has not been read."""
        if not self._lines and not self._bytes:
            return data
        at = self._place(data)
        self._passed = _end_of(self._passed, data[:at])
        if not self._lines and not self._bytes:
            size = min(len(_text(self._passed)), len(_text(self._came)))
            self.other = _text(self._passed)[-size:] != _text(self._came)[-size:]
        return data[at:]

    def _place(self, data: bytes) -> int:
        """How many bytes to skip."""
        at, count = 0, data.count(b"\n")
        if count < self._lines:
            self._lines -= count
            return len(data)
        for _ in range(self._lines):
            at = data.find(b"\n", at) + 1
        self._lines = 0
        if self._logged and at < len(data):
            if data.startswith(self._logged, at):
                self._bytes = len(self._logged)
            self._logged = b""
        step = min(self._bytes, len(data) - at)
        self._bytes -= step
        return at + step

    def ended_well(self) -> bool:
        """Whether the whole log was read, now that it has ended.

        A log that is shorter than what was received may lack its beginning: then its end is new.
        """
        return not self.other and (not (self._lines or self._bytes) or self._position.has(self._passed))


def _end_of(before: bytes, data: bytes) -> bytes:
    return data[-KEPT_BYTES:] if len(data) >= KEPT_BYTES else (before + data)[-KEPT_BYTES:]


def _as_logged(data: bytes) -> bytes:
    """The bytes as Docker's json-file driver keeps them: each byte that is not UTF-8 becomes U+FFFD."""
    escaped = data.decode("utf-8", "surrogateescape")
    return "".join("\ufffd" if "\udc80" <= character <= "\udcff" else character for character in escaped).encode()


def _text(data: bytes) -> str:
    """What every log keeps: the text without invalid bytes, spaces and line breaks."""
    return "".join(data.decode("utf-8", "ignore").replace("\ufffd", "").split())
