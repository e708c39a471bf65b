"""A log as lines on standard output: whole chunks at once, since a log may be long and is then printed as fast as read.

Only what differs from line to line, such as times, is done line by line.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nbcontainer.model.events import SpoolCut
from nbcontainer.model.log_patterns import pattern_of
from nbcontainer.model.log_reading import chunks_from
from nbcontainer.model.logs import LogEnded, LogEvent, LogGap, LogLines, LogSource, LogState, LogUnfinished
from nbcontainer.model.overwritten import settled
from nbcontainer.views.ansi import plain, recoloured
from nbcontainer.views.quantities import format_lines

if TYPE_CHECKING:
    from nbcontainer.model.log_lines import LogChunk, LogLine

PRINTED_AT_ONCE = 256 * 1024  # characters
# SGR foreground colours that are readable on black and on white
_SOURCE_COLOURS = (36, 35, 33, 34, 32, 96, 95, 93, 94, 92)
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_NO_CLOCK = " " * len("00:00:00.000  ")


class LogPrinter:
    """Prints one log; a line names its source if there are several."""

    def __init__(self) -> None:
        self._sources: dict[str, int] = {}  # name → its number
        self._labels: dict[tuple[str, bool], str] = {}  # what stands before its lines, as wide as all of …
        self._labelled: Mapping[str, bool] | None = None
        self._written = 0  # lines
        self._noted = 0  # remarks

    def of_event(self, event: LogEvent) -> str | None:
        """An event's lines as they came; events of a source are remarks."""
        match event:
            case LogLines():
                for chunk in event.chunks:
                    self._number(chunk.source)
                return "\n".join(map(self._plain, event.chunks)) if event.chunks else None
            case LogSource():
                if event.name:
                    self._number(event.name)
                about = f"{plain(event.name)}: " if event.name and not event.note.startswith(event.name) else ""
                return f"— {about}{plain(event.note)} —" if event.note else None
            case LogGap() | SpoolCut():
                return f"— {plain(event.note)} —"
            case LogEnded() | LogUnfinished():
                return None

    def _plain(self, chunk: LogChunk) -> str:
        text = shown(chunk)
        return _prefixed(text, f"{plain(chunk.source)} | ") if len(self._sources) > 1 else text

    def _number(self, source: str) -> int:
        return self._sources.setdefault(source, len(self._sources))

    def fresh(self, state: LogState, *, coloured: bool) -> str:
        """The next lines since the last call, and the remarks between them; "" if there are no more."""
        parts: list[str] = []
        size = 0
        for number, chunk in known_chunks(state, self._written):
            if number > self._written:
                parts += self._due_notes(state, coloured=coloured)
                parts.append(f"— {format_lines(number - self._written)} skipped: not saved to a file —")
                self._written = number
            for text in self._between_notes(state, chunk, coloured=coloured):
                parts.append(text)
                size += len(text)
            if size >= PRINTED_AT_ONCE:
                break
        else:
            parts += self._due_notes(state, coloured=coloured)
        return "".join([f"{part}\n" for part in parts])

    def _between_notes(self, state: LogState, chunk: LogChunk, *, coloured: bool) -> Iterator[str]:
        """The texts of a chunk, and the remarks that belong before or between its lines."""
        while True:
            yield from self._due_notes(state, coloured=coloured)
            part = chunk
            if self._noted != state.noted and (later := notes_after(self._noted, state)):
                part = chunk.until(later[0][0] - self._written)
            yield self._streamed(state, part, coloured=coloured)
            self._written += part.count
            if part is chunk:
                return
            chunk = chunk.since(part.count)

    def _due_notes(self, state: LogState, *, coloured: bool) -> list[str]:
        """The remarks before the next line."""
        if self._noted == state.noted:
            return []
        due = [note for mark, note in notes_after(self._noted, state) if mark <= self._written]
        self._noted = max(self._noted, state.noted - len(state.notes)) + len(due)
        return [f"\x1b[2m— {plain(note)} —\x1b[0m" if coloured else f"— {plain(note)} —" for note in due]

    def _streamed(self, state: LogState, chunk: LogChunk, *, coloured: bool) -> str:
        text = shown(chunk, coloured=coloured)
        if coloured and state.highlight:
            text = highlighted(text, state.highlight)
        label = self._label(state, chunk.source, coloured=coloured) if chunk.source else ""
        if not state.timestamps:
            return _prefixed(text, label) if label else text
        form = "\x1b[2m{}\x1b[0m" if coloured else "{}"
        clocks = clocks_of([line.time for line in chunk.lines])
        return "\n".join(
            [f"{form.format(clock)}{label}{line}" for clock, line in zip(clocks, text.split("\n"), strict=True)]
        )

    def _label(self, state: LogState, source: str, *, coloured: bool) -> str:
        number = self._number(source)
        if max(len(state.sources), len(self._sources)) < 2 and not state.prefix:  # noqa: PLR2004 - one needs no name
            return ""
        if self._labelled is not state.sources:
            self._labelled, self._labels = state.sources, {}
        label = self._labels.get((source, coloured))
        if label is None:
            name = f"{plain(source):<{max(map(len, state.sources), default=0)}} |"
            if coloured:
                name = f"\x1b[{_SOURCE_COLOURS[number % len(_SOURCE_COLOURS)]}m{name}\x1b[0m"
            label = self._labels[source, coloured] = f"{name} "
        return label


def known_chunks(state: LogState, first: int) -> Iterator[tuple[int, LogChunk]]:
    """As `chunks_from`, but only up to the state's last line: the file may be ahead of it."""
    for number, chunk in chunks_from(state, first):
        if number >= state.total:
            return
        yield number, chunk.until(state.total - number)


def shown(chunk: LogChunk, *, coloured: bool = False) -> str:
    """The text of a chunk's lines as a terminal shows it, made harmless; without colours, unless `coloured`."""
    text = settled(chunk.text) if not chunk.has_long_lines else "\n".join(map(_whole_or_marked, chunk.lines))
    return recoloured(text) if coloured else plain(text)


def _whole_or_marked(line: LogLine) -> str:
    text = settled(line.text)
    return f"{text} … [{line.missing:,} more, all in the spool file]" if line.missing else text


def highlighted(text: str, expressions: tuple[str, ...]) -> str:
    """Text with what matches in reverse video, which leaves its colours as they are."""
    pattern = pattern_of(expressions, "highlight")
    if pattern is None:
        return text
    parts = _COLOUR.split(text)
    parts[::2] = [pattern.sub(_reversed, part) for part in parts[::2]]
    return "".join(parts)


def _reversed(found: re.Match[str]) -> str:
    return "\n".join([f"\x1b[7m{part}\x1b[27m" if part else "" for part in found[0].split("\n")])


def _prefixed(text: str, prefix: str) -> str:
    return prefix + text.replace("\n", f"\n{prefix}")


def clocks_of(moments: list[float]) -> list[str]:
    """Times as hours to milliseconds, in local time, each with the space to what follows."""
    clocks, second, clock = [], -1, ""
    for moment in moments:
        if int(moment) != second:
            second = int(moment)
            clock = time.strftime("%H:%M:%S", time.localtime(second))
        clocks.append(f"{clock}.{int(moment % 1 * 1000):03d}  " if moment else _NO_CLOCK)
    return clocks


def notes_after(known: int, state: LogState) -> list[tuple[int, str]]:
    """The remarks after the first `known` ones, each with the number of the line that follows it."""
    fresh = min(state.noted - known, len(state.notes))
    return list(zip(state.marks, state.notes, strict=True))[len(state.notes) - fresh :]
