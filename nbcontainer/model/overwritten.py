r"""What a terminal finally shows of lines that overwrite themselves, as progress bars do.

Within one line, a terminal knows "\r", backspace, and ECMA-48's sequences that move the cursor or erase: CUF, CUB, CHA,
EL. Each character keeps the style (SGR) that it was written in.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from itertools import groupby, islice

_MOVE = re.compile(r"\x1b\[[0-9;]*[CDGK]")
_TOKEN = re.compile(
    r"(?P<move>[\r\x08\t])"
    r"|\x1b\[(?P<parameters>[0-9:;]*)(?P<final>[CDGKm])"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # anything else leaves the line as it is
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\|$)"
    r"|\x1b(?:[ -/]*[0-~])?"
)
_WIDEST = 1_000  # columns: a terminal's cursor stops at its right edge
_TAB = 8
_LONGEST_STYLE = 64  # characters of one sequence; no honest program writes more
_ENDS = {"22": ("1", "2"), "23": ("3",), "24": ("4", "21"), "25": ("5", "6"), "27": ("7",), "28": ("8",), "29": ("9",)}
_ENDS |= {"39": ("colour",), "49": ("background",), "55": ("53",)}
_GROUPS = {code: code for codes in _ENDS.values() for code in codes if code.isdigit()}
_GROUPS |= {str(code): "colour" for code in (*range(30, 39), *range(90, 98))}
_GROUPS |= {str(code): "background" for code in (*range(40, 49), *range(100, 108))}
_TAKEN = {"5": 1, "2": 3}  # how many codes follow 38;5 and 38;2

Style = tuple[tuple[str, str], ...]  # what a code is for, and the code


def settled(text: str) -> str:
    """`text` with each line as a terminal finally shows it; escape sequences other than SGR are dropped from these."""
    if not _moves(text):
        return text
    return "\n".join([_settle(line) if _moves(line) else line for line in text.split("\n")])


def _moves(text: str) -> bool:
    # a pattern of all of these would be far slower
    return "\r" in text or "\x08" in text or ("\x1b" in text and _MOVE.search(text) is not None)


def _settle(line: str) -> str:
    line = line.rstrip("\r")  # Windows ends its lines with one
    if not _moves(line):
        return line
    row, style, at = _Row(), Style(), 0
    for match in _TOKEN.finditer(line):
        if match.start() > at:
            row.write(line[at : match.start()], style)
        at = match.end()
        if match["final"] == "m":
            style = _restyled(style, match["parameters"])
        elif match["final"]:
            row.control(match["final"], match["parameters"])
        elif match["move"]:
            row.control(match["move"], "")
    if at < len(line):
        row.write(line[at:], style)
    return row.text()


class _Row:
    """One row of a terminal: a text and a style for each column. A wide character's second column has the text ""."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._styles: list[Style] = []
        self._column = 0

    def write(self, text: str, style: Style) -> None:
        """Write over what is there."""
        row, start = self._texts, self._column
        texts = _columns(text)
        if _has_no_width(text[0]) and 0 < start <= len(row):  # it stays with the character before
            row[start - 1 if row[start - 1] else start - 2] += texts.pop(0)
        if start > len(row):
            self._styles += [()] * (start - len(row))
            row += [" "] * (start - len(row))
        end = start + len(texts)
        self._blank_half(start)
        self._blank_half(end)
        row[start:end] = texts
        self._styles[start:end] = [style] * len(texts)
        self._column = end

    def _blank_half(self, column: int) -> None:
        """Before writing up to, or from, `column`: of a wide character that is cut in two, nothing remains."""
        if 0 < column < len(self._texts) and not self._texts[column]:
            self._texts[column - 1] = self._texts[column] = " "

    def control(self, control: str, parameters: str) -> None:
        """Move the cursor, or erase."""
        number = int(parameters[:4]) if parameters.isdecimal() else 0
        edge = max(_WIDEST, len(self._texts))
        match control:
            case "\r":
                self._column = 0
            case "\x08":
                self._column = max(0, self._column - 1)
            case "\t":
                self._column += _TAB - self._column % _TAB
            case "C":
                self._column = min(edge, self._column + max(1, number))
            case "D":
                self._column = max(0, self._column - max(1, number))
            case "G":
                self._column = min(edge, max(1, number) - 1)
            case "K":
                self._erase(number)

    def _erase(self, part: int) -> None:
        column = self._column
        if part == 0:
            self._blank_half(column)
            del self._texts[column:], self._styles[column:]
        elif part == 1 and column < _WIDEST:
            end = min(column + 1, len(self._texts))
            self._blank_half(end)
            self._texts[:end], self._styles[:end] = [" "] * end, [()] * end
        elif part == 2:  # noqa: PLR2004 - EL's own number
            self._texts.clear()
            self._styles.clear()

    def text(self) -> str:
        """The row, without the blanks at its end."""
        if not any(self._styles):
            return "".join(self._texts).rstrip(" ")
        parts, at = [], 0
        for style, same in groupby(self._styles):
            end = at + sum(1 for _ in same)
            part = "".join(self._texts[at:end])
            parts.append(f"\x1b[{';'.join(code for _, code in style)}m{part}\x1b[0m" if style else part)
            at = end
        return "".join(parts).rstrip(" ")


def _columns(text: str) -> list[str]:
    """The text of each column; what has no width of its own stays with the character before it."""
    if text.isascii() and text.isprintable():
        return list(text)
    columns: list[str] = []
    begin = 0
    for at, character in enumerate(text[1:], 1):
        if not _has_no_width(character):
            columns += _cells(text[begin], text[begin:at])
            begin = at
    return [*columns, *_cells(text[begin], text[begin:])]


def _cells(character: str, whole: str) -> tuple[str, ...]:
    return (whole, "") if unicodedata.east_asian_width(character) in {"W", "F"} else (whole,)


def _has_no_width(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Me", "Cf", "Cc"}


@functools.lru_cache(maxsize=1024)
def _restyled(style: Style, parameters: str) -> Style:
    """Apply the codes of an SGR sequence (ECMA-48, 8.3.117)."""
    if len(parameters) > _LONGEST_STYLE:
        return style
    kept, codes = dict(style), iter(parameters.split(";"))
    for code in codes:
        number = code.partition(":")[0].lstrip("0")
        if code in {"38", "48"}:
            kind = next(codes, "")
            code = ";".join([code, kind, *islice(codes, _TAKEN.get(kind, 0))])  # noqa: PLW2901 - with all that belongs to it
        if not number:
            kept.clear()
        for ended in _ENDS.get(number, (_GROUPS.get(number, ""),)):
            kept.pop(ended, None)
        if number in _GROUPS:
            kept[_GROUPS[number]] = code
    return tuple(kept.items())
