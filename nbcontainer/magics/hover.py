"""Help at the cursor in the page (Shift-Tab): verbs and flags of our magics, instructions and flags of a Dockerfile."""

from __future__ import annotations

import re

from nbcontainer.language.dockerfile_help import help_dockerfile
from nbcontainer.language.hover import meaning_at
from nbcontainer.magics.catalogue import MAGICS, verbs_of

_MAGIC = re.compile(r"\s*%%?([A-Za-z_]\w*)")


def help_at(code: str, position: int) -> str | None:
    """The help on the word at `position` in a cell's text; None if it is not ours."""
    before = code[:position].split("\n")
    lines = code.split("\n")
    number, column = len(before) - 1, len(before[-1])
    head = _MAGIC.match(lines[0])
    if head and head[1] == "dockerfile" and number > 0:
        return _of_dockerfile(lines, number, column)
    match = _MAGIC.match(lines[number])
    if match is None or match[1] not in MAGICS:
        return None
    return _of_magic(match[1], lines[number], column)


def _word(line: str, column: int) -> str:
    return next((found[0] for found in re.finditer(r"\S+", line) if found.start() <= column <= found.end()), "")


def _of_magic(name: str, line: str, column: int) -> str:
    magic = verbs_of(name).magic
    words = line.split()[1:]
    words = words[magic.shared_words(words) :]
    found = magic.find(words)
    verb = found[0] if found else magic.verb(magic.default) if magic.default and words else None
    word = _word(line, column)
    flags = verb.flags if verb else magic.shared_flags
    argument = flags.get(word.partition("=")[0])
    if argument is not None:
        return f"{', '.join(argument.names)}\n\n  {argument.help}"
    return magic.help() if verb is None or word.startswith("%") else verb.help


def _of_dockerfile(lines: list[str], number: int, column: int) -> str | None:
    meaning = meaning_at("\n".join(lines[1:]), number, column)
    if meaning is None:
        return None
    if meaning.text:
        return meaning.text
    found = help_dockerfile(meaning.word)
    if found is None:
        return None
    example = "\n".join(f"  {line}" for line in found.example.splitlines())
    return "\n\n".join(filter(None, (found.title, found.text, example and f"Example:\n{example}")))
