"""The lines of a log, from its file or from the end that its state has."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.errors import LinesMissing
from nbcontainer.model.log_file import LogReader

if TYPE_CHECKING:
    from nbcontainer.model.log_lines import LogChunk, LogLine
    from nbcontainer.model.logs import LogState


@functools.lru_cache(maxsize=16)
def _reader(path: str) -> LogReader:
    """The reader of a file: it remembers the sources' names."""
    return LogReader(path)


def chunks_from(state: LogState, first: int) -> Iterator[tuple[int, LogChunk]]:
    """A log from line `first` on: chunks, and the number of the first line of each.

    They are read from the log's file, which may have more than the state, or else from the end that the state has.
    Lines in neither are left out.
    """
    held = state.total - sum(chunk.count for chunk in state.chunks)
    if first < held and state.spool:
        with suppress(OSError):  # somebody has removed it
            for chunk in _reader(state.spool).chunks(first):
                yield first, chunk
                first += chunk.count
    for chunk in state.chunks:
        if held + chunk.count > first:
            skipped = max(0, first - held)
            yield held + skipped, chunk.since(skipped)
        held += chunk.count


def every_chunk_from(state: LogState, first: int) -> Iterator[tuple[int, LogChunk]]:
    """As `chunks_from`, but lines that are left out are an error.

    Raises:
        LinesMissing: the next lines are neither in the file nor in memory.
    """
    for number, chunk in chunks_from(state, first):
        if number > first:
            raise missing_lines(state, first, number - first)
        yield number, chunk
        first = number + chunk.count


def missing_lines(state: LogState, first: int, count: int) -> LinesMissing:
    """The error for lines from `first` on that are neither in the file nor in memory."""
    why = state.spool_note or "its file was removed"
    lines = "line" if count == 1 else f"{count:,} lines"
    return LinesMissing(
        f"The log {state.title} lacks {lines} from line {first + 1:,} on: {why}.",
        first=first,
        count=count,
        cure="Its last lines are in `state.lines`.",
    )


def lines_of(state: LogState, first: int, count: int) -> list[LogLine]:
    """Up to `count` lines of a log from line `first` on, as `chunks_from` finds them; none after a missing one."""
    found: list[LogLine] = []
    if count <= 0:
        return found
    for number, chunk in chunks_from(state, first):
        if number != first + len(found):
            break
        found += chunk.until(count - len(found)).lines
        if len(found) >= count:
            break
    return found


def output_of(state: LogState, most: int, stream: str = "") -> tuple[str, int]:
    """What a command wrote, and how many bytes there are before that: if it is too much, its last whole lines.

    Args:
        state: the output's state at its end.
        most: how many bytes are returned at most.
        stream: only those of this stream, "stdout" or "stderr"; both if it is empty.
    """
    if state.spool and not state.spool_note:
        with suppress(OSError):  # somebody has removed it
            data, hidden = LogReader(state.spool).output(most, stream)
            return _from_line_start(data, hidden)
    chunks = [chunk for chunk in state.chunks if not stream or chunk.stream == stream]
    data = b"".join(chunk.data for chunk in chunks)
    hidden = max(0, len(data) - most)
    if state.total > sum(chunk.count for chunk in state.chunks):  # of both streams: it is not known how much of each
        hidden += state.total_bytes - sum(len(chunk.data) for chunk in state.chunks)
    return _from_line_start(data[-most:], hidden)


def _from_line_start(data: bytes, hidden: int) -> tuple[str, int]:
    start = data.find(b"\n") + 1 if hidden else 0
    start = 0 if start == len(data) else start  # of one very long line, its end
    return data[start:].decode("utf-8", "replace"), hidden + start


def line_at(state: LogState, time: float) -> int:
    """The number of the first line that was written at `time` (in seconds since the epoch) or later; else the last."""
    number = 0
    with suppress(OSError):
        number = _reader(state.spool).line_at(time) if state.spool else 0
    for first, chunk in chunks_from(state, number):
        if chunk.last >= time:
            return min(first + sum(0 < line.time < time for line in chunk.lines), state.total - 1)
    return max(0, state.total - 1)
