"""How a log is drawn: lines in a terminal and in the saved notebook, a scrolling list with search in the page.

The page holds few lines. It is sent the newest ones and the counts, and requests others by number when the user
scrolls to them or searches: the log's file has all of them, so a flood of lines costs page and kernel little.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nbcontainer.model.log_lines import LogLine
from nbcontainer.model.log_reading import line_at, lines_of
from nbcontainer.model.logs import LogEvent, LogMatches, LogState
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.overwritten import settled
from nbcontainer.model.tables import Tone
from nbcontainer.settings import settings
from nbcontainer.views.ansi import one_line, plain, sendable
from nbcontainer.views.kit import Line, Output, Picture, Span
from nbcontainer.views.log_lines import LogPrinter, clocks_of, notes_after
from nbcontainer.views.log_search import search_for
from nbcontainer.views.quantities import format_lines, format_size
from nbcontainer.views.registry import draws, shows
from nbcontainer.views.view import View, Wire, changed_facts

if TYPE_CHECKING:
    from nbcontainer.operation import Operation
    from nbcontainer.views.blocks import Block

PICTURE_LINES = 200  # last lines in the picture of a log
TAIL_LINES = 400  # newest lines in one message to the page, which requests others on demand
RANGE_LINES = 2_000  # the most lines in one reply
MOST_CHARACTERS = 5_000  # the most characters of one line that are sent to the page
TITLE_LENGTH = 80  # the most characters of a command in a picture
SEARCH_SECONDS = 0.25  # the time for one reply to a search; the page then continues from where it ended


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
        self._printer = LogPrinter()

    def titled(self, heading: str, title: str) -> Self:
        """The same view, of the output of a command."""
        self._verb, self._title = heading or self._verb, title
        return self

    def is_empty(self, state: LogState) -> bool:
        """Whether nothing was written or noted yet."""
        return not state.total and not state.notes

    # --- lines

    def line(self, event: LogEvent) -> str | None:
        """The lines as they came, with their source if there are several; events of a source are remarks."""
        return self._printer.of_event(event)

    def fresh(self, state: LogState, *, coloured: bool) -> str:
        """The next lines since the last call, from the log's file if the state no longer has them, and the notes."""
        return self._printer.fresh(state, coloured=coloured)

    def unfinished(self, state: LogState) -> str:
        """A prompt, or a progress bar as it is now; not where the lines of several sources are merged."""
        return plain(settled(state.unfinished.text)) if state.unfinished and len(state.sources) < 2 else ""  # noqa: PLR2004

    # --- a picture

    def render(self, state: LogState) -> Picture:
        """The title, the counts and the last lines of the log; and where all of it is."""
        lines = state.last_lines(PICTURE_LINES)
        hidden = state.total - len(lines)
        title = self._title or state.title
        blocks: list[Block] = [Line(tuple(_heading(state, self._verb, title)), head=True)]
        if hidden > 0:
            where = f"; all of them are in {state.spool}" if _whole_file(state) else ""
            blocks.append(Line.of(Span(f"… {format_lines(hidden)} before these{where}", Tone.DIM)))
        if lines:
            blocks.append(Output(texts_of(state, lines), Tone.DIM))
        blocks += [Line.of(Span(f"— {note} —", Tone.DIM)) for note in state.notes[-5:]]
        return Picture(tuple(blocks), label=f"{self._verb} {title}")

    # --- a page

    def wire(self, previous: LogState | None, state: LogState) -> Wire | None:
        """The newest lines, the counts, and what else changed."""
        facts = self._facts(state)
        if previous is None:
            notes, tail = state.noted - 5, _tail(state, settings.log_window)
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
            "prefix": state.prefix,
            "highlight": [sendable(expression) for expression in state.highlight],
        }

    def act(self, operation: Operation[LogEvent, LogState, object], action: Mapping[str, object]) -> Wire | None:
        """Knows `stop`, `lines` (first, count), `search` (query, regex, first, most) and `time` (seconds)."""
        state = operation.state
        if action.get("type") == "lines":
            first = _number(action.get("first"))
            count = min(_number(action.get("count")), RANGE_LINES)
            return _wire_lines(first, lines_of(state, first, count))
        if action.get("type") == "search":
            return _search(state, action)
        if action.get("type") == "time":
            seconds = action.get("seconds")
            return {"line": line_at(state, float(seconds) if isinstance(seconds, int | float) else 0.0)}
        return super().act(operation, action)


