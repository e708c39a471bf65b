"""Reading a log's spool file by line number, with little memory: ranges of lines, and search over all of it."""

from __future__ import annotations

import os
import re
import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from nbcontainer.model.logs import LogLine
from nbcontainer.model.logs_spool import decode_line
from nbcontainer.views.ansi import plain

__all__ = ["Found", "Search", "SpoolReader"]

BLOCK = 1 << 16  # bytes between two places that the index knows: 8 bytes of index for 64 kB of log
SLICE = 1 << 20  # bytes that are searched at once
MOST_FOUND = 20_000  # line numbers that one answer holds


@dataclass(frozen=True, slots=True)
class Found:
    """What one slice of a search gave: the numbers of the lines that match, and the first line not yet looked at."""

    lines: list[int] = field(default_factory=list)
    until: int = 0


class Search:
    """What a person looks for in a log: a text, or an expression; alternatives are parted by " OR ".

    Case matters only where the query has capitals. The source's name is looked at as well as the text.

    Raises:
        re.error: the expression cannot be read.
    """

    def __init__(self, query: str, *, regex: bool = False) -> None:
        parts = [part for part in query.split(" OR ") if part]
        letters = "".join(re.sub(r"\\.", "", part) if regex else part for part in parts)  # the D of \D is no capital
        case = re.NOFLAG if letters != letters.lower() else re.IGNORECASE
        self._pattern = re.compile("|".join(part if regex else re.escape(part) for part in parts), case)
        self._literal = not regex

    def matches(self, line: LogLine) -> bool:
        """Whether the line, as it is shown, has what is looked for."""
        return bool(self._pattern.search(plain(line.text)) or self._pattern.search(line.source))

    def candidates(self, text: str) -> Iterator[tuple[int, str]]:
        """The lines of `text`, with their numbers in it, that may match."""
        if not self._literal or "\x1b" in text:  # an expression may look at a line's ends, and a colour may part a word
            yield from enumerate(text.split("\n")[:-1])
            return
        number = position = 0
        while match := self._pattern.search(text, position):
            start = text.rfind("\n", 0, match.start()) + 1
            end = text.find("\n", match.end())
            if end < 0:
                return
            number += text.count("\n", position, match.start())
            yield number, text[start:end]
            number += 1
            position = end + 1


class SpoolReader:
    """Lines of a spool file that may still grow. Several threads may read at once.

    Args:
        path: the file, whose lines are as `model.logs_spool` has them.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._newlines = array("Q", [0])  # how many there are before byte 0, BLOCK, 2 * BLOCK …

    def lines(self, first: int, count: int) -> list[LogLine]:
        """Up to `count` lines from line `first`, counted from 0; fewer where the file has no more of them complete."""
        with self._path.open("rb") as file:
            if not self._seek(file, first):
                return []
            raws: list[str] = []
            while len(raws) < count and (raw := file.readline()).endswith(b"\n"):
                raws.append(raw[:-1].decode("utf-8", "replace"))
        return [decode_line(raw) for raw in raws]

    def search(self, search: Search, first: int, seconds: float) -> Found:
        """The lines from `first` on that match, as far as `seconds` reach."""
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
        """Put `file` at the start of `line`; False where it has no such line yet."""
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
