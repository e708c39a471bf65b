"""Quick fixes: the edits that remove a problem which has one obvious cure.

Whoever finds a fault says in a `Cure` which word to replace by what; only here is the word looked for in the text. One
that is continued over lines is not found, and left as it is.
"""

from __future__ import annotations

import json
import re
import shlex
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from e2b_dockerfile_utils import ShellLex, parse_words

from nbcontainer.errors import Edit, Fix
from nbcontainer.model.source_map import SourceMap

if TYPE_CHECKING:
    from nbcontainer.dockerfile.text import Instruction

_OF_SHELL = re.compile(r"[$`\\*?\[\]{}~#&|;<>()!\n]")
_BUILT_IN = (
    *(".", ":", "alias", "bg", "break", "cd", "command", "continue", "eval", "exec", "exit", "export", "fg", "for"),
    *("getopts", "hash", "if", "jobs", "local", "read", "readonly", "return", "set", "shift", "source", "times"),
    *("trap", "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while"),
)
_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_PLAIN = re.compile(r"[\w./:@%+,=-]+")
_MOST = 500  # fixes of one text; once they are made, others take their place
_LONGEST = 20_000  # characters of an instruction in which a word is looked for


@dataclass(frozen=True, slots=True)
class Cure:
    """What to replace in an instruction.

    Attributes:
        title: what the user does, such as "Write AS".
        pattern: a regular expression for the instruction's lines, whose only group is replaced; `^` begins a line.
        text: what takes its place.
        every: whether all matches are replaced; otherwise there must be exactly one.
        line: where to begin to look, if that is before the fault.
    """

    title: str
    pattern: str
    text: str
    every: bool = False
    line: int = 0

    @classmethod
    def of_word(
        cls, word: str, text: str, *, title: str = "", before: str = r"(?<!\S)", after: str = r"(?!\S)"
    ) -> Cure:
        """Replace a word that stands between blanks, or between what `before` and `after` match."""
        return cls(title or f"Write {text}", f"{before}({re.escape(word)}){after}", text)

    @classmethod
    def of_end(cls, words: str, text: str) -> Cure:
        """Replace what an instruction ends with."""
        return cls(f"Write {text}", rf"({re.escape(words)})(?=\s*\Z)", text)

    @classmethod
    def of_first_word(cls, word: str, text: str) -> Cure:
        """Replace the word that an instruction begins with."""
        return cls.of_word(word, text, before=r"\A[ \t]*")


def variable_renamed(name: str, likely: str) -> Cure:
    """Write a misspelt variable as it is defined, wherever the instruction uses it."""
    return Cure(f"Write ${likely}", rf"\$\{{?({re.escape(name)})(?!\w)", likely, every=True)


def command_as_json(instruction: Instruction) -> Cure | None:
    """Write the shell form of CMD or ENTRYPOINT as a JSON array; None where the shell does more than to split words."""
    command = instruction.rest
    if not command or _OF_SHELL.search(command) or "=" in command.split(None, 1)[0]:
        return None
    try:
        words = shlex.split(command) if "'" in command or '"' in command else command.split()
    except ValueError:
        return None
    if not words or words[0] in _BUILT_IN:
        return None
    better = json.dumps(words, ensure_ascii=False)
    name = instruction.text.split(None, 1)[0]
    return replace(Cure.of_end(command, better), title=f"Write {name} {better}")


def pair_with_equals(instruction: Instruction, key: str, value: str, escape: str) -> Cure | None:
    """Write `ENV a b` as `ENV a=b`, so that it means the same; None where that is not obvious."""
    if not _KEY.fullmatch(key) or not value or value.startswith("="):
        return None
    if _PLAIN.fullmatch(value):
        better = f"{key}={value}"
    elif not any(special in value for special in ("'", '"', escape)):
        better = f'{key}="{value}"'
    else:
        better = f"{key}={_blanks_escaped(value, escape)}"
    if parse_words(better, escape) != [better] or _value(better, escape) != f"{key}={_value(value, escape)}":
        return None
    name = instruction.text.split(None, 1)[0]
    return Cure(f"Write {name} {better}", rf"(?<=\s)({re.escape(key)}\s+{re.escape(value)})(?=\s*\Z)", better)


def _value(word: str, escape: str) -> str | None:
    """What a word means, variables left as they are."""
    try:
        return ShellLex(escape).process_word(word)
    except (ValueError, RecursionError):
        return None


def _blanks_escaped(value: str, escape: str) -> str:
    """A value of several words as one: each blank outside quotes is escaped."""
    pieces, quote, position = [], "", 0
    while position < len(value):
        character = value[position]
        length = 2 if character == escape and quote != "'" else 1
        if length == 1 and character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        blank = not quote and length == 1 and character.isspace()
        pieces.append(escape * blank + value[position : position + length])
        position += length
    return "".join(pieces)


class Lines:
    """The lines of a text, with the place of each character.

    Args:
        text: the Dockerfile.
        source_map: from its lines to the user's own.
    """

    def __init__(self, text: str, source_map: SourceMap) -> None:
        self._lines = text.removeprefix("\ufeff").split("\n")
        self._mark = len(text) - len(text.removeprefix("\ufeff"))  # a byte order mark is a character of line 1
        self._own = source_map.own
        self._written = dict(source_map.changed)
        self._room = _MOST

    def fix(self, cure: Cure, line: int, end_line: int) -> Fix | None:
        """The fix of a fault on these lines; None where what it replaces is not there as one word."""
        line = cure.line or line
        kept = self._lines[line - 1 : end_line]
        starts = [0, *accumulate(len(each) + 1 for each in kept)]
        if starts[-1] > _LONGEST or not self._room:
            return None
        self._room -= 1
        found = list(_compiled(cure.pattern).finditer("\n".join([*kept, ""])))
        if not found or (len(found) > 1 and not cure.every):
            return None
        edits = [self._edit(starts, line, match.span(1), cure.text) for match in found]
        return None if None in edits else Fix(cure.title, tuple(edit for edit in edits if edit is not None))

    def _edit(self, starts: Sequence[int], line: int, span: tuple[int, int], text: str) -> Edit | None:
        """An edit in the user's own lines; None where it would change a value that is filled in."""
        (first, column), (last, end_column) = (_place(starts, offset) for offset in span)
        first, last = first + line, last + line
        if last > len(self._lines):
            return None
        own = [self._own(number) for number in range(first, last + 1)]
        if own != list(range(own[0], own[0] + len(own))):
            return None
        if any(number in self._written for number in range(first, last + 1)):
            shift = self._shifted(first, column, end_column) if first == last else None
            if shift is None:
                return None
            column, end_column = column + shift, end_column + shift
        column += self._mark if first == 1 else 0
        end_column += self._mark if last == 1 else 0
        return Edit(own[0], column, own[-1], end_column, text)

    def _shifted(self, line: int, column: int, end_column: int) -> int | None:
        """How far what is between two columns is from where the user wrote it; None where a value is filled in."""
        filled, written = self._lines[line - 1], self._written[line]
        if filled[:end_column] == written[:end_column]:
            return 0
        rest = filled[column:]
        return len(written) - len(filled) if rest and written.endswith(rest) else None


def _place(starts: Sequence[int], offset: int) -> tuple[int, int]:
    index = bisect(starts, offset) - 1
    return index, offset - starts[index]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)
