"""The Python call for a magic's line, for the cures of errors raised in a script."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from nbcontainer.errors import UsageError
from nbcontainer.verbs import declared
from nbcontainer.verbs.arguments import Values
from nbcontainer.verbs.grammar import Magic
from nbcontainer.verbs.kpod import GET

__all__ = ["in_python"]

_LINE = re.compile(r"`%(\w+)([^`]*)`")


def in_python(cure: str) -> str:
    """The cure with magic lines replaced by the calls that their verbs declare, if any."""
    return _LINE.sub(lambda found: f"`{_call(found[1], found[2]) or found[0].strip('`')}`", cure)


def _call(name: str, line: str) -> str:
    """The call that a magic's line is equivalent to, or ""."""
    if name == "docker" and line.split()[:1] == ["login"]:  # the magic asks for what the call requires
        return f"nbc.registries.login({''.join(f'{host!r}, ' for host in line.split()[1:])}username=…, password=…)"
    try:
        verb, words = _magic(name).split(line)
        values = verb.parse(words)
    except UsageError:
        return ""
    if not verb.calls:
        return ""
    places, named = verb.bind(values)
    usual = {argument.key: argument.initial() for argument in verb.arguments}
    given = [f"{keyword}={value!r}" for keyword, value in named.items() if value != usual[keyword]]
    return f"{_handle(name, values)}.{verb.calls}({', '.join([*map(repr, places), *given])})"


@cache
def _magic(name: str) -> Magic:
    get = replace(GET, calls="pods.list")  # declares no call, since its function chooses between two
    return Magic(name, "", (*declared(name), get), "get") if name == "kpod" else Magic(name, "", declared(name))


def _handle(magic: str, values: Values) -> str:
    """The handle of the engine or cluster that a line names."""
    context = values.context if "context" in values else ""
    namespace = values.namespace if "namespace" in values and magic != "docker" else ""
    given = [*([repr(context)] if context else []), *([f"namespace={namespace!r}"] if namespace else [])]
    kind = "engine" if magic == "docker" else "cluster"
    return f"nbc.{kind}({', '.join(given)})" if given else "nbc"
