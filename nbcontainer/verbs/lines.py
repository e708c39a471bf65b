"""A call as the line of its magic: what a button of a picture writes into a cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from nbcontainer.verbs import declared, kpod, nbcontainer
from nbcontainer.verbs.arguments import Argument
from nbcontainer.verbs.grammar import Verb

__all__ = ["magic_line"]

_MAGICS = ("docker", "kpod", "kube", "nbcontainer")
_OWN_FUNCTION = {"kpod": (kpod.GET,), "nbcontainer": (nbcontainer.SETTINGS,)}  # declared on their own
# the values come from an engine or a cluster: one with anything else (blanks, quotes, `{{name}}`, a final `?`) would
# mean something to IPython or to the magic, and never becomes code
_HARMLESS = re.compile(r"[A-Za-z0-9_./:@=+,-]+")


def magic_line(magic: str, path: Sequence[str], values: Mapping[str, object]) -> str:
    """The line that calls a verb: `%docker volume rm data`; "" if there is no such verb, or a value might be code.

    Args:
        magic: the magic's name: "docker".
        path: the verb's words: ("volume", "rm").
        values: of its arguments, by their keys; those left out keep their defaults.
    """
    verb = _verbs(magic).get(tuple(path))
    if verb is None or not values.keys() <= {argument.key for argument in verb.arguments}:
        return ""
    given = {argument.key: _given(argument, values.get(argument.key)) for argument in verb.arguments}
    arguments = tuple(replace(argument, own=False, spelled="{}") for argument in verb.arguments)
    # in the order in which the verb reads them: `docker` takes all words after the first name for the command's
    order = "docker" if verb.rest_after_first and not verb.dashes else ""
    words = replace(verb, command=(order,), arguments=arguments).words(given)[1:]
    names = [word for argument in verb.positionals if argument.kind != "rest" for word in _words(given[argument.key])]
    if any(word.startswith("-") for word in names) or not all(map(_HARMLESS.fullmatch, words)):
        return ""
    return " ".join([f"{verb.sign}{magic}", *path, *words])


def _given(argument: Argument, value: object) -> object:
    """The value in the form in which a line gives it; None for a default."""
    if value == argument.initial():
        return None
    if argument.gives is not None:  # `--no-wait` gives False
        return value == argument.gives
    return list(value) if isinstance(value, tuple) else value


def _words(value: object) -> list[str]:
    return [str(word) for word in (value if isinstance(value, list) else [] if value is None else [value])]


@lru_cache(maxsize=8)
def _verbs(magic: str) -> dict[tuple[str, ...], Verb]:
    """The verbs of a magic that need no cell, by their paths."""
    verbs = (*declared(magic), *_OWN_FUNCTION.get(magic, ())) if magic in _MAGICS else ()
    return {path: verb for verb in verbs if verb.body != "yes" for path in verb.paths}
