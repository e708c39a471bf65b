"""Searches a log, chunk by chunk."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from nbcontainer.model.log_fields import LEVELS, has_short_levels, level_of, without_colours, words_of_levels
from nbcontainer.model.log_file import LINES, LogReader
from nbcontainer.views.log_lines import known_chunks, shown
from nbcontainer.views.quick_search import QuickSearch

if TYPE_CHECKING:
    from nbcontainer.model.log_file import Block
    from nbcontainer.model.log_lines import LogChunk
    from nbcontainer.model.logs import LogState

MOST_FOUND = 50_000  # the most line numbers in one reply
_NUMERIC_ESCAPE = re.compile(r"\\[xuUN0-9]")  # may stand for a capital


@dataclass(frozen=True, slots=True)
class Found:
    """The result of one slice of a search.

    Attributes:
        lines: the numbers of the matching lines.
        until: the first line that is not yet searched.
        missing: whether some lines were in neither the file nor the state.
    """

    lines: Sequence[int]
    until: int
    missing: bool = False


def search_for(query: str, *, regex: bool = False) -> Search:
    """The search for a query: "level:error" finds the lines of that level and of worse ones.

    Raises:
        re.error: the regular expression is not valid.
    """
    level = query.removeprefix("level:")
    return LevelSearch(level) if level in LEVELS and level != query else Search(query, regex=regex)


class Search:
    """What a user searches for in a log: text, or a regular expression; alternatives are separated by " OR ".

    Case matters only if the query has capitals. A line is searched as it is shown, without its time; if its source's
    name matches, so does the line.

    Raises:
        re.error: the regular expression is not valid.
    """

    def __init__(self, query: str, *, regex: bool = False) -> None:
        parts = [part for part in query.split(" OR ") if part]
        letters = "".join(
            re.sub(r"\\.", "", part) if regex else part for part in parts
        )  # the D of \D does not count as a capital
        any_case = letters == letters.lower()
        pattern = "|".join(part if regex else re.escape(part) for part in parts)
        # a pattern that ignores case is slow: it is better to lower the text
        self._lowers = any_case and not (regex and _NUMERIC_ESCAPE.search(pattern))
        self._pattern = re.compile(pattern, re.IGNORECASE if any_case and not self._lowers else re.NOFLAG)
        self._texts = () if regex else tuple(part.lower() if any_case else part for part in parts)
        is_plain = bool(self._texts) and all(text.isascii() and text.isprintable() for text in self._texts)
        self._quick = QuickSearch(self._texts, any_case=any_case) if is_plain else None

    def run(self, state: LogState, first: int, seconds: float) -> Found:
        """The matching lines from `first` on, as many as are found in `seconds`."""
        found: list[int] = []
        deadline = time.monotonic() + seconds
        missing = False
        with suppress(OSError):  # the file was removed: the state has the last lines
            for numbers, end in self._in_file(state, first):
                found += numbers
                first = end
                if len(found) >= MOST_FOUND or time.monotonic() > deadline:
                    return Found(found, first)
        for number, chunk in known_chunks(state, first):
            missing = missing or number > first
            found += [number + at for at in self.matches(chunk)]
            first = number + chunk.count
            if len(found) >= MOST_FOUND or time.monotonic() > deadline:
                return Found(found, first, missing)
        return Found(found, max(first, state.total), missing or first < state.total)

    def _in_file(self, state: LogState, first: int) -> Iterator[tuple[list[int], int]]:
        """The matching lines in one block of the log's file after another, and the line after it."""
        if self._quick is None or not state.spool:
            return
        reader = LogReader(state.spool)
        for block in reader.blocks(first):
            end = min(block.frames[-1].line + block.frames[-1].line_count, state.total)
            numbers = self._in_block(reader, block, self._quick)
            yield [number for number in numbers if first <= number < end], end
            if end == state.total:
                return

    def _in_block(self, reader: LogReader, block: Block, quick: QuickSearch) -> Iterable[int]:
        frames = block.frames
        if frames[0].kind != LINES or not quick.can_search(block.data):
            return [frame.line + at for frame in frames for at in self.matches(reader.chunk_of(frame, block))]
        sources = {frame.source: frame for frame in frames}.values()
        named = {each.source for each in sources if self._pattern.search(self._folded(reader.source_of(each)))}
        if not named:
            return quick.lines(block)
        of_named = [range(each.line, each.line + each.line_count) for each in frames if each.source in named]
        others = [each for each in frames if each.source not in named]
        found = quick.lines(block._replace(frames=others)) if others else ()
        return sorted(chain(found, *of_named))

    def matches(self, chunk: LogChunk) -> Sequence[int]:
        """Which lines of the chunk match, counted from 0."""
        if self._pattern.search(self._folded(chunk.source)):
            return range(chunk.count)
        if not self._texts:
            search = self._pattern.search
            return [at for at, line in enumerate(self._folded(shown(chunk)).split("\n")) if search(line)]
        return self._lines_with_text(self._folded(shown(chunk)))

    def _folded(self, text: str) -> str:
        return text.lower() if self._lowers else text

    def _lines_with_text(self, text: str) -> list[int]:
        numbers: set[int] = set()
        for wanted in self._texts:
            number = position = 0
            while (start := text.find(wanted, position)) >= 0:
                number += text.count("\n", position, start)
                numbers.add(number)
                number += 1
                position = text.find("\n", start) + 1
                if position == 0:
                    break
        return sorted(numbers)


class LevelSearch(Search):
    """Finds the lines of a level, and of worse ones."""

    def __init__(self, level: str) -> None:
        super().__init__("")
        self._quick = None
        self._levels = frozenset(LEVELS[LEVELS.index(level) :])
        self._texts = words_of_levels(self._levels)

    def matches(self, chunk: LogChunk) -> Sequence[int]:
        """Which lines of the chunk have such a level, counted from 0."""
        text = chunk.text
        folded = without_colours(text).lower()
        lines = text.split("\n")
        # to look for a word costs much less than to read a line's level
        places = range(len(lines)) if has_short_levels(folded) else self._lines_with_text(folded)
        return [at for at in places if level_of(lines[at]) in self._levels]
