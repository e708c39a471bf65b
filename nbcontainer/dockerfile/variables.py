"""Variables in a word of a Dockerfile: its value, and which of them it uses.

BuildKit's frontend/dockerfile/shell does the same (`ProcessWordWithMatches`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from e2b_dockerfile_utils import ShellLex

_SIMPLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)
_SPECIAL = re.compile(r"['\"<\\`]")
_VARIABLE = re.compile(r"\$\{?(\w+)")
_LONGEST = 64 * 1024  # characters; values that are made of each other can grow without limit


@dataclass(slots=True)
class Expansion:
    """What a word stands for.

    Attributes:
        text: its value; None where that cannot be known here, or the word is invalid.
        words: the same, split at the blanks outside quotes.
        used: the variables in it that are defined, in the word's order.
        missing: those that are not.
    """

    text: str | None
    words: list[str] = field(default_factory=list)
    used: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)


class _Recorded(dict[str, str]):
    """The variables, for one word: remembers which are asked for."""

    def __init__(self, known: Mapping[str, str | None], found: Expansion) -> None:
        super().__init__()
        self._known = known
        self._found = found
        self.is_open = False

    def get(self, name: str, _: object = None) -> str | None:  # type: ignore[override]
        if name not in self._known:
            self._found.missing[name] = None
            return None
        self._found.used[name] = None
        value = self._known[name]
        if value is None:
            self.is_open = True
        return value or ""


def expand_word(
    word: str, known: Mapping[str, str | None], escape: str = "\\", *, raw: bool = False, split: bool = False
) -> Expansion:
    """Fill in the variables of a word, and note which it uses.

    Args:
        word: as written.
        known: the variables; None for a value that only the engine knows.
        escape: the escape character.
        raw: whether quotes are ordinary characters, as in a heredoc.
        split: whether the words are wanted too.
    """
    bare = word[1:-1] if len(word) > 1 and word[0] == word[-1] == '"' and not (raw or split) else word
    if not _SPECIAL.search(bare):
        if "$" not in bare:
            return Expansion(bare, bare.split() if split else [])
        if (simple := _expand_simple(bare, known)) is not None:
            if split:
                simple.words = (simple.text or "").split()
            return simple
    found = Expansion(None)
    if "$" in word and sum(len(known.get(name) or "") for name in _VARIABLE.findall(word)) > _LONGEST:
        return found
    recorded = _Recorded(known, found)
    try:
        lexer = ShellLex(escape, env=recorded, skip_unset_env=False, skip_process_quotes=raw)
        text = lexer.process_word(word)
        if split:
            found.words = lexer.process_words(word)
    except (ValueError, RecursionError, re.error):
        return Expansion(None)
    if not recorded.is_open:
        found.text = text
    return found


def _expand_simple(word: str, known: Mapping[str, str | None]) -> Expansion | None:
    """The same for `$name` and `${name}` without quotes and escapes, much faster; None for anything else."""
    pieces = _SIMPLE.split(word)
    if len(pieces) // 3 != word.count("$") or not word.isascii():
        return None
    found = Expansion(None)
    texts: list[str | None] = [pieces[0]]
    for plain, braced, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        name = plain or braced
        if name[0].isdecimal():
            return None  # only the digits are the name
        if name in known:
            found.used[name] = None
            texts.append(known[name])
        else:
            found.missing[name] = None
        texts.append(rest)
    present = [text for text in texts if text is not None]
    if len(present) == len(texts) and sum(map(len, present)) <= _LONGEST:
        found.text = "".join(present)
    return found
