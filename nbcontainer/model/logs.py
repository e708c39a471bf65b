"""Log lines of containers and pods, merged.

The whole log goes to a spool file; the state holds a window of the last lines, and counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nbcontainer.drawn import Drawn
from nbcontainer.model.events import SpoolCut
from nbcontainer.model.outcome import Outcome

WINDOW_LINES = 2_000
KEPT_NOTES = 50


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Whose log, and how much of it; the fields are kubectl's flags.

    Attributes:
        names: pods or containers; empty with a selector.
        since: seconds back, 0 for all.
        tail: how many last lines of each source, -1 for all.
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


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of `source` ("pod" or "pod/container"). `time` is seconds since the epoch, 0 where there is none."""

    source: str
    text: str
    time: float = 0.0
    stream: str = "stdout"


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines that arrived together, in order of arrival."""

    lines: tuple[LogLine, ...]


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


LogEvent = LogLines | LogSource | LogGap | LogEnded | SpoolCut


@dataclass(frozen=True, slots=True)
class LogState:
    """The state of a log.

    Attributes:
        title: whose log, in the user's words.
        lines: the last lines.
        total: how many lines there were in all; `total_bytes` their size.
        sources: name → whether it is being read.
        notes: the last remarks on sources; `marks` has for each the number of lines before it, and `noted` is the
            number of all remarks so far.
        spool: the path of the file with all of it, or "".
        gaps: the notes that say what is missing, from the file or from the log itself.
        spool_note: why the file does not have all of it, or "".
        followed: whether new lines are waited for until it ends.
        outcome: how it ended; `reason` and `exit_code` are as in `LogEnded`.
    """

    title: str = ""
    where: str = ""
    lines: tuple[LogLine, ...] = ()
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
    outcome: Outcome = Outcome.RUNNING
    reason: str = ""
    exit_code: int | None = None

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
                lines=(*state.lines[-WINDOW_LINES:], *event.lines)[-WINDOW_LINES:],
                total=state.total + len(event.lines),
                total_bytes=state.total_bytes + sum(_size(line.text) for line in event.lines),
            )
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
            return replace(ended, sources=closed)


def _noted(state: LogState, note: str) -> LogState:
    return replace(
        state,
        notes=(*state.notes, note)[-KEPT_NOTES:],
        marks=(*state.marks, state.total)[-KEPT_NOTES:],
        noted=state.noted + 1,
    )


def _size(text: str) -> int:
    """The bytes of a line and its line break."""
    return (len(text) if text.isascii() else len(text.encode("utf-8", "replace"))) + 1


@dataclass(frozen=True)
class LogResult(Sequence[LogLine], Drawn):
    """The result of a log call: a sequence of the last lines; `spool` has all of them."""

    state: LogState
    command: str = ""

    def __len__(self) -> int:
        """How many lines the window holds."""
        return len(self.state.lines)

    def __getitem__(self, index):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204 - Sequence's own signature
        """The line at `index`, or a tuple of lines for a slice."""
        return self.state.lines[index]

    def __iter__(self) -> Iterator[LogLine]:
        """The lines in order."""
        return iter(self.state.lines)

    def __repr__(self) -> str:
        """Whose log, and how long it is."""
        count = "1 line" if self.state.total == 1 else f"{self.state.total:,} lines"
        return f"LogResult({self.state.title or 'log'}, {count})"

    @property
    def text(self) -> str:
        """The window's lines as one text."""
        return "\n".join(line.text for line in self.state.lines)
