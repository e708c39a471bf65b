"""Where the cursor is in a Dockerfile that is being written: in which instruction, behind which flags, in which word.

The parser reads a finished text, and knows no columns; here nothing is finished. Only lines up to the cursor are read,
each once. The page has the same in TypeScript (`frontend/src/lab/dockerfile_lines.ts`), for when the kernel is busy;
`tests/language/positions.json` runs through both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

from nbcontainer.dockerfile.words import DIRECTIVES

Role = Literal["directive", "comment", "blank", "heredoc", "instruction"]

_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=(.*)$")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)$")
_WITH_HEREDOCS = ("RUN", "COPY", "ADD")


@dataclass(frozen=True, slots=True)
class OpenHeredoc:
    """A heredoc whose end has not been read yet.

    Attributes:
        has_tabs: whether tabs before its end are ignored, as `<<-` says.
        expands: whether variables in it are expanded.
    """

    name: str
    has_tabs: bool
    expands: bool

    def ends(self, line: str) -> bool:
        """Whether a line is its end."""
        return (line.lstrip("\t") if self.has_tabs else line) == self.name


class Statement:
    """An instruction as far as it is written."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @cached_property
    def text(self) -> str:
        """Its lines joined, without the escape characters at their ends; once they are all read."""
        return "".join(self.lines)

    @cached_property
    def word(self) -> str:
        """The instruction's word as written."""
        return (self.text.split(None, 1) or [""])[0]


@cache
def _continues(escape: str) -> re.Pattern[str]:
    token = re.escape(escape)
    return re.compile(f"(?:(?<=[^{token}])|^){token}[ \t]*$")


@cache
def _words(escape: str) -> re.Pattern[str]:
    token = re.escape(escape)
    return re.compile(rf"(?:\"(?:{token}.|[^\"{token}])*\"?|'[^']*'?|{token}.?|[^\s\"'{token}])+", re.DOTALL)


def split_words(text: str, escape: str) -> list[re.Match[str]]:
    """The words of a text as written, with their places; quotes and escapes keep blanks together."""
    return list(_words(escape).finditer(text))


def parts(text: str) -> tuple[list[str], int]:
    """An instruction's words in capitals, ONBUILD's and its trigger's, and where in the text its arguments begin."""
    named: list[str] = []
    position = 0
    while not named or named == ["ONBUILD"]:
        found = re.compile(r"\s*(\S+)\s+").match(text, position)
        if found is None:
            break
        named.append(found[1].upper())
        position = found.end()
    return named, position


class Lines:
    """Reads a text line by line.

    Attributes:
        statements: the instructions so far; the last may be unfinished.
        is_open: whether the last one goes on in the next line.
        heredocs: those that the next lines belong to, once the instruction is finished.
        is_head: whether parser directives may still come.
    """

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.is_open = False
        self.heredocs: list[OpenHeredoc] = []
        self.is_head = True
        self.directives: dict[str, str] = {}
        self._number = 0

    @property
    def escape(self) -> str:
        """The escape character."""
        return self.directives.get("escape", "\\")

    def role(self, line: str) -> Role:
        """What the next line is."""
        if self.heredocs and not self.is_open:
            return "heredoc"
        bare = line.lstrip()
        if bare.startswith("#"):
            return "directive" if self.is_head and self._directive(line) else "comment"
        return "instruction" if bare else "blank"

    def _directive(self, line: str) -> tuple[str, str] | None:
        found = _DIRECTIVE.match(line)
        if found is None or found[1].lower() not in DIRECTIVES:
            return None
        return found[1].lower(), found[2].strip()

    def read(self, line: str) -> Role:
        """Read the next line."""
        self._number += 1
        role = self.role(line)
        if role == "heredoc":
            if self.heredocs[0].ends(line):
                del self.heredocs[0]
            return role
        if role == "directive":
            key, value = self._directive(line) or ("", "")
            if key != "escape" or value in ("\\", "`"):
                self.directives.setdefault(key, value)
        elif not (self._number == 1 and line.startswith("#!")):
            self.is_head = False
        if role == "instruction":
            self._add(line)
        return role

    def _add(self, line: str) -> None:
        if not self.is_open:
            self.statements.append(Statement())
        statement = self.statements[-1]
        # a blank line or a comment does not end an instruction
        end = _continues(self.escape).search(line) if line.rstrip(" \t")[-1:] == self.escape else None
        statement.lines.append(line[: end.start()] if end else line)
        self.is_open = end is not None
        if end is None and "<<" in statement.text:
            self.heredocs = self._opened(statement.text)

    def _opened(self, text: str) -> list[OpenHeredoc]:
        names, start = parts(text)
        if not names or names[-1] not in _WITH_HEREDOCS or text[start:].lstrip().startswith("["):
            return []
        found = []
        for word in split_words(text[start:], self.escape):
            match = _HEREDOC.match(word[0])
            if match is None:
                continue
            name = re.sub(rf"[\"']|{re.escape(self.escape)}(?=.)", "", match[2])
            found.append(OpenHeredoc(name, match[1] == "-", name == match[2]))
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is.

    Attributes:
        lines: what comes before the cursor's line.
        role: what the cursor's line is.
        here: the cursor's line up to the cursor.
        after: the rest of it.
        before: the cursor's instruction up to the cursor, continued lines joined.
        start: where the cursor's line begins in `before`.
    """

    lines: Lines
    role: Role
    here: str
    after: str
    before: str
    start: int


def place_of(text: str, line: int, column: int) -> Place | None:
    """Where the cursor is: on a line, from 1, and before a column, from 0; None outside the text."""
    written = text.split("\n")
    if not 1 <= line <= len(written):
        return None
    lines = Lines()
    for other in written[: line - 1]:
        lines.read(other)
    here, after = written[line - 1][:column], written[line - 1][column:]
    role = lines.role(here)
    above = lines.statements.pop().text if lines.is_open else ""
    return Place(lines, role, here, after, above + here, len(above))
