"""Searches a log, block by block."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.model.logs import blocks_from
from nbcontainer.views.ansi import is_harmless
from nbcontainer.views.log_lines import shown

if TYPE_CHECKING:
    from nbcontainer.model.log_file import Block
    from nbcontainer.model.logs import LogState

MOST_FOUND = 20_000  # the most line numbers in one reply
_STAMP_CHARACTERS = frozenset("0123456789-+:.tTzZ ")
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
        self._may_be_in_stamp = any(_STAMP_CHARACTERS.issuperset(text) for text in self._texts)

    def run(self, state: LogState, first: int, seconds: float) -> Found:
        """The matching lines from `first` on, as many as are found in `seconds`."""
        found: list[int] = []
        deadline = time.monotonic() + seconds
        missing = False
        for block in blocks_from(state, first):
            if block.number >= state.total:  # the file is ahead of the state
                break
            missing = missing or block.number > first
            end = block.number + sum(count for _, count in block.runs)
            found += [number for number in self.matches(block) if first <= number < state.total]
            first = min(end, state.total)
            if len(found) >= MOST_FOUND or time.monotonic() > deadline:
                return Found(found, first, missing)
        return Found(found, max(first, state.total), missing or first < state.total)

    def matches(self, block: Block) -> list[int]:
        """The numbers of the lines that match."""
        named = {source for source, _ in block.runs}
        named = {source for source in named if self._pattern.search(self._folded(source))}
        lines: set[int] = set()
        number = block.number
        for source, count in block.runs if named else ():
            if source in named:
                lines.update(range(number, number + count))
            number += count
        lines.update(block.number + at for at in self._lines_with(block))
        return sorted(lines)

    def _lines_with(self, block: Block) -> list[int]:
        """Which lines have what is searched for in their texts, counted from 0."""
        if not self._texts:
            search = self._pattern.search
            texts = self._folded(shown(block.joined())).split("\n")
            return [at for at, line in enumerate(texts) if search(line)]
        return [] if self._has_none(block) else self._lines_with_text(self._folded(shown(block.joined())))

    def _folded(self, text: str) -> str:
        return text.lower() if self._lowers else text

    def _has_none(self, block: Block) -> bool:
        """Whether a quick look finds that no line matches: most are shown as they came, but for their stamps."""
        raw = block.raw.decode("utf-8", "replace")
        if "\t" in raw or "\r" in raw or not is_harmless(raw) or (block.stamped and self._may_be_in_stamp):
            return False
        raw = self._folded(raw)
        return not any(text in raw for text in self._texts)

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
