"""Reads the words of one call, as its verb declares them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.errors import UsageError
from nbcontainer.verbs.arguments import Argument, Values
from nbcontainer.verbs.words import Value, convert

if TYPE_CHECKING:
    from nbcontainer.verbs.grammar import Verb

__all__ = ["RESOURCES", "parse", "parse_so_far"]

# the prefixes allowed in kind/name, by kind (kubectl api-resources)
RESOURCES = {"pod": ("pod", "pods", "po")}


def parse(verb: Verb, words: Sequence[str]) -> Values:
    """Read the words after the verb.

    Raises:
        UsageError: an unknown or abbreviated flag, a missing or unexpected argument, a value of the wrong kind.
    """
    parser = _Parser(verb, words)
    parser.parse()
    return Values(parser.values)


def parse_so_far(verb: Verb, words: Sequence[str]) -> Values:
    """Read words that are still being typed, up to the first that is wrong."""
    parser = _Parser(verb, words)
    with suppress(UsageError):
        parser.parse()
    return Values(parser.values)


class _Parser:
    """Reads the words of one call."""

    def __init__(self, verb: Verb, words: Sequence[str]) -> None:
        self._verb = verb
        self._words = list(words)
        self.values = {argument.key: argument.initial() for argument in verb.arguments}
        self._loose: list[str] = []
        self._rest: list[str] = []

    def parse(self) -> None:
        has_rest = any(argument.kind == "rest" for argument in self._verb.positionals)
        while self._words:
            word = self._words.pop(0)
            if word == "--":
                (self._rest if has_rest else self._loose).extend(self._words)
                break
            if word.startswith("-") and len(word) > 1:
                self._flag(word)
            elif self._begins_rest():
                self._rest.extend([word, *self._words])
                break
            else:
                self._loose.append(word)
                if self._verb.rest_after_first and not self._verb.dashes:  # docker run: the rest belongs to the command
                    self._rest.extend(self._words[self._words[:1] == ["--"] :])
                    break
        self._place()
        self._require()

    def _begins_rest(self) -> bool:
        """Whether a command may start without `--`, as in `exec POD -n NAMESPACE ls -l`."""
        return self._verb.dashes and bool(self._loose) and "--" not in self._words

    def _flag(self, word: str) -> None:
        flags = self._verb.flags
        name, equals, value = word.partition("=")
        if name in flags:
            self._set(flags[name], name, value if equals else None)
            return
        if not word.startswith("--"):
            self._short(word, flags)
            return
        self._unknown(name, flags)

    def _short(self, word: str, flags: Mapping[str, Argument]) -> None:
        """`-it`, `-p80:80`: combined switches, or a value without a space before it."""
        for index, letter in enumerate(word[1:], start=1):
            argument = flags.get(f"-{letter}")
            if argument is None:
                self._unknown(f"-{letter}" if index > 1 else word, flags)
                return
            if argument.kind != "switch":
                rest = word[index + 1 :]
                self._set(argument, f"-{letter}", rest.removeprefix("=") if rest else None)
                return
            self._set(argument, f"-{letter}", None)

    def _unknown(self, name: str, flags: Mapping[str, Argument]) -> None:
        longer = sorted({argument.long for flag, argument in flags.items() if flag.startswith(name)})
        near = longer or difflib.get_close_matches(name, list(flags), 1, 0.6)
        hint = f"Did you mean {' or '.join(near[:3])}?" if near else "--help lists the flags."
        raise UsageError(f"{self._verb.title} has no flag {name}.", cure=hint)

    def _set(self, argument: Argument, name: str, value: str | None) -> None:
        if argument.kind == "refused":
            raise UsageError(f"{name} is {argument.help}.", cure=str(argument.default))
        key = argument.key
        if argument.kind == "switch":
            if value is not None and value.lower() not in {"true", "false"}:
                raise UsageError(f"{name} does not take a value, but got {value!r}.")
            is_given = value is None or value.lower() == "true"
            self.values[key] = is_given == (argument.gives is not False)
            return
        if value is None:
            if not self._words:
                raise UsageError(f"{name} needs a value.", cure=argument.help)
            value = self._words.pop(0)
        if argument.choices and value not in argument.choices:
            raise UsageError(f"{name} takes one of {', '.join(argument.choices)}, not {value!r}.")
        if argument.gives is not None:
            self.values[key] = argument.gives
        elif argument.kind == "list":
            self.values[key].append(convert(argument.each, name, value))
        elif argument.kind == "mapping":
            item, equals, content = value.partition("=")
            self.values[key][item] = content if equals else None
        else:
            self.values[key] = convert(argument.kind, name, value)

    def _place(self) -> None:
        places = [argument for argument in self._verb.positionals if argument.kind != "rest"]
        for index, argument in enumerate(places):
            if argument.many:
                later = len(places) - index - 1
                taken = self._loose[: max(0, len(self._loose) - later)]
                self.values[argument.key] = [_named(argument, word) for word in taken]
            else:
                taken = self._loose[:1]
                if taken:
                    self.values[argument.key] = _named(argument, taken[0])
            self._loose = self._loose[len(taken) :]
            if not taken and argument.required:
                raise UsageError(f"{argument.names[0]} is missing: {argument.help}.", cure="--help explains it.")
        if self._loose:
            raise UsageError(f"Unexpected argument {self._loose[0]!r}.", cure="--help explains it.")
        rest = next((argument for argument in self._verb.positionals if argument.kind == "rest"), None)
        if rest is not None:
            self.values[rest.key] = self._rest
            if rest.required and not self._rest:
                raise UsageError(f"{rest.names[0]} is missing: {rest.help}.", cure="--help explains it.")

    def _require(self) -> None:
        """Check for required arguments: a flag, or one of several ways to name something."""
        verb, values = self._verb, self.values
        for argument in verb.arguments:
            value = values[argument.key]
            if argument.unless and not any(values[key] for key in (argument.key, *argument.unless)):
                raise UsageError(argument.missing, cure=f"{verb.title} {argument.names[0]}")
            if argument.is_flag and argument.required and not value:
                named = [values[one.key] for one in verb.positionals if one.kind != "rest" and not one.many]
                words = [verb.title, *named, f"{argument.long}={argument.long.lstrip('-').upper()}"]
                raise UsageError(f"{argument.long} is missing.", cure=" ".join(words))


def _named(argument: Argument, word: str) -> Value:
    """A positional's value; for an argument that takes pods, `pod/web` is the pod web."""
    kind, slash, name = word.partition("/")
    if slash and kind in RESOURCES.get(argument.resource, ()):
        word = name
    return convert(argument.kind, argument.names[0], word)
