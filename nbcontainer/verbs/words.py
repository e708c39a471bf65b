"""Splits a line into words, and converts a word to a value."""

from __future__ import annotations

import math
import re
from math import isfinite

from nbcontainer.errors import UsageError

Value = str | int | float | dict[str, str]
"""What an argument takes from one word."""

# in the order of POSIX Shell Command Language, 2.2: single quotes, double quotes, a backslash, plain text, blanks;
# a {{name['key']}} is plain text
_PIECE = re.compile(
    r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(\{\{[^{}\n]*\}\}|(?:(?!\{\{[^{}\n]*\}\})[^\s'"\\])+)|(\s+)""", re.DOTALL
)
_ESCAPED_IN_QUOTES = re.compile(r'\\([$`"\\])')


def shell_words(line: str) -> list[str]:
    """The words of a line, quotes and backslashes read as a shell reads them. `#` is an ordinary character.

    Raises:
        UsageError: a quote is left open.
    """
    words: list[str] = []
    word: str | None = None
    position = 0
    while position < len(line):
        match = _PIECE.match(line, position)
        if match is None:
            what = "a lone backslash" if line[position] == "\\" else f"no closing {line[position]}"
            raise UsageError(f"The line cannot be parsed: {what}.", cure="Close the quote." if what[0] == "n" else "")
        position = match.end()
        single, double, escaped, text, blanks = match.groups()
        if blanks is None:
            if double is not None:
                double = _ESCAPED_IN_QUOTES.sub(r"\1", double)
            word = (word or "") + next(part for part in (single, double, escaped, text) if part is not None)
        elif word is not None:
            words.append(word)
            word = None
    return words if word is None else [*words, word]


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def convert(kind: str, name: str, value: str) -> Value:
    """Convert a word to the kind of value that an argument takes.

    Raises:
        UsageError: it is not of that kind.
    """
    if kind == "boolean":
        if value.lower() not in {"true", "false"}:
            raise UsageError(f"{name} takes true or false, not {value!r}.")
        return value.lower() == "true"
    if kind in ("number", "tail"):
        try:
            return -1 if (kind, value) == ("tail", "all") else int(value)
        except ValueError:
            raise UsageError(f"{name} takes a whole number, not {value!r}.") from None
    if kind == "decimal":
        return _decimal(name, value)
    if kind == "seconds":
        return seconds_of(name, value)
    if kind == "port":
        return _port(name, value)
    return _pairs(name, value) if kind == "pairs" else value


def _port(name: str, value: str) -> int:
    number = int(value) if value.isdigit() else 0
    if not 0 < number < 65536:  # noqa: PLR2004 - ports have 16 bits
        raise UsageError(f"{name} takes a number from 1 to 65535, not {value!r}.")
    return number


def _pairs(name: str, value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, value.split(",")):
        key, equals, content = part.partition("=")
        if not equals or not key:
            raise UsageError(f"{name} takes KEY=VALUE,…, not {part!r}.")
        found[key] = content
    return found


def _decimal(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise UsageError(f"{name} takes a number, not {value!r}.")
    return number


def seconds_of(name: str, value: str) -> float:
    """A duration as Go writes it ("90s", "1h30m"), or plain seconds.

    Raises:
        UsageError: it is neither, or negative.
    """
    try:
        seconds = float(value)
    except ValueError:
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            raise UsageError(f"{name} takes a duration such as 30s or 1h30m, not {value!r}.") from None
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 <= seconds < math.inf:
        raise UsageError(f"{name} takes a duration such as 30s or 1h30m, not {value!r}.")
    return seconds
