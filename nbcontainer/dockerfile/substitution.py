"""`{{name}}` in a cell is the Python variable `name`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbcontainer.errors import UsageError
from nbcontainer.model.build import SourceMap

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["substitute"]

# a name with attributes; Go templates ({{.Name}}), Jinja filters and calls do not match and stay as they are
_REFERENCE = re.compile(r"\{\{[ \t]*([^\W\d]\w*(?:\.[^\W\d]\w*)*)[ \t]*\}\}")


def substitute(text: str, namespace: Mapping[str, Any], first_line: int = 1, cell: str = "") -> tuple[str, SourceMap]:
    """Put the values of Python variables where `{{name}}` or `{{name.attribute}}` stands.

    Args:
        text: the text of a cell, without its magic line.
        namespace: the variables.
        first_line: the line of the text's first line in the person's cell (2 below a magic line).
        cell: the cell's name, for the map.

    Returns:
        The new text, and the map of its lines to the cell's: all lines of a value map to the line where its name
        stands.

    Raises:
        UsageError: a name is not defined; the message has the line of each, and names `--raw`.
    """
    lines: list[str] = []
    origins: list[tuple[str, int]] = []
    missing: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), first_line):

        def value(match: re.Match[str], number: int = number) -> str:
            try:
                return str(_look_up(match[1], namespace))
            except LookupError:
                missing.append((number, match[1]))
                return ""

        new = _REFERENCE.sub(value, line).split("\n")
        lines += new
        origins += [(cell, number)] * len(new)
    if missing:
        raise UsageError(
            "\n".join(f"line {number}: {{{{{name}}}}} is not defined in Python." for number, name in missing),
            cure=f"Define {missing[0][1]}, or give --raw to leave all {{{{ }}}} as they are.",
        )
    return "\n".join(lines), SourceMap(tuple(origins))


def _look_up(path: str, namespace: Mapping[str, Any]) -> Any:
    name, *attributes = path.split(".")
    value = namespace[name]
    for attribute in attributes:
        try:
            value = getattr(value, attribute)
        except AttributeError:
            raise LookupError(path) from None
    return value
