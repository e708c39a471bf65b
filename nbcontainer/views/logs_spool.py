"""Reads a log's spool file by line number, with little memory: ranges of lines, and search in all of it."""

from __future__ import annotations

import os
import re
import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nbcontainer.model.logs import LogLine
from nbcontainer.model.logs_spool import decode_line
from nbcontainer.views.ansi import plain, settled

BLOCK = 1 << 16  # bytes between two index entries: 8 bytes of index for 64 kB of log
SLICE = 1 << 20  # bytes that are searched in one go
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")  # SGR: nearly all escape sequences in logs
MOST_FOUND = 20_000  # the most line numbers in one reply


@dataclass(frozen=True, slots=True)
class Found:
    """The result of one slice of a search: the numbers of the matching lines, and the first line not yet searched."""

    lines: Sequence[int]
    until: int


class Search:
    """What a user searches for in a log: text, or a regular expression; alternatives are separated by " OR ".

    Case matters only if the query has capitals. The source's name is searched as well as the text.

    Raises:
        re.error: the regular expression is not valid.
    """

    def __init__(self, query: str, *, regex: bool = False) -> None:
        parts = [part for part in query.split(" OR ") if part]
        letters = "".join(
            re.sub(r"\\.", "", part) if regex else part for part in parts
        )  # the D of \D does not count as a capital
        self._any_case = letters == letters.lower()
        case = re.IGNORECASE if self._any_case else re.NOFLAG
        self._pattern = re.compile("|".join(part if regex else re.escape(part) for part in parts), case)
        self._texts = () if regex else tuple(part.lower() if self._any_case else part for part in parts)

    def matches(self, line: LogLine) -> bool:
        """Whether the line, as it is shown, matches."""
        return bool(self._pattern.search(plain(settled(line.text))) or self._pattern.search(line.source))

    def candidates(self, text: str) -> Iterator[tuple[int, str]]:
        """The lines in `text`, part of the spool file, that may match, with their numbers; a cheap way to skip most."""
        shown = COLOUR.sub("", text) if "\x1b" in text else text  # a colour sequence may split a word
        numbers = self._lines_with_text(shown) if self._texts else self._lines_with_pattern(shown)
        raws = text.split("\n") if numbers else []
        for number in numbers:
            yield number, raws[number]

    def _lines_with_pattern(self, text: str) -> list[int]:
        search = self._pattern.search
        numbers = []
        for number, raw in enumerate(text.split("\n")[:-1]):
            _, _, rest = raw.partition(" ")  # times are not searched
            source, _, rest = rest.partition(" ")
            _, _, line = rest.partition(" ")
            if search(line) or search(source) or search(raw):  # the last: a line that is all text
                numbers.append(number)
        return numbers

    def _lines_with_text(self, text: str) -> list[int]:
        if self._any_case:
            text = text.lower()  # much faster than a pattern that ignores case
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


class SpoolReader:
    """Lines of a spool file that may still grow. Several threads may read at the same time.

    Args:
        path: the file, in the format of `model.logs_spool`.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._newlines = array("Q", [0])  # how many lines there are before byte 0, BLOCK, 2 * BLOCK …

    def lines(self, first: int, count: int) -> list[LogLine]:
        """Up to `count` lines from line `first`, counted from 0; fewer if the file has no more complete lines."""
        with self._path.open("rb") as file:
            if not self._seek(file, first):
                return []
            raws: list[str] = []
            while len(raws) < count and (raw := file.readline()).endswith(b"\n"):
                raws.append(raw[:-1].decode("utf-8", "replace"))
        return [decode_line(raw) for raw in raws]

    def search(self, search: Search, first: int, seconds: float) -> Found:
        """The matching lines from `first` on, as many as are found in `seconds`."""
        found: list[int] = []
        deadline = time.monotonic() + seconds
        number = first
        with self._path.open("rb") as file:
            if not self._seek(file, first):
                return Found(found, first)
            while len(found) < MOST_FOUND:
                data = file.read(SLICE)
                data += file.readline() if data else b""
                text = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace")
                found += (number + at for at, raw in search.candidates(text) if search.matches(decode_line(raw)))
                number += text.count("\n")
                if len(data) < SLICE or time.monotonic() > deadline:
                    break
        return Found(found, number)

    def _seek(self, file: BinaryIO, line: int) -> bool:
        """Seek to the start of `line`; False if the file has no such line yet."""
        self._update(file)
        if line <= 0:
            file.seek(0)
            return True
        block = bisect_left(self._newlines, line) - 1
        file.seek(block * BLOCK)
        left = line - self._newlines[block]
        while data := file.read(BLOCK):
            count = data.count(b"\n")
            if count < left:
                left -= count
                continue
            position = -1
            for _ in range(left):
                position = data.find(b"\n", position + 1)
            file.seek(position + 1 - len(data), os.SEEK_CUR)
            return True
        return False

    def _update(self, file: BinaryIO) -> None:
        with self._lock:
            blocks = os.fstat(file.fileno()).st_size // BLOCK
            file.seek((len(self._newlines) - 1) * BLOCK)
            while len(self._newlines) <= blocks:
                self._newlines.append(self._newlines[-1] + file.read(BLOCK).count(b"\n"))
