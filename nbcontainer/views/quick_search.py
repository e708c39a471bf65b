"""Finds the lines with a text in a block of a log's file, as bytes: nothing is decoded, and other lines cost nothing.

A line is searched as it is shown. The bytes of most lines differ from that only by timestamps and colours, which is
seen to here; `can_search` says which blocks are not like that, and have to be decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nbcontainer.model.log_file import STAMPED, Block
from nbcontainer.model.timestamps import LONGEST_STAMP
from nbcontainer.views.ansi import is_harmless

_ESCAPE = (  # as in `views.ansi`, for bytes in lower case, too
    rb"\x1b\[[0-9:;<=>?]*[ -/]*[@-~]"
    rb"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\|$)"
    rb"|\x1b(?:[ -/]*[0-~])?"
)
_ESCAPES = re.compile(_ESCAPE, re.MULTILINE)
# what moves the cursor or erases, so that a part of the line is overwritten; and strings that are not shown
_UNUSUAL = re.compile(rb"\x1b(?:\[[0-9;]*[CDGK]|[PX^_])")
_LOWERED_TO_ASCII = ("\u212a".encode(), "\u0130".encode())  # the other letters that become "k" and "i"
_STAMP_CHARACTERS = frozenset(b"0123456789-+:.tTzZ ")


class QuickSearch:
    """Searches for any of some texts, which are ASCII.

    Args:
        texts: what is looked for, in lower case if case does not matter.
        any_case: whether it does not.
    """

    def __init__(self, texts: Sequence[str], *, any_case: bool) -> None:
        self._texts = [text.encode("ascii") for text in texts]
        self._any_case = any_case and any(text != text.upper() for text in self._texts)  # only letters have a case
        self._may_be_in_stamp = any(_STAMP_CHARACTERS.issuperset(text) for text in self._texts)
        self._has_space = any(b" " in text for text in self._texts)
        # one pattern for each, because re skips quickly to a fixed first letter
        self._interrupted = [_interrupted(text) for text in self._texts if len(text) > 1]

    def can_search(self, data: bytes) -> bool:
        """Whether no line is shown so differently that it may have a text that its bytes lack, or the reverse."""
        if b"\x08" in data or _UNUSUAL.search(data):
            return False
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            return False
        if self._has_space and b"\t" in data:  # shown as spaces
            return False
        if data.isascii():
            return True
        if self._any_case and any(letter in data for letter in _LOWERED_TO_ASCII):
            return False
        return is_harmless(data.decode("utf-8", "replace").replace("\x1b", "").replace("\r", ""))

    def lines(self, block: Block) -> Iterator[int]:
        """The numbers of the lines that have one of the texts, in order."""
        data = block.data.lower() if self._any_case else block.data
        is_doubtful = self._may_be_in_stamp or b"\x1b" in data
        frames = iter(block.frames)
        begin = end = counted = line = 0
        stamped = False
        for hit in self._candidates(data):
            while hit >= end:
                frame = next(frames, None)
                if frame is None:
                    return
                begin = counted = frame.offset - block.start
                end, line, stamped = begin + frame.length, frame.line, bool(frame.flags & STAMPED)
            if hit < begin:  # between frames: a line that says whose the next ones are
                continue
            line, counted = line + data.count(b"\n", counted, hit), hit
            if not is_doubtful or self._is_shown(data, hit, stamped=stamped):
                yield line

    def _candidates(self, data: bytes) -> list[int]:
        """Where lines that may match have a text, one place for each line, in order."""
        if len(self._texts) == 1 and b"\x1b" not in data:
            return list(_first_in_lines(data, self._texts[0]))
        places = {place for text in self._texts for place in _first_in_lines(data, text)}
        if b"\x1b" in data:
            places.update(match.start() for pattern in self._interrupted for match in pattern.finditer(data))
        if len(places) < 2:  # noqa: PLR2004 - nothing to sort
            return list(places)
        found, end = [], -1
        for place in sorted(places):
            if place > end:
                found.append(place)
                end = data.find(b"\n", place)
                end = len(data) if end < 0 else end
        return found

    def _is_shown(self, data: bytes, hit: int, *, stamped: bool) -> bool:
        """Whether the line at `hit` has a text beside its timestamp and its escape sequences."""
        begin = data.rfind(b"\n", 0, hit) + 1
        coloured = data.find(b"\x1b", begin, hit + 1 + max(map(len, self._texts))) >= 0
        if not coloured and not (stamped and self._may_be_in_stamp and hit - begin <= LONGEST_STAMP):
            return True
        end = data.find(b"\n", hit)
        line = data[begin : end if end >= 0 else len(data)]
        if stamped:
            line = line[line.find(b" ", 0, LONGEST_STAMP + 1) + 1 :]
        if b"\x1b" in line:
            line = _ESCAPES.sub(b"", line)
        return any(text in line for text in self._texts)


def _interrupted(text: bytes) -> re.Pattern[bytes]:
    """The text with an escape sequence in it, up to the letter after that."""
    places = range(1, len(text))
    ways = [b"%b(?:%b)+%b" % (re.escape(text[:at]), _ESCAPE, re.escape(text[at : at + 1])) for at in places]
    return re.compile(b"|".join(ways), re.MULTILINE)


def _first_in_lines(data: bytes, text: bytes) -> Iterator[int]:
    """Where each line that has the text has it first."""
    find = data.find
    at = find(text)
    while at >= 0:
        yield at
        end = find(b"\n", at)
        at = find(text, end) if end >= 0 else -1
