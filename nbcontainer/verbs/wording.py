"""What a magic's line would be in Python, for the cures of errors that a script gets."""

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
    """The cure with calls in place of the lines of magics, where these have declared one."""
    return _LINE.sub(lambda found: f"`{_call(found[1], found[2]) or found[0].strip('`')}`", cure)


def _call(name: str, line: str) -> str:
    """The call that a magic's line stands for, or ""."""
    if name == "docker" and line.split()[:1] == ["login"]:  # it asks for what the call must have
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
    get = replace(GET, calls="pods.list")  # whose body chooses among more than one call
    return Magic(name, "", (*declared(name), get), "get") if name == "kpod" else Magic(name, "", declared(name))


def _handle(magic: str, values: Values) -> str:
    """The handle of the engine or the cluster that a line names."""
    context = values.context if "context" in values else ""
    namespace = values.namespace if "namespace" in values and magic != "docker" else ""
    given = [*([repr(context)] if context else []), *([f"namespace={namespace!r}"] if namespace else [])]
    kind = "engine" if magic == "docker" else "cluster"
    return f"nbc.{kind}({', '.join(given)})" if given else "nbc"
