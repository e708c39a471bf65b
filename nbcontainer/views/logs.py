"""How a log is drawn: lines in a terminal and in the saved notebook, a scrolling list with search in the page.

The page holds few lines. It is sent the newest ones and the counts, and requests others by number when the user
scrolls to them or searches: the spool file has all of them, so a flood of lines costs page and kernel little.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from nbcontainer.model.events import SpoolCut
from nbcontainer.model.logs import LogEnded, LogEvent, LogGap, LogLine, LogLines, LogSource, LogState
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.tables import Tone
from nbcontainer.settings import settings
from nbcontainer.views.ansi import one_line, plain, recoloured, sendable, settled
from nbcontainer.views.kit import Line, Output, Picture, Span
from nbcontainer.views.logs_spool import Found, Search, SpoolReader
from nbcontainer.views.quantities import format_size
from nbcontainer.views.registry import shows
from nbcontainer.views.view import View, Wire, changed_facts

if TYPE_CHECKING:
    from nbcontainer.operation import Operation
    from nbcontainer.views.blocks import Block

PICTURE_LINES = 200  # last lines in the picture of a log
TAIL_LINES = 400  # newest lines in one message to the page, which requests others on demand
RANGE_LINES = 2_000  # the most lines in one reply
MOST_CHARACTERS = 5_000  # the most characters of one line that are sent to the page
TITLE_LENGTH = 80  # the most characters of a command in a picture
_SOURCE_COLOURS = (
    36,
    35,
    33,
    34,
    32,
    96,
    95,
    93,
    94,
    92,
)  # SGR foreground colours that are readable on black and on white
SEARCH_SECONDS = 0.1  # the time for one reply to a search; the page then continues from where it ended


@shows(LogState)
class LogView(View[LogEvent, LogState]):
    """A log, or the output of a command, on every surface.

    Args:
        verb: where it comes from: "Logs", or the verb that ran a command.
        title: its title instead of the state's own.
    """

    streams = True
    page = "logs"

    def __init__(self, verb: str = "Logs", title: str = "") -> None:
        self._verb = verb
        self._title = title
        self._sources: list[str] = []
        self._reader: SpoolReader | None = None
        self._written = 0  # lines, in a terminal
        self._noted = 0  # remarks, in a terminal

    def titled(self, heading: str, title: str) -> Self:
        """The same view, of the output of a command."""
        self._verb, self._title = heading or self._verb, title
        return self

    def is_empty(self, state: LogState) -> bool:
        """Whether nothing was written or noted yet."""
        return not state.total and not state.notes

    # --- plain lines

    def line(self, event: LogEvent) -> str | None:
        """The lines as they came, with their source if there are several; events of a source are remarks."""
        match event:
            case LogLines():
                for line in event.lines:
                    if line.source not in self._sources:
                        self._sources.append(line.source)
                return "\n".join(self._plain(line) for line in event.lines) or None
            case LogSource():
                if event.name and event.name not in self._sources:
                    self._sources.append(event.name)
                about = f"{plain(event.name)}: " if event.name and not event.note.startswith(event.name) else ""
                return f"— {about}{plain(event.note)} —" if event.note else None
            case LogGap() | SpoolCut():
                return f"— {plain(event.note)} —"
            case LogEnded():
                return None

    def _plain(self, line: LogLine) -> str:
        text = plain(settled(line.text)).replace("\n", "␊")
        return f"{plain(line.source)} | {text}" if len(self._sources) > 1 else text

    # --- a terminal

    def fresh(self, state: LogState, *, coloured: bool) -> str:
        """The lines since the last call, from the spool file if they were too many for the state, and the notes."""
        count = min(state.total - self._written, RANGE_LINES)
        lines = self._lines(state, self._written, count) if count else ()
        texts: list[str] = []
        if count and not lines and (state.spool_note or not state.following):  # the file has no more
            held = state.total - len(state.lines)
            texts = [
                *self._due_notes(state, coloured=coloured),
                f"— {_count(held - self._written)} skipped: not saved to a file —",
            ]
            lines, self._written = state.lines, held
        for line in lines:
            texts += [*self._due_notes(state, coloured=coloured), self._streamed(state, line, coloured=coloured)]
            self._written += 1
        texts += self._due_notes(state, coloured=coloured)
        return "".join(f"{text}\n" for text in texts)

    def _due_notes(self, state: LogState, *, coloured: bool) -> list[str]:
        """The remarks before the next line."""
        if self._noted == state.noted:
            return []
        due = [note for mark, note in _notes_after(self._noted, state) if mark <= self._written]
        self._noted = max(self._noted, state.noted - len(state.notes)) + len(due)
        return [f"\x1b[2m— {plain(note)} —\x1b[0m" if coloured else f"— {plain(note)} —" for note in due]

    def _streamed(self, state: LogState, line: LogLine, *, coloured: bool) -> str:
        text = settled(line.text)
        text = (recoloured(text) if coloured else plain(text)).replace("\n", "␊")
        clock = _clock(line.time) if state.timestamps else ""
        if line.source and line.source not in self._sources:  # the file may lack the name of a single source
            self._sources.append(line.source)
        if line.source and max(len(state.sources), len(self._sources)) > 1:
            name = f"{plain(line.source):<{max(map(len, state.sources), default=0)}} |"
            if coloured:
                name = f"\x1b[{_SOURCE_COLOURS[self._sources.index(line.source) % len(_SOURCE_COLOURS)]}m{name}\x1b[0m"
            text = f"{name} {text}"
        return f"\x1b[2m{clock}\x1b[0m{text}" if coloured and clock else clock + text

    # --- a picture

    def render(self, state: LogState) -> Picture:
        """The title, the counts and the last lines of the log; and where all of it is."""
        lines = state.lines[-PICTURE_LINES:]
        hidden = state.total - len(lines)
        title = self._title or state.title
        blocks: list[Block] = [Line(tuple(_heading(state, self._verb, title)), head=True)]
        if hidden > 0:
            where = f"; all of them are in {state.spool}" if _whole_file(state) else ""
            blocks.append(Line.of(Span(f"… {_count(hidden)} before these{where}", Tone.DIM)))
        if lines:
            blocks.append(Output(_texts(state, lines), Tone.DIM))
        blocks += [Line.of(Span(f"— {note} —", Tone.DIM)) for note in state.notes[-5:]]
        return Picture(tuple(blocks), label=f"{self._verb} {title}")

    # --- a page

    def wire(self, previous: LogState | None, state: LogState) -> Wire | None:
        """The newest lines, the counts, and what else changed."""
        facts = self._facts(state)
        if previous is None:
            notes, tail = state.noted - 5, _tail(state, min(len(state.lines), settings.log_window))
            return {"reset": True, **facts, "notes": _wire_notes(notes, state), **tail}
        message = changed_facts(self._facts(previous), facts)
        if state.total != previous.total:
            message |= _tail(state, min(state.total - previous.total, TAIL_LINES))
        if state.noted != previous.noted:
            message["notes"] = _wire_notes(previous.noted, state)
        return message or None

    def _facts(self, state: LogState) -> Wire:
        return {
            "verb": self._verb,
            "title": sendable(self._title or state.title),
            "where": sendable(state.where),
            "spool": _whole_file(state),
            "ending": [sendable(word) for word in _ending(state)],
            "sources": {sendable(name): reading for name, reading in state.sources.items()},
            "bytes": state.total_bytes,
            "times": state.timestamps,
        }

    def act(self, operation: Operation[LogEvent, LogState, object], action: Mapping[str, object]) -> Wire | None:
        """Knows `stop`, `lines` (first, count) and `search` (query, regex, first)."""
        state = operation.state
        if action.get("type") == "lines":
            first = _number(action.get("first"))
            count = min(_number(action.get("count")), RANGE_LINES)
            return _wire_lines(first, self._lines(state, first, count))
        if action.get("type") == "search":
            return self._search(state, action)
        return super().act(operation, action)

    def _lines(self, state: LogState, first: int, count: int) -> Sequence[LogLine]:
        held = state.total - len(state.lines)  # the number of the first line in the state
        if first >= held:
            return state.lines[first - held : first - held + count]
        reader = self._spool(state)
        try:
            return reader.lines(first, count) if reader else ()
        except OSError:  # the spool file was removed
            return ()

    def _search(self, state: LogState, action: Mapping[str, object]) -> Wire:
        first = _number(action.get("first"))
        try:
            search = Search(str(action.get("query", "")), regex=action.get("regex") is True)
        except re.error as error:
            return {"trouble": f"not a valid regular expression: {error}", "found": [], "until": state.total}
        reader = self._spool(state)
        found = Found((), first)
        try:
            if reader:
                found = reader.search(search, first, SEARCH_SECONDS)
        except OSError as error:
            return {"trouble": f"the spool file cannot be read: {error.strerror}", "found": [], "until": state.total}
        ended = found.until == first and state.spool_note  # the rest of the log is not in a file
        if not reader or ended or found.until >= state.total - len(state.lines):
            found = _search_held(state, search, found)  # lines that may not be in the file yet
        return {"found": list(found.lines), "until": found.until, "total": state.total}

    def _spool(self, state: LogState) -> SpoolReader | None:
        if self._reader is None and state.spool:
            self._reader = SpoolReader(state.spool)
        return self._reader


def _search_held(state: LogState, search: Search, found: Found) -> Found:
    """Continue in the lines held by the state; without a spool file there are no others."""
    held = state.total - len(state.lines)
    start = max(found.until, held)
    lines = (start + at for at, line in enumerate(state.lines[start - held :]) if search.matches(line))
    return Found((*found.lines, *lines), max(start, state.total))


def _tail(state: LogState, count: int) -> Wire:
    lines = state.lines[-count:] if count > 0 else ()
    return {"total": state.total, **_wire_lines(state.total - len(lines), lines)}


def _wire_lines(first: int, lines: Sequence[LogLine]) -> Wire:
    names: dict[str, int] = {}
    rows = [
        [
            names.setdefault(sendable(line.source), len(names)),
            _cut(settled(line.text)),
            line.time,
            int(line.stream == "stderr"),
        ]
        for line in lines
    ]
    return {"first": first, "names": list(names), "lines": rows}


def _cut(text: str) -> str:
    rest = len(text) - MOST_CHARACTERS
    return sendable(f"{text[:MOST_CHARACTERS]}\x1b[0;2m … {rest:,} more characters" if rest > 0 else text)


def _notes_after(known: int, state: LogState) -> list[tuple[int, str]]:
    """The remarks after the first `known` ones, each with the number of the line that follows it."""
    fresh = min(state.noted - known, len(state.notes))
    return list(zip(state.marks, state.notes, strict=True))[len(state.notes) - fresh :]


def _wire_notes(known: int, state: LogState) -> list[list[object]]:
    return [[mark, sendable(note)] for mark, note in _notes_after(known, state)]


def _heading(state: LogState, verb: str, title: str) -> list[Span]:
    spans = [Span(verb, bold=True)]
    for place in filter(None, (one_line(title, TITLE_LENGTH), state.where)):
        spans += [Span("  "), Span(place, Tone.DIM, chip=True)]
    spans.append(Span(f"  {_count(state.total)} · {format_size(state.total_bytes)}", Tone.DIM))
    if state.following:
        spans.append(Span("  ● following", Tone.GOOD))
    word, tone = _ending(state)
    if word:
        spans.append(Span(f"  {word}", tone))
    return spans


def _ending(state: LogState) -> tuple[str, Tone]:
    """How it ended, in words; "" for a log that nobody followed to its end."""
    match state.outcome:
        case Outcome.STOPPED:
            return "■ stopped", Tone.WARNING
        case Outcome.FAILED:
            code = "" if state.exit_code is None else f"exit code {state.exit_code}"
            return f"✕ {code or one_line(state.reason) or 'failed'}", Tone.BAD
        case Outcome.DONE if state.exit_code is not None:
            return "✓ done", Tone.GOOD
        case Outcome.DONE if state.followed:
            return "✓ ended", Tone.DIM
        case _:
            return "", Tone.PLAIN


def _texts(state: LogState, lines: Sequence[LogLine]) -> tuple[str, ...]:
    several = len(state.sources or {line.source for line in lines}) > 1
    width = max((len(line.source) for line in lines), default=0) if several else 0
    return tuple(
        (_clock(line.time) if state.timestamps else "")
        + (f"{line.source:<{width}} | " if several else "")
        + settled(line.text)[:MOST_CHARACTERS]
        for line in lines
    )


def _clock(moment: float) -> str:
    if not moment:
        return " " * 14
    whole = time.strftime("%H:%M:%S", time.localtime(moment))
    return f"{whole}.{int(moment % 1 * 1000):03d}  "


def _whole_file(state: LogState) -> str:
    """The path of the file with the whole log, or ""."""
    return "" if state.spool_note else sendable(state.spool)


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines:,} lines"


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
