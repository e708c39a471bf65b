"""`{{name}}` in a cell is the Python variable `name`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nbcontainer.errors import UsageError
from nbcontainer.model.source_map import SourceMap

# a name with attributes and items; Go templates ({{.Name}}), Jinja filters and calls do not match and stay as they are
_PART = r"""(?:\.[^\W\d]\w*|\[(?:'[^'\]\n]*'|"[^"\]\n]*"|-?\d+)\])"""
_REFERENCE = re.compile(r"\{\{[ \t]*([^\W\d]\w*" + _PART + r"*)[ \t]*\}\}")
_PARTS = re.compile(_PART)
# a line break in Dockerfiles is the first, in YAML 1.1 any of them (its section 5.4)
_BREAK = re.compile("[\n\r\x85\u2028\u2029]")


def substitute(
    text: str, namespace: Mapping[str, object], first_line: int = 1, cell: str = ""
) -> tuple[str, SourceMap]:
    """Replace each `{{name}}` or `{{name.attribute}}` by the value of a Python variable.

    Args:
        text: the text of a cell, without its magic line.
        namespace: the variables.
        first_line: the number of the text's first line in the user's cell (2 after a magic line).
        cell: the cell's name, for the map.

    Returns:
        The new text, and the map of its lines to the cell's: all lines of a value map to the line with its name.

    Raises:
        UsageError: a name is not defined; the message has the line of each, and names `--raw`. Or a value has
            several lines and is not alone on its line, where they would become instructions of their own.
    """
    lines: list[str] = []
    origins: list[tuple[str, int]] = []
    missing: list[tuple[int, str]] = []
    broken: list[tuple[int, str]] = []
    changed: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), first_line):
        alone = _REFERENCE.fullmatch(line.strip()) is not None

        def value(match: re.Match[str], number: int = number, *, alone: bool = alone) -> str:
            try:
                found = str(_look_up(match[1], namespace))
            except LookupError:
                missing.append((number, match[1]))
                return ""
            if not alone and _BREAK.search(found):
                broken.append((number, match[1]))
            return found

        new = _REFERENCE.sub(value, line).split("\n")
        if new != [line]:
            changed += [(len(lines) + offset, line) for offset in range(1, len(new) + 1)]
        lines += new
        origins += [(cell, number)] * len(new)
    _refuse_missing(missing)
    if broken:
        raise UsageError(
            "\n".join(f"line {number}: the value of {{{{{name}}}}} has a line break." for number, name in broken),
            cure=f"Only a line that is nothing but {{{{{broken[0][1]}}}}} may become several lines.",
        )
    return "\n".join(lines), SourceMap(tuple(origins), tuple(changed))


def substitute_word(word: str, namespace: Mapping[str, object]) -> str:
    """Put values into one word of a magic's line; it stays one word, whatever they hold.

    Raises:
        UsageError: a name is not defined.
    """
    missing: list[tuple[int, str]] = []

    def value(match: re.Match[str]) -> str:
        try:
            return str(_look_up(match[1], namespace))
        except LookupError:
            missing.append((1, match[1]))
            return ""

    new = _REFERENCE.sub(value, word)
    _refuse_missing(missing)
    return new


def split_word(word: str) -> list[tuple[str, str]]:
    """Each `{{name}}` of a word with what precedes it, then the rest with "" for a name."""
    pieces = [*_REFERENCE.split(word), ""]
    return list(zip(pieces[::2], pieces[1::2], strict=True))


def _refuse_missing(missing: Sequence[tuple[int, str]]) -> None:
    if missing:
        raise UsageError(
            "\n".join(f"line {number}: {{{{{name}}}}} is not defined in Python." for number, name in missing),
            cure=f"Define {missing[0][1]}, or use --raw to leave all {{{{ }}}} as they are.",
        )


def _look_up(path: str, namespace: Mapping[str, object]) -> object:
    first = _PARTS.search(path)
    value = namespace[path[: first.start()] if first else path]
    for part in _PARTS.findall(path):
        try:
            value = _part(value, part)
        except (AttributeError, LookupError, TypeError):
            raise LookupError(path) from None
    return value


def _part(value: object, part: str) -> object:
    """An attribute, ".name", or an item, "['key']" or "[0]". What Python keeps to itself is not reached."""
    if part.startswith("."):
        if part.startswith("._"):
            raise AttributeError(part)
        return getattr(value, part[1:])
    key = part[1:-1]
    return value[key[1:-1] if key[0] in "'\"" else int(key)]  # type: ignore[index] # TypeError is expected
