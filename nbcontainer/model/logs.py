"""Log lines of containers and pods, merged.

The whole log goes to a spool file; the state holds a window of the last lines, and counts.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

from nbcontainer.drawn import Drawn
from nbcontainer.model.events import SpoolCut
from nbcontainer.model.log_fields import StructuredLog, fits
from nbcontainer.model.log_lines import LogChunk, LogLine
from nbcontainer.model.log_reading import every_chunk_from, lines_of, missing_lines
from nbcontainer.model.outcome import Outcome

WINDOW_LINES = 2_000
WINDOW_BYTES = 8 * 1024 * 1024
OUTPUT_BYTES = 4 * 1024 * 1024  # of the end of each stream's output, kept in the result of a command
KEPT_NOTES = 50


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Whose log, and how much of it; the fields are kubectl's flags.

    Attributes:
        names: pods, "deploy/NAME", "/REGEX/" for pods' names, or containers; empty with a selector.
        since: seconds back, 0 for all; `since_time` is a time in its place, `until_time` the end.
        tail: how many last lines of each source, -1 for all.
        include, exclude: regular expressions: only lines that match one of the former, and none of the latter.
        highlight: regular expressions whose matches are marked where lines are shown.
        max_log_requests: how many streams may be open at once, 0 for nbcontainer's own limit.
        prefix: whether each line names its source, even if there is only one.
        duration: seconds after which following ends, 0 for never.
    """

    names: tuple[str, ...] = ()
    namespace: str = ""
    selector: str = ""
    container: str = ""
    all_containers: bool = False
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: float = 0.0
    tail: int = -1
    duration: float = 0.0
    all_namespaces: bool = False
    since_time: str = ""
    until_time: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    highlight: tuple[str, ...] = ()
    max_log_requests: int = 0
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines that arrived together, in order of arrival."""

    chunks: tuple[LogChunk, ...]

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """The lines, decoded."""
        return tuple(line for chunk in self.chunks for line in chunk.lines)


@dataclass(frozen=True, slots=True)
class LogUnfinished:
    """The line that a stream has not ended yet, such as a prompt or a progress bar: its last bytes."""

    chunk: LogChunk


@dataclass(frozen=True, slots=True)
class LogSource:
    """A source was added, ended, restarted or cannot be read; `note` says it in words ("" if it was just added).

    With the name "", the note is about the whole log.
    """

    name: str
    open: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class LogGap:
    """Something is missing here; `note` says what, and why."""

    note: str


@dataclass(frozen=True, slots=True)
class LogEnded:
    """Nothing more will come.

    Attributes:
        reason: why it failed, if not by its exit code.
        exit_code: if this is a command's output, that of the command.
    """

    outcome: Outcome = Outcome.DONE
    reason: str = ""
    exit_code: int | None = None


def ended_with(exit_code: int | None) -> LogEnded:
    """The end of a command that was not stopped."""
    return LogEnded(Outcome.FAILED if exit_code else Outcome.DONE, exit_code=exit_code)


LogEvent = LogLines | LogUnfinished | LogSource | LogGap | LogEnded | SpoolCut


@dataclass(frozen=True)
class LogState:
    """The state of a log.

    Attributes:
        title: whose log, in the user's words.
        chunks: the end of the log: at least its last `WINDOW_LINES` lines, unless these are very long.
        unfinished: a line that has not ended yet, if there is one: the latest of all streams.
        total: how many lines there were in all; `total_bytes` their size without timestamps.
        sources: name → whether it is being read.
        notes: the last remarks on sources; `marks` has for each the number of lines before it, and `noted` is the
            number of all remarks so far.
        spool: the path of the file with all of it, or "".
        gaps: the notes that say what is missing, from the file or from the log itself.
        spool_note: why the file does not have all of it, or "".
        followed: whether new lines are waited for until it ends.
        highlight: regular expressions whose matches are marked where lines are shown.
        prefix: whether each line names its source, even if there is only one.
        outcome: how it ended; `reason` and `exit_code` are as in `LogEnded`.
    """

    title: str = ""
    where: str = ""
    chunks: tuple[LogChunk, ...] = ()
    unfinished: LogChunk | None = None
    total: int = 0
    total_bytes: int = 0
    sources: Mapping[str, bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    marks: tuple[int, ...] = ()
    noted: int = 0
    spool: str = ""
    gaps: tuple[str, ...] = ()
    spool_note: str = ""
    followed: bool = False
    timestamps: bool = False
    highlight: tuple[str, ...] = ()
    prefix: bool = False
    outcome: Outcome = Outcome.RUNNING
    reason: str = ""
    exit_code: int | None = None

    @functools.cached_property
    def lines(self) -> tuple[LogLine, ...]:
        """The last lines, at most `WINDOW_LINES`, decoded."""
        return tuple(self.last_lines(WINDOW_LINES))

    def last_lines(self, count: int) -> list[LogLine]:
        """The last `count` lines, or as many as `chunks` has; only these are decoded."""
        parts: list[tuple[LogLine, ...]] = []
        for chunk in reversed(self.chunks):
            if count <= 0:
                break
            parts.append(chunk.since(chunk.count - count).lines)
            count -= chunk.count
        return [line for part in reversed(parts) for line in part]

    @property
    def following(self) -> bool:
        """Whether new lines may still come."""
        return self.followed and self.outcome is Outcome.RUNNING


def apply_logs(state: LogState, event: LogEvent) -> LogState:
    """Fold one event into a log's state."""
    match event:
        case LogLines():
            return replace(
                state,
                chunks=_window((*state.chunks, *event.chunks)),
                unfinished=None if _ends(event, state.unfinished) else state.unfinished,
                total=state.total + sum(chunk.count for chunk in event.chunks),
                total_bytes=state.total_bytes + sum(chunk.text_size for chunk in event.chunks),
            )
        case LogUnfinished():
            return replace(state, unfinished=event.chunk)
        case LogSource():
            sources = {**state.sources, event.name: event.open} if event.name else state.sources
            state = replace(state, sources=sources)
            return _noted(state, event.note) if event.note else state
        case LogGap():
            return replace(_noted(state, event.note), gaps=(*state.gaps, event.note))
        case SpoolCut():
            return replace(_noted(state, event.note), gaps=(*state.gaps, event.note), spool_note=event.note)
        case LogEnded():
            closed = dict.fromkeys(state.sources, False)
            ended = replace(state, outcome=event.outcome, reason=event.reason, exit_code=event.exit_code)
            return replace(ended, sources=closed, unfinished=None)


