"""Lines of logs: as chunks of bytes, which is how they travel, and as objects for whoever looks at them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import NamedTuple

from nbcontainer.model.timestamps import LONGEST_STAMP, NANOSECONDS, SECOND, stamp_before

LONGEST_LINE = 64 * 1024  # characters of one line's text; the log's file has all of it
LAST_TIME = 253402300799.0  # the last second of the year 9999, datetime's last year
_STAMP_AFTER_NEWLINE = re.compile(r"\n[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z ")


class LogLine(NamedTuple):
    """One line of `source` ("pod" or "pod/container"). `time` is seconds since the epoch, 0 where there is none.

    Of a very long line, `text` is the beginning; `missing` says how many characters more the log's file has.
    """

    source: str
    text: str
    time: float = 0.0
    stream: str = "stdout"
    missing: int = 0

    def __str__(self) -> str:
        """The line's text."""
        return self.text


# `LogLine._make` does the same in Python, which costs each line twice as much
_line: Callable[[Iterable[object]], LogLine] = functools.partial(tuple.__new__, LogLine)


class Stamps:
    """Reads timestamps (RFC 3339, in any zone, with up to nine digits of a second)."""

    def __init__(self) -> None:
        self._second, self._base = "none yet", 0.0

    def split(self, line: str) -> tuple[float, str]:
        """The time at a line's beginning, in seconds since the epoch, and the rest; (0, line) where there is none."""
        # nearly all lines have the same form and second as the line before
        if (
            line[:SECOND] == self._second
            and line[SECOND : SECOND + 1] == "."
            and line[NANOSECONDS - 1 : NANOSECONDS + 1] == "Z "
        ):
            digits = line[SECOND + 1 : NANOSECONDS - 1]
            if digits.isdecimal():
                return self._base + int(digits) / 1e9, line[NANOSECONDS + 1 :]
        stamp, space, rest = line[: LONGEST_STAMP + 1].partition(" ")
        time = self.seconds(stamp) if len(stamp) <= LONGEST_STAMP else 0.0
        return (time, rest + line[LONGEST_STAMP + 1 :] if space else "") if time else (0.0, line)

    def seconds(self, stamp: str) -> float:
        """A timestamp in seconds since the epoch; 0 if it is not one."""
        if len(stamp) <= SECOND or stamp[SECOND] not in ".Z+-" or not stamp[:4].isdecimal():
            return 0.0
        try:
            time = datetime.fromisoformat(stamp).timestamp()
        except (ValueError, OverflowError):
            return 0.0
        if stamp.endswith("Z"):
            whole = float(int(time))
            self._second, self._base = stamp[:SECOND], whole
            fraction = stamp[SECOND + 1 : -1]
            return whole + (int(fraction.ljust(9, "0")) / 1e9 if fraction else 0.0)  # datetime has only microseconds
        return time