@draws(LogMatches)
def draw_matches(matches: LogMatches) -> Picture:
    """How many there are, and the last of them."""
    title = one_line(matches.name, 120)
    heading = (
        Span("Logs", bold=True),
        Span("  "),
        Span(title, Tone.DIM, chip=True),
        Span(f"  {len(matches):,} of {format_lines(len(matches.log))}", Tone.DIM),
    )
    blocks: list[Block] = [Line(heading, head=True)]
    hidden = len(matches) - PICTURE_LINES
    if hidden > 0:
        blocks.append(Line.of(Span(f"… {format_lines(hidden)} before these", Tone.DIM)))
    if lines := matches[-PICTURE_LINES:]:
        blocks.append(Output(texts_of(matches.log.state, lines), Tone.DIM))
    return Picture(tuple(blocks), label=f"Logs {title}")


def _search(state: LogState, action: Mapping[str, object]) -> Wire:
    first = _number(action.get("first"))
    try:
        search = search_for(str(action.get("query", "")), regex=action.get("regex") is True)
    except re.error as error:
        trouble = f"not a valid regular expression: {error}"
        return {"trouble": trouble, "found": [], "count": 0, "until": state.total}
    found = search.run(state, first, SEARCH_SECONDS)
    # the page counts all of them, but has room for so many numbers
    numbers = list(found.lines[: _number(action["most"])] if "most" in action else found.lines)
    if found.missing and state.spool:
        try:
            Path(state.spool).stat()
        except OSError as error:
            trouble = f"the spool file cannot be read: {error.strerror}"
            return {"trouble": trouble, "found": numbers, "count": len(found.lines), "until": state.total}
    return {"found": numbers, "count": len(found.lines), "until": found.until, "total": state.total}


def _tail(state: LogState, count: int) -> Wire:
    lines = state.last_lines(count)
    return {"total": state.total, **_wire_lines(state.total - len(lines), lines)}


def _wire_lines(first: int, lines: Sequence[LogLine]) -> Wire:
    names: dict[str, int] = {}
    rows = [
        [
            names.setdefault(sendable(line.source), len(names)),
            _cut(settled(line.text), line.missing),
            line.time,
            int(line.stream == "stderr"),
        ]
        for line in lines
    ]
    return {"first": first, "names": list(names), "lines": rows}


def _cut(text: str, missing: int) -> str:
    rest = len(text) + missing - MOST_CHARACTERS
    return sendable(f"{text[:MOST_CHARACTERS]}\x1b[0;2m … {rest:,} more characters" if rest > 0 else text)


def _wire_notes(known: int, state: LogState) -> list[list[object]]:
    return [[mark, sendable(note)] for mark, note in notes_after(known, state)]


def _heading(state: LogState, verb: str, title: str) -> list[Span]:
    spans = [Span(verb, bold=True)]
    for place in filter(None, (one_line(title, TITLE_LENGTH), state.where)):
        spans += [Span("  "), Span(place, Tone.DIM, chip=True)]
    spans.append(Span(f"  {format_lines(state.total)} · {format_size(state.total_bytes)}", Tone.DIM))
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


def texts_of(state: LogState, lines: Sequence[LogLine]) -> tuple[str, ...]:
    """Lines of a log as a picture shows them, with their sources if there are several, and times if it shows them."""
    several = state.prefix or len(state.sources or {line.source for line in lines}) > 1
    width = max((len(line.source) for line in lines), default=0) if several else 0
    clocks = clocks_of([line.time for line in lines]) if state.timestamps else [""] * len(lines)
    return tuple(
        clock + (f"{line.source:<{width}} | " if several else "") + settled(line.text)[:MOST_CHARACTERS]
        for clock, line in zip(clocks, lines, strict=True)
    )


def _whole_file(state: LogState) -> str:
    """The path of the file with the whole log, or ""."""
    return "" if state.spool_note else sendable(state.spool)


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
