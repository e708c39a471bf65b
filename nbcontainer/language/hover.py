"""What the word at the cursor means in a Dockerfile: an instruction, a flag, a directive, or a variable's value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbcontainer.dockerfile.words import FLAGS, INSTRUCTIONS, MOUNT_TYPES
from nbcontainer.language.cursor import Place, parts, place_of, split_words
from nbcontainer.language.scope import Scope

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)[^}]*\}?)", re.ASCII)
_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*=")
_TYPE = re.compile(r"(?<=[=,])type=(\w+)")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word means.

    Attributes:
        word: the word whose help explains it, as `help_dockerfile` takes it, or "".
        text: what else is to be said: a variable's value.
    """

    word: str = ""
    text: str = ""


def meaning_at(text: str, line: int, column: int) -> Meaning | None:
    """What the word at the cursor means: on a line, from 1, at a column, from 0; None if it says all by itself."""
    place = place_of(text, line, column)
    if place is None:
        return None
    current = place.here + place.after
    if place.role == "heredoc":
        names, _ = parts(place.lines.statements[-1].text)
        expands = names[-1] == "RUN" or place.lines.heredocs[0].expands
        return _variable(place, current, column, names[-1]) if expands else None
    if current.lstrip().startswith("#"):
        found = _DIRECTIVE.match(current)
        is_named = found is not None and found.start(1) <= column <= found.end(1)
        return Meaning(f"# {found[1].lower()}") if found and is_named and _is_directive(place, current) else None
    whole = place.before + place.after
    return _in_instruction(place, whole, len(place.before))


def _is_directive(place: Place, line: str) -> bool:
    return place.lines.role(line) == "directive"


def _in_instruction(place: Place, whole: str, position: int) -> Meaning | None:
    names, _ = parts(f"{whole} ")
    tokens = split_words(whole, place.lines.escape)
    index = next((index for index, token in enumerate(tokens) if token.start() <= position <= token.end()), None)
    if index is None or not names:
        return None
    token, at = tokens[index], position - tokens[index].start()
    if index < len(names):
        return Meaning(names[index]) if names[index] in INSTRUCTIONS else None
    variable = _variable(place, token[0], at, names[-1])
    if variable is not None:
        return variable
    is_flag = all(other[0].startswith("--") for other in tokens[len(names) : index + 1])
    return _flag(names[-1], token[0], at) if is_flag else None


def _flag(instruction: str, flag: str, at: int) -> Meaning | None:
    name = flag.partition("=")[0]
    known = {f"--{word.name}" for word in FLAGS.get(instruction, ())}
    if at <= len(name):
        return Meaning(f"{instruction} {name}") if name in known else None
    found = _TYPE.search(flag) if name == "--mount" and name in known else None
    if found is None or not found.start() <= at <= found.end() or found[1] not in MOUNT_TYPES:
        return None
    return Meaning(f"--mount=type={found[1]}")


def _variable(place: Place, text: str, at: int, instruction: str) -> Meaning | None:
    for found in _VARIABLE.finditer(text):
        if not found.start() <= at <= found.end() or text[: found.start()].endswith(place.lines.escape):
            continue
        scope = Scope(place.lines.statements, place.lines.escape)
        known = scope.variables(of_from=instruction == "FROM").get(found[1] or found[2])
        if known is None:
            return None
        value = f"{known.name}={known.value}" if known.value is not None else known.name
        return Meaning(text=f"{value} ({known.origin})")
    return None
