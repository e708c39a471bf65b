"""From a stream's bytes to whole lines. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from nbcontainer.model.log_lines import LONGEST_LINE
from nbcontainer.model.timestamps import LONGEST_STAMP

LONG_LINE = LONGEST_LINE + LONGEST_STAMP + 1  # bytes of an unfinished line after which its parts are passed on


_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class Cut(Enum):
    """What a piece is."""

    LINES = "lines"  # whole lines; only the last piece of a stream may lack its line end
    PART = "part"  # a part of a line that is too long to be kept in memory
    END = "end"  # the last part of such a line, perhaps empty


class Piece(NamedTuple):
    """Bytes of a stream, cut where lines end."""

    cut: Cut
    data: bytes


def split_lines(data: bytes) -> list[bytes]:
    """The lines, each with its line end; only a newline ends one."""
    return data.splitlines(keepends=True) if b"\r" not in data else _LINE.findall(data)


class LineCutter:
    r"""Cuts a stream into pieces of whole lines; joined, they are what was fed.

    A line ends with "\n". One that is longer than `LONG_LINE` comes in parts, unless it is a progress bar that redraws
    itself: then it is cut before a "\r", so that each piece is a line that shows the last of its states.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_long = False

    @property
    def unfinished(self) -> bytes:
        """The beginning of a line whose end has not come yet; b"" within a long line."""
        return bytes(self._rest)

    @property
    def is_unfinished(self) -> bool:
        """Whether a line has begun whose end has not come yet."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes."""
        pieces: list[Piece] = []
        if self._is_long:
            end = data.find(b"\n") + 1
            if not end:
                return [Piece(Cut.PART, data)] if data else []
            pieces.append(Piece(Cut.END, data[:end]))
            self._is_long, data = False, data[end:]
        end = data.rfind(b"\n") + 1
        if end:
            lines = b"".join((self._rest, data[:end])) if self._rest else data[:end]
            pieces.append(Piece(Cut.LINES, lines))
            self._rest = bytearray(data[end:])
        else:
            self._rest += data
        if len(self._rest) > LONG_LINE:
            pieces += self._cut_long()
        return pieces

    def _cut_long(self) -> list[Piece]:
        state = self._rest.rfind(b"\r", 1, len(self._rest) - 1)
        if state > 0:
            line, self._rest = bytes(self._rest[:state]), self._rest[state:]
            return [Piece(Cut.LINES, line)]
        part, self._rest, self._is_long = bytes(self._rest), bytearray(), True
        return [Piece(Cut.PART, part)]

    def finish(self) -> list[Piece]:
        """The stream has ended: its last line, if that had no line end."""
        rest, is_long = bytes(self._rest), self._is_long
        self.forget()
        if is_long:
            return [Piece(Cut.END, b"")]
        return [Piece(Cut.LINES, rest)] if rest else []

    def forget(self) -> None:
        """Drop what was not passed on: the stream broke."""
        self._rest, self._is_long = bytearray(), False
