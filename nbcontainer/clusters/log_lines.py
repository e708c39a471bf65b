"""From a log stream's bytes to lines, and the position at which an interrupted stream is resumed. Pure."""

from __future__ import annotations

import sys

from nbcontainer.clusters.log_position import BILLION, Moments, Position
from nbcontainer.model.logs import LogLine

LINE_LIMIT = 10_000  # characters of one line that are kept in memory; the spool file has all of it
LONG_LINE = 65_536  # bytes after which an unfinished line goes to the spool without waiting for its end


class LineReader:
    """The lines of one container, across all the streams that carry them.

    With timestamps, a broken stream can be resumed at `resume_from`: no line is lost or returned twice, and a long line
    that was cut is continued. `log_position` explains how.

    Args:
        source: the name that lines carry.
        stamped: whether each line begins with a timestamp, as with `timestamps=true`.
        keep_stamps: whether the timestamps go to the spool file too.
        prefix: the beginning of each line in the spool file.
        stream: "stdout" or "stderr", if it is known.
    """

    def __init__(
        self, source: str, *, stamped: bool, keep_stamps: bool = False, prefix: bytes = b"", stream: str = "stdout"
    ) -> None:
        self._source = source
        self._stamped = stamped
        self._keep_stamps = keep_stamps
        self._prefix = prefix
        self._stream = stream
        self._rest = b""
        self._long: _LongLine | None = None
        self._broken: _LongLine | None = None  # a long line whose stream broke within it
        self._moment = Moments()
        self.position = Position()

    @property
    def resume_from(self) -> str:
        """The `sinceTime` of the next request, or "" if nothing was read yet."""
        return self.position.since

    def begin(self, *, resume: bool, within: bool = False) -> None:
        """Start a new stream: one that resumes the last, or the stream of a new container.

        Args:
            resume: whether it resumes the last.
            within: if it does not: whether only a part of the log was requested, with possibly more before it.
        """
        if resume:
            self.position.resume()
            self._broken = self._long if self._long is not None and not self._long.old else self._broken
        else:
            self.position.restart(within=within)
            self._broken = None
        self._rest, self._long = b"", None

    def feed(self, chunk: bytes) -> tuple[list[LogLine], bytes]:
        """Take bytes; returns the lines that they complete, and the bytes for the spool file."""
        done: list[LogLine] = []
        spooled = b""
        if self._long is not None:
            end = chunk.find(b"\n")
            part, chunk = (chunk, b"") if end < 0 else (chunk[:end], chunk[end + 1 :])
            spooled = self._long.take(part)
            if end < 0:
                return done, spooled
            found, text = self._end_long()
            done += found
            spooled += text
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines:
            found, text = self._decode(lines)
            done += found
            spooled += text
        if len(self._rest) > LONG_LINE:
            found, text = self._begin_long()
            done += found
            spooled += text
        return done, spooled

    def finish(self) -> tuple[list[LogLine], bytes]:
        """The log has ended: returns its last line if that had no line end."""
        done, spooled = self._end_broken()
        if self._long is not None:
            found, text = self._end_long()
        else:
            rest, self._rest = self._rest, b""
            # a line that was cut within its timestamp has no text yet
            found, text = self._decode([rest]) if rest and (b" " in rest or not self._stamped) else ([], b"")
        return done + found, spooled + text

    def _decode(self, lines: list[bytes]) -> tuple[list[LogLine], bytes]:
        done: list[LogLine] = []
        spooled = b""
        times: list[float] = []
        bodies = lines
        if self._stamped:
            bodies, moments, old = self._unstamp(lines)
            if self._broken is not None and not self.position.searching:
                done, spooled = self._end_broken(bodies[old - 1] if self.position.found else b"")
            bodies, lines = bodies[old:], lines[old:]
            times = [(moment or 0) / BILLION for moment in moments[old:]]
        if not bodies:
            return done, spooled
        joined = b"\n".join(bodies)
        # in UTF-8 a newline byte is never part of a longer character, so all lines can be decoded at once
        texts = joined.decode("utf-8", "replace").split("\n")
        if len(joined) > LINE_LIMIT:
            texts = [_cut(text, len(text)) if len(text) > LINE_LIMIT else text for text in texts]
        source, stream = self._source, self._stream
        if times:
            done += [LogLine(source, text, time, stream) for text, time in zip(texts, times, strict=True)]
        else:
            done += [LogLine(source, text, 0.0, stream) for text in texts]
        if self._keep_stamps:
            joined = b"\n".join(lines)
        if self._prefix:
            joined = self._prefix + joined.replace(b"\n", b"\n" + self._prefix)
        return done, spooled + joined + b"\n"

    def _unstamp(self, lines: list[bytes], *, whole: bool = True) -> tuple[list[bytes], list[int | None], int]:
        """The lines without their timestamps, the timestamps, and how many of the lines were already returned."""
        parts = [line.partition(b" ") for line in lines]
        moments = [self._moment(stamp) for stamp, _, _ in parts]
        # the rest of a line that began before the stream has no timestamp
        bodies = [
            line if moment is None else body for line, moment, (_, _, body) in zip(lines, moments, parts, strict=True)
        ]
        old = self.position.find(moments, lines) if self.position.searching else 0
        self.position.saw(moments[old:], lines[old:], whole=whole)
        return bodies, moments, old

    def _begin_long(self) -> tuple[list[LogLine], bytes]:
        """The unfinished line is long: spool what has arrived of it, and keep its beginning in memory."""
        rest, self._rest = self._rest, b""
        body, moment, old = rest, None, 0
        if self._stamped:
            (body,), (moment,), old = self._unstamp([rest], whole=False)
        if old and not (self._broken is not None and self.position.found):
            self._long = _LongLine("", 0.0, spooled=sys.maxsize)
            return [], b""
        if old and self._broken is not None:
            self._long, self._broken = self._broken, None
            self._long.size = 0
            return [], self._long.take(body)
        done, spooled = self._end_broken()
        head = body[: 4 * LINE_LIMIT].decode("utf-8", "replace")[:LINE_LIMIT]
        self._long = _LongLine(head, (moment or 0) / BILLION)
        self._long.take(body)
        return done, spooled + self._prefix + (rest if self._keep_stamps else body)

    def _end_long(self) -> tuple[list[LogLine], bytes]:
        line, self._long = self._long, None
        return ([self._cut_line(line)], b"\n") if line is not None and not line.old else ([], b"")

    def _end_broken(self, body: bytes = b"") -> tuple[list[LogLine], bytes]:
        """A long line that was cut was sent again, with `body` as its text, or is not sent again."""
        line, self._broken = self._broken, None
        if line is None:
            return [], b""
        more = body[line.spooled :]
        line.size = line.spooled + len(more)
        return [self._cut_line(line)], more + b"\n"

    def _cut_line(self, line: _LongLine) -> LogLine:
        return LogLine(self._source, _cut(line.head, line.size), line.time, self._stream)


class _LongLine:
    """A line that is too long for memory, while it arrives; `spooled` bytes of it are in the spool file."""

    def __init__(self, head: str, time: float, *, spooled: int = 0) -> None:
        self.head, self.time, self.spooled = head, time, spooled
        self.size = 0
        self.old = spooled == sys.maxsize

    def take(self, part: bytes) -> bytes:
        """Take more of it; returns what the spool file does not have yet."""
        missing = part[max(0, self.spooled - self.size) :]
        self.size += len(part)
        self.spooled = max(self.spooled, self.size)
        return missing


def _cut(text: str, size: int) -> str:
    return f"{text[:LINE_LIMIT]} … [{size - LINE_LIMIT:,} more, all in the spool file]"
