"""Keeps the lines of a log that are wanted: by regular expressions, on whole pieces of bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nbcontainer.logs.cutter import Cut, Piece, split_lines
from nbcontainer.model.log_patterns import pattern_of
from nbcontainer.model.timestamps import LONGEST_STAMP

# what makes the search in many lines at once differ from that in each of them: anchors, and what looks around
_NEEDS_LINES = re.compile(r"[\^$]|\\[AZbB]|\(\?(?!i?:)|[*+?}]\+")


class LineFilter:
    """Which lines are kept. Of a line that is too long for memory, its first part decides.

    Args:
        include: a line is kept only if it matches one of these regular expressions, if there are any.
        exclude: a line is dropped if it matches one of these.

    Raises:
        UsageError: one of them is not a valid regular expression.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include, self._exclude = pattern_of(tuple(include), "--include"), pattern_of(tuple(exclude), "--exclude")
        self._long: dict[object, bool] = {}  # channel → whether its long line is kept

    def keep(self, channel: object, pieces: Iterable[Piece], *, stamped: bool) -> list[Piece]:
        """The pieces of a channel without the lines that are not wanted.

        Args:
            channel: whose pieces these are.
            pieces: what its cutter has cut.
            stamped: whether each line begins with a timestamp and a space, which are not searched.
        """
        kept: list[Piece] = []
        for cut, data in pieces:
            if cut is Cut.LINES:
                if lines := self._wanted(data, stamped=stamped):
                    kept.append(Piece(cut, lines))
                continue
            if channel not in self._long:
                self._long[channel] = bool(self._wanted(data.removesuffix(b"\n"), stamped=stamped))
            if self._long[channel]:
                kept.append(Piece(cut, data))
            if cut is Cut.END:
                del self._long[channel]
        return kept

    def _wanted(self, data: bytes, *, stamped: bool) -> bytes:
        if self._include is not None:
            data = _matching(self._include, data, stamped=stamped, wanted=True)
        if self._exclude is not None:
            data = _matching(self._exclude, data, stamped=stamped, wanted=False)
        return data


def _matching(pattern: re.Pattern[str], data: bytes, *, stamped: bool, wanted: bool) -> bytes:
    """The lines that match, or with `wanted=False` those that do not."""
    if not data.isascii() or _NEEDS_LINES.search(pattern.pattern):
        return b"".join([line for line in split_lines(data) if _matches(pattern, line, stamped=stamped) is wanted])
    text, parts, kept, at = data.decode("ascii"), list[bytes](), 0, 0
    while (found := pattern.search(text, at)) is not None:
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.start()) + 1 or len(text)
        if _matches(
            pattern, data[start:end], stamped=stamped
        ):  # and not only together with the next line, or its stamp
            parts.append(data[start:end] if wanted else data[kept:start])
            kept = end
        at = end
        if at >= len(text):
            break
    return b"".join(parts) if wanted else b"".join([*parts, data[kept:]])


def _matches(pattern: re.Pattern[str], line: bytes, *, stamped: bool) -> bool:
    if stamped:
        stamp, space, rest = line[: LONGEST_STAMP + 1].partition(b" ")
        line = line[len(stamp) + 1 :] if space else rest
    return pattern.search(line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")) is not None