def _ends(event: LogLines, line: LogChunk | None) -> bool:
    """Whether the lines have the end of an unfinished one."""
    return line is not None and any((it.source, it.stream) == (line.source, line.stream) for it in event.chunks)


def _noted(state: LogState, note: str) -> LogState:
    return replace(
        state,
        notes=(*state.notes, note)[-KEPT_NOTES:],
        marks=(*state.marks, state.total)[-KEPT_NOTES:],
        noted=state.noted + 1,
    )


def _window(chunks: tuple[LogChunk, ...]) -> tuple[LogChunk, ...]:
    """The last of the chunks, as many as are kept."""
    lines = size = 0
    for number in range(len(chunks) - 1, -1, -1):
        if lines >= WINDOW_LINES or (lines and size + len(chunks[number].data) > WINDOW_BYTES):
            return chunks[number + 1 :]
        lines += chunks[number].count
        size += len(chunks[number].data)
    return chunks


@dataclass(frozen=True)
class LogResult(StructuredLog, Sequence[LogLine], Drawn):
    """The result of a log call: a sequence of all lines, which are read from the log's file."""

    state: LogState
    command: str = ""

    @property
    def name(self) -> str:
        """Whose log it is."""
        return self.state.title or "log"

    def _matching(self, wanted: Mapping[str, tuple[str, ...]]) -> LogMatches:
        return LogMatches(self, wanted)

    def __len__(self) -> int:
        """How many lines there are."""
        return self.state.total

    @overload
    def __getitem__(self, index: int) -> LogLine: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[LogLine, ...]: ...

    def __getitem__(self, index: int | slice) -> LogLine | tuple[LogLine, ...]:
        """The line at `index`, or a tuple of lines for a slice.

        Raises:
            IndexError: there is no such line.
            LinesMissing: the file of the log is incomplete, or was removed.
        """
        if isinstance(index, slice):
            numbers = range(*index.indices(len(self)))
            if not numbers:
                return ()
            low, high = min(numbers), max(numbers)
            lines = self._lines(low, high - low + 1)
            return tuple(lines[number - low] for number in numbers)
        return self._lines(range(len(self))[index], 1)[0]

    def _lines(self, first: int, count: int) -> list[LogLine]:
        lines = lines_of(self.state, first, count)
        if len(lines) < count:
            raise missing_lines(self.state, first + len(lines), count - len(lines))
        return lines

    def __iter__(self) -> Iterator[LogLine]:
        """The lines in order.

        Raises:
            LinesMissing: the file of the log is incomplete, or was removed.
        """
        for _, chunk in every_chunk_from(self.state, 0):
            yield from chunk.lines

    def __repr__(self) -> str:
        """Whose log, and how long it is."""
        count = "1 line" if self.state.total == 1 else f"{self.state.total:,} lines"
        return f"LogResult({self.state.title or 'log'}, {count})"

    @property
    def text(self) -> str:
        """The last lines as one text, as many as are kept in memory."""
        return "\n".join(line.text for line in self.state.lines)


@dataclass(frozen=True)
class LogMatches(StructuredLog, Sequence[LogLine], Drawn):
    """Those lines of a log whose fields have the wanted values; they are looked for when they are asked for.

    Attributes:
        log: the log.
        wanted: the values of each field, as text.
    """

    log: LogResult
    wanted: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Whose log, and which lines."""
        words = [f"{name}={' or '.join(values)}" for name, values in self.wanted.items()]
        return f"{self.log.name} where {', '.join(words)}"

    def _matching(self, wanted: Mapping[str, tuple[str, ...]]) -> LogMatches:
        both = {name: tuple(v for v in values if v in wanted.get(name, values)) for name, values in self.wanted.items()}
        return LogMatches(self.log, {**wanted, **both})

    @functools.cached_property
    def numbers(self) -> Sequence[int]:
        """The numbers of the lines in the log."""
        return array("Q", (number for number, line in enumerate(self.log) if fits(line, self.wanted)))

    def __iter__(self) -> Iterator[LogLine]:
        """The lines in order; raises as the log."""
        return (line for line in self.log if fits(line, self.wanted))

    def __len__(self) -> int:
        """How many there are."""
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> LogLine: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[LogLine, ...]: ...

    def __getitem__(self, index: int | slice) -> LogLine | tuple[LogLine, ...]:
        """The line at `index`, or a tuple of lines for a slice."""
        if isinstance(index, slice):
            return tuple(self.log[number] for number in self.numbers[index])
        return self.log[self.numbers[index]]

    def __repr__(self) -> str:
        """Which lines, and how many."""
        return f"LogMatches({self.name}, {len(self):,} of {len(self.log):,} lines)"
