"""From a log stream's bytes to lines, and the place from which an interrupted stream goes on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.cluster.columns import epoch
from nbcontainer.model.logs import LogLine

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LINE_LIMIT", "LineReader"]

LINE_LIMIT = 10_000  # characters of one line that a window holds; the spool file has all of it
LONG_LINE = 65_536  # bytes after which an unfinished line goes to the spool without waiting for its end
SECOND = len("2026-01-02T03:04:05")


class LineReader:
    """The lines of one container, over all the streams in which they come.

    With timestamps, a stream that broke can be taken up again: the API's `sinceTime` counts in whole seconds, so the
    new stream is asked for from the last line's second on (`resume_from`), and as many lines of that second as were
    seen are passed over. No line is lost or given twice, many with the same timestamp included.

    Where not one of those lines comes again, the node has rotated them away, and whatever followed them up to the new
    stream's first line may be lost with them: `on_gap` is called with the last time seen, before that line is given.

    Args:
        source: the name that lines carry.
        stamped: whether each line begins with a timestamp, as `timestamps=true` makes it.
        keep_stamps: whether the spool file gets them too.
        prefix: what stands before each line in the spool file.
        stream: "stdout" or "stderr", where it is known.
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
        self._second = b""
        self._zone = b"Z"
        self._seen = 0  # lines of that second so far
        self._skip = 0
        self._base = (b"", 0.0)
        self.on_gap: Callable[[str], None] = lambda _since: None

    @property
    def resume_from(self) -> str:
        """The `sinceTime` with which to go on, or "" if nothing was read yet."""
        return (self._second + self._zone).decode() if self._second else ""

    def begin(self, *, resume: bool) -> None:
        """A new stream begins: one that goes on where the last broke off, or one of a new container."""
        self._rest, self._long = b"", None
        self._skip = self._seen if resume else 0
        if not resume:
            self._second, self._seen = b"", 0

    def feed(self, chunk: bytes) -> tuple[list[LogLine], bytes]:
        """Take bytes; give the lines that they complete, and what goes to the spool file."""
        spooled = b""
        done: list[LogLine] = []
        if self._long is not None:
            end = chunk.find(b"\n")
            part, chunk = (chunk, b"") if end < 0 else (chunk[: end + 1], chunk[end + 1 :])
            if not self._long.mute:
                spooled = part
            self._long.size += len(part.rstrip(b"\n"))
            if end < 0:
                return done, spooled
            done, self._long = self._end_long(self._long), None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines:
            found, text = self._decode(lines)
            done += found
            spooled += text
        if len(self._rest) > LONG_LINE:
            spooled += self._begin_long()
        return done, spooled

    def cut(self) -> tuple[list[LogLine], bytes]:
        """The stream broke: give the part of a long line that the spool file has already; a short one comes again."""
        return self.finish() if self._long is not None else ([], b"")

    def finish(self) -> tuple[list[LogLine], bytes]:
        """The log ended: give its last line if no line end came after it."""
        if self._long is not None:
            done, self._long = self._end_long(self._long), None
            return done, b"\n"
        if not self._rest:
            return [], b""
        rest, self._rest = self._rest, b""
        return self._decode([rest])

    def _decode(self, lines: list[bytes]) -> tuple[list[LogLine], bytes]:
        stamps: list[bytes] = []
        bodies = lines
        if self._stamped:
            bodies, lines = self._unstamp(lines, stamps)
        if not bodies:
            return [], b""
        joined = b"\n".join(bodies)
        # a line end never belongs to a longer character, so that all lines can be decoded at once
        texts = joined.decode("utf-8", "replace").split("\n")
        if len(joined) > LINE_LIMIT:
            texts = [_cut(text, len(text)) if len(text) > LINE_LIMIT else text for text in texts]
        source, stream, time = self._source, self._stream, self._time
        if stamps:
            found = [LogLine(source, text, time(stamp), stream) for text, stamp in zip(texts, stamps, strict=True)]
        else:
            found = [LogLine(source, text, 0.0, stream) for text in texts]
        if self._keep_stamps and stamps:
            joined = b"\n".join(lines)
        if self._prefix:
            joined = self._prefix + joined.replace(b"\n", b"\n" + self._prefix)
        return found, joined + b"\n"

    def _unstamp(self, lines: list[bytes], stamps: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Part the stamps from the lines, and pass over what was seen before."""
        bodies, kept = [], []
        second, seen, skip = self._second, self._seen, self._skip
        for line in lines:
            stamp, _, body = line.partition(b" ")
            now = stamp[:SECOND]
            if now == second:
                if skip:
                    skip -= 1
                    continue
                seen += 1
            elif now > second:
                if skip and skip == seen:
                    self.on_gap((second + self._zone).decode("ascii", "replace"))
                second, seen, skip = now, 1, 0
            bodies.append(body)
            stamps.append(stamp)
            kept.append(line)
        if stamps:
            self._zone = stamps[-1][SECOND:].lstrip(b".0123456789") or b"Z"
        self._second, self._seen, self._skip = second, seen, skip
        return bodies, kept

    def _time(self, stamp: bytes) -> float:
        second = stamp[:SECOND]
        fraction = stamp[SECOND:].rstrip(b"Z")
        if fraction[:1] != b"." or not fraction[1:].isdigit():
            return epoch(stamp.decode("ascii", "replace")) or 0.0
        if self._base[0] != second:
            self._base = (second, epoch(f"{second.decode('ascii', 'replace')}Z") or 0.0)
        return self._base[1] + float(fraction)

    def _begin_long(self) -> bytes:
        """The unfinished line is long: what came of it goes to the spool file, its beginning is kept."""
        rest, self._rest = self._rest, b""
        stamps: list[bytes] = []
        bodies, kept = self._unstamp([rest], stamps) if self._stamped else ([rest], [rest])
        if not bodies:
            self._long = _LongLine("", 0.0, 0, mute=True)
            return b""
        head = bodies[0][: 4 * LINE_LIMIT].decode("utf-8", "replace")[:LINE_LIMIT]
        self._long = _LongLine(head, self._time(stamps[0]) if stamps else 0.0, len(bodies[0]))
        return self._prefix + (kept[0] if self._keep_stamps else bodies[0])

    def _end_long(self, line: _LongLine) -> list[LogLine]:
        return [] if line.mute else [LogLine(self._source, _cut(line.head, line.size), line.time, self._stream)]


class _LongLine:
    """A line that is longer than is kept, while it still comes."""

    def __init__(self, head: str, time: float, size: int, *, mute: bool = False) -> None:
        self.head, self.time, self.size, self.mute = head, time, size, mute


def _cut(text: str, size: int) -> str:
    return f"{text[:LINE_LIMIT]} … [{size - LINE_LIMIT:,} more, all in the spool file]"
