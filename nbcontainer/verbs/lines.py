"""Writes the line of a magic from a verb and the values of its arguments: what a button in a picture stands for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from nbcontainer.errors import UsageError
from nbcontainer.verbs import declared
from nbcontainer.verbs.grammar import Verb, flag_words

# characters that would end the line, and the sign of a variable, which would be replaced by its value
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]|\{\{")


def magic_line(magic: str, path: Sequence[str], values: Mapping[str, object]) -> str:
    """The line that does this: `%docker volume rm data`.

    Args:
        magic: the magic's name, without the percent sign.
        path: the verb's words.
        values: of its arguments, by name; what is missing keeps its default.

    Raises:
        UsageError: there is no such verb or argument, or a value cannot be written on a magic's line.
    """
    verb = next((found for found in declared(magic) if tuple(path) in found.paths), None)
    if verb is None:
        raise UsageError(f"There is no verb {' '.join(path)!r} of %{magic}.")
    known = {argument.key for argument in verb.arguments}
    if unknown := sorted(set(values) - known):
        raise UsageError(f"%{magic} {verb.path} takes no argument {unknown[0]!r}.")
    words = [*path, *_words(verb, values)]
    if any(_UNSAFE.search(word) for word in words):
        raise UsageError("A value cannot be written on a magic's line.")
    return f"%{magic} {shlex.join(words)}"


def _words(verb: Verb, values: Mapping[str, object]) -> list[str]:
    flags: list[str] = []
    names: list[str] = []
    rest: list[str] = []
    for argument in verb.arguments:
        value = values.get(argument.key)
        if argument.gives is not None:
            flags += [argument.long] if argument.key in values and value == argument.gives else []
            continue
        if value is None or value is False or value in ("", [], (), {}):
            continue
        if argument.is_flag:
            flags += flag_words(argument, list(value) if isinstance(value, tuple) else value)
            continue
        given = [str(word) for word in value] if isinstance(value, (list, tuple)) else [str(value)]
        if argument.kind == "rest":
            rest = given
        elif any(word.startswith("-") for word in given):
            raise UsageError(f"{argument.names[0]} must not begin with a dash.")
        else:
            names += given
    before = [*flags, *names] if verb.rest_after_first else [*names, *flags]
    return [*before, *(rest if not rest or verb.rest_after_first else ["--", *rest])]