@dataclass(frozen=True)
class LogChunk:
    r"""Lines of one source that arrived together, as they came.

    Attributes:
        source: whose; `stream` is "stdout" or "stderr".
        data: the lines with their line ends; only the last may lack one.
        count: how many lines these are.
        first, last: the times of the first and the last line in seconds since the epoch; 0 where they are not known.
        stamped: whether each line begins with a timestamp and a space, which are not part of its text.
        size: the size of the lines in bytes; more than `data` has for a line so long that `data` is only its beginning.
    """

    source: str
    data: bytes
    count: int
    stream: str = "stdout"
    first: float = 0.0
    last: float = 0.0
    stamped: bool = False
    size: int = 0

    @functools.cached_property
    def lines(self) -> tuple[LogLine, ...]:
        """The lines, decoded; what cannot be decoded becomes U+FFFD."""
        texts, times = self._decoded.split("\n"), repeat(self.first)
        if self.stamped:
            split = Stamps().split
            times, texts = zip(*map(split, texts), strict=True)  # type: ignore[assignment]
        missing: Iterable[int] = repeat(0)
        if self.has_long_lines:
            missing = [self._missing(text) for text in texts]
            texts = [text[:LONGEST_LINE] for text in texts]
        return tuple(map(_line, zip(repeat(self.source), texts, times, repeat(self.stream), missing)))

    @property
    def text(self) -> str:
        """The texts of the lines, joined by newlines; much faster than `lines`."""
        text = self._decoded
        if self.stamped:
            # nearly all stamps have the form that containers' logs have
            stripped, count = _STAMP_AFTER_NEWLINE.subn("\n", f"\n{text}")
            split = Stamps().split
            text = stripped[1:] if count == self.count else "\n".join([split(line)[1] for line in text.split("\n")])
        return "\n".join([line[:LONGEST_LINE] for line in text.split("\n")]) if self.has_long_lines else text

    @property
    def text_size(self) -> int:
        """The size of the lines in bytes without their timestamps, which nearly all have the same length."""
        stamp = stamp_before(self.data[: LONGEST_STAMP + 1]) if self.stamped else b""
        length = max(len(stamp), NANOSECONDS + 1) if b"." in stamp else len(stamp)  # Podman's have whole seconds
        return max(0, max(self.size, len(self.data)) - self.count * length)

    @property
    def _decoded(self) -> str:
        """The lines with their timestamps."""
        # in UTF-8 a newline byte is never part of a longer character, so all lines can be decoded at once
        text = self.data.decode("utf-8", "replace")
        if self.data.endswith(b"\n"):
            text = text[:-1]
        return text.replace("\r\n", "\n").removesuffix("\r") if b"\r" in self.data else text

    @property
    def has_long_lines(self) -> bool:
        """Whether a line may be longer than `LONGEST_LINE`: then there is no line end in half of that."""
        data, half = self.data, LONGEST_LINE // 2
        return self.size > len(data) or any(
            data.find(b"\n", at, at + half) < 0 for at in range(0, len(data) - half, half)
        )

    def _missing(self, text: str) -> int:
        """How many characters of a line come after the first `LONGEST_LINE`; those that `data` lacks count as bytes."""
        return max(0, len(text) - LONGEST_LINE) + max(0, self.size - len(self.data))

    def since(self, number: int) -> LogChunk:
        """This chunk without its first `number` lines."""
        return self._part(number, self.count) if number > 0 else self

    def until(self, number: int) -> LogChunk:
        """The first `number` lines of this chunk."""
        return self._part(0, number) if number < self.count else self

    def _part(self, first: int, end: int) -> LogChunk:
        data = self.data[self._offset(first) : self._offset(end)]
        return LogChunk(self.source, data, end - first, self.stream, self.first, self.last, self.stamped, len(data))

    def _offset(self, number: int) -> int:
        """Where line `number` begins; it is looked for from the nearer end."""
        data = self.data
        if number <= self.count // 2:
            at = 0
            for _ in range(number):
                at = data.find(b"\n", at) + 1
            return at
        at = len(data)
        for _ in range(self.count - number):
            at = data.rfind(b"\n", 0, at - 1) + 1
        return at


def count_lines(data: bytes) -> int:
    """How many lines these bytes are; the last need not have a line end."""
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def chunks_of(lines: Iterable[LogLine]) -> Iterator[LogChunk]:
    """The lines as chunks, one for each run of lines of the same source. A newline in a text becomes "␊"."""
    run: list[LogLine] = []
    for line in lines:
        if run and (line.source, line.stream, bool(line.time)) != (run[0].source, run[0].stream, bool(run[0].time)):
            yield _chunk(run)
            run = []
        run.append(line)
    if run:
        yield _chunk(run)


def _chunk(lines: Sequence[LogLine]) -> LogChunk:
    first, last = lines[0], lines[-1]
    data = "".join(f"{_stamp(line.time)}{line.text.replace(chr(10), '␊')}\n" for line in lines)
    raw = data.encode("utf-8", "replace")
    stamped = bool(first.time)
    return LogChunk(first.source, raw, len(lines), first.stream, first.time, last.time, stamped, len(raw))


def _stamp(time: float) -> str:
    if not 0 < time < LAST_TIME:
        return ""
    whole = int(time)
    fraction = min(999_999_999, round((time - whole) * 1e9))
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z "
