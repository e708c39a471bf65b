"""Checks that the program understands a result's `.command`."""

import inspect
import shlex
from collections.abc import Iterable, Iterator

from nbcontainer.api.nouns import nouns_of
from nbcontainer.magics.calls import run_magic
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.verbs.grammar import Verb
from tests.terminal import Terminal

GROUPS = ("auth", "config", "create", "rollout", "set", "top")  # of kubectl, whose verbs have two words
SUBGROUPS = (["create", "secret"], ["create", "service"])  # and of these three


def results_of(verb: Verb, line: str, cell: str | None = None) -> Iterator[object]:
    """A verb's result for a line, and each object in it; at least one has a command."""
    result = run_magic(verbs_of(verb.magic), line, cell, {})
    found = [result] if hasattr(result, "command") else list(result)
    assert found, f"{verb.title} {line}: {result!r}"
    for each in found:
        assert each.command, f"{verb.title} {line}: {each!r}"
        yield each


def is_understood(terminal: Terminal, command: str, path: Iterable[str]) -> None:
    """Fail if the program does not know the flags: it parses them before --help takes effect.

    Args:
        terminal: where it is run.
        command: the command.
        path: its verb's words, after which --help is inserted.
    """
    words = shlex.split(command)
    for word in path:
        assert word in words, f"{command} has no {word}"
    at = max(words.index(word) for word in path) + 1
    output = terminal.run(shlex.join([*words[:at], "--help", *words[at:]]))
    assert "Usage:" in output, output


def path_of(verb: Verb) -> list[str]:
    """The words of a command that name its verb, without kubectl's kind of object, which has several spellings."""
    words = [word for word in verb.command[1:] if word[0] != "-"]
    if verb.command[0] != "kubectl":
        return words
    return words if words[:2] in SUBGROUPS else words[: 2 if words[0] in GROUPS else 1]


def further_methods(handle: type, verbs: Iterable[Verb]) -> set[str]:
    """The methods of the nouns that no verb calls: "volumes.get"."""
    called = {path for verb in verbs for path in (verb.calls, verb.asks, verb.same_as)}
    return {
        f"{noun}.{name}"
        for noun, kind in nouns_of(handle).items()
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if name[0] != "_" and not name.startswith("plan_") and name != "names"
    } - called
