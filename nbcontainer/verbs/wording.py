"""What a text calls a flag or a magic's line, in Python's words, for errors raised in a script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from nbcontainer import verbs
from nbcontainer.errors import UsageError
from nbcontainer.verbs import declared
from nbcontainer.verbs.arguments import Argument, Values
from nbcontainer.verbs.grammar import Magic
from nbcontainer.verbs.shared import ACTING
from nbcontainer.verbs.words import convert

_LINE = re.compile(r"`%(\w+)([^`]*)`")
_FLAGS = re.compile(r"`(--?[a-z][^`]*)`")


def in_python(text: str, handle: str = "engine") -> str:
    """The text with what it has in backquotes in Python's words, where Python has it.

    A magic's line becomes the call that its verb declares, and flags become arguments: "`--force`" is `force=True`,
    "`--cpus`" is `cpus`, and "`--context=prod`" is what `handle` names, `nbc.engine('prod')`.
    """
    text = _LINE.sub(lambda found: f"`{_call(found[1], found[2]) or found[0].strip('`')}`", text)
    return _FLAGS.sub(lambda found: f"`{_arguments(found[1], handle) or found[1]}`", text)


def _call(name: str, line: str) -> str:
    """The call that a magic's line is equivalent to, or ""."""
    if name == "docker" and line.split()[:1] == ["login"]:  # the magic asks for what the call requires
        return f"nbc.registries.login({''.join(f'{host!r}, ' for host in line.split()[1:])}username=…, password=…)"
    try:
        verb, words = _magic(name).split(line)
    except (UsageError, ValueError):
        return ""
    if not verb.calls:
        return f"nbc.{verb.same_as}(…)" if verb.same_as else ""
    try:
        values = verb.parse(words)
    except UsageError:  # it only names the verb
        return f"{_handle(name, verb.parse_so_far(words))}.{verb.calls}(…)"
    places, named = verb.bind(values)
    usual = {argument.key: argument.initial() for argument in verb.arguments}
    given = [f"{keyword}={value!r}" for keyword, value in named.items() if value != usual[keyword]]
    return f"{_handle(name, values)}.{verb.calls}({', '.join([*map(repr, places), *given])})"


@cache
def _magic(name: str) -> Magic:
    return Magic(name, "", declared(name), "get" if name == "kpod" else "")


def _handle(magic: str, values: Values) -> str:
    """The handle of the engine or cluster that a line names."""
    context = values.context if "context" in values else ""
    namespace = values.namespace if "namespace" in values and magic != "docker" else ""
    return _handle_of("engine" if magic == "docker" else "cluster", context or "", namespace or "")


def _handle_of(kind: str, context: str, namespace: str) -> str:
    given = [*([repr(context)] if context else []), *([f"namespace={namespace!r}"] if namespace else [])]
    return f"nbc.{kind}({', '.join(given)})" if given else "nbc"


def _arguments(flags: str, handle: str) -> str:
    """The arguments that flags are equivalent to, or "" if Python does not have one of them."""
    try:
        words = shlex.split(flags)
    except ValueError:
        return ""
    place: dict[str, str] = {}
    given: list[str] = []
    for flag, value in _pairs(words):
        if flag in ("--context", "--namespace"):
            place[flag] = value
            continue
        argument = keywords().get(flag)
        if argument is None:
            return ""
        given.append(_argument(argument, value))
    if any(place.values()):
        kind = "cluster" if place.get("--namespace") else handle
        given.insert(0, _handle_of(kind, place.get("--context", ""), place.get("--namespace", "")))
    elif place:
        given += [flag.lstrip("-") for flag in place]
    return ", ".join(given)


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each flag with its value: "--tail=5" and "--tail 5"."""
    while words:
        flag, _, value = words.pop(0).partition("=")
        if not value and words and not words[0].startswith("-"):
            value = words.pop(0)
        yield flag, value


@cache
def keywords() -> dict[str, Argument]:
    """The arguments of calls, by the flags that give them; the first verb with a flag of several meanings counts."""
    others = (verb for magic in ("docker", "kpod", "kube") for verb in declared(magic))
    found: dict[str, Argument] = {}
    for verb in (verbs.dockerfile.DOCKERFILE, *others):
        for flag, argument in verb.flags.items():
            if flag.startswith("--") and (not argument.control or argument in ACTING) and argument.kind != "refused":
                found.setdefault(flag, argument)
    return found


def _argument(argument: Argument, value: str) -> str:
    """One argument of a call; its name alone if there is no value."""
    if argument.kind == "switch":
        return f"{argument.key}={argument.gives is not False}"
    if not value:
        return argument.key
    if argument.key == "secrets":  # the call takes objects, which read what the flag's words describe
        return "secrets=[Secret(…)]"
    if argument.kind == "list":
        return f"{argument.key}={[value]!r}"
    if argument.kind == "mapping":
        key, _, content = value.partition("=")
        return f"{argument.key}={ {key: content}!r}"
    with suppress(UsageError):
        value = repr(convert(argument.kind, argument.long, value))
    return f"{argument.key}={value}"
