"""Reads the words of one call, as its verb declares them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.errors import UsageError
from nbcontainer.verbs import declared
from nbcontainer.verbs.arguments import Argument, Values
from nbcontainer.verbs.kinds import kind_of
from nbcontainer.verbs.words import Value, convert

if TYPE_CHECKING:
    from nbcontainer.verbs.grammar import Verb

HELP = ("--help", "-h")
SHELL_SIGNS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>&1"})


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


def asks_for_help(verb: Verb, words: Sequence[str]) -> bool:
    """Whether `--help`, or `-h` if the verb has no such flag, is among the flags, even if another word is wrong."""
    parser = _Parser(verb, words)
    while not parser.is_at_end:
        with suppress(UsageError):
            parser.read()
    return parser.asks_for_help


class _Parser:
    """Reads the words of one call."""

    def __init__(self, verb: Verb, words: Sequence[str]) -> None:
        self._verb = verb
        self._words = list(words)
        self.values = {argument.key: argument.initial() for argument in verb.arguments}
        self._loose: list[str] = []
        self._rest: list[str] = []
        self.asks_for_help = False

    @property
    def is_at_end(self) -> bool:
        """Whether all words have been read."""
        return not self._words

    def parse(self) -> None:
        """Read all words, and check what is missing."""
        self.read()
        self._place()
        self._require()

    def read(self) -> None:
        """Tell flags, names and the words of a command apart, up to the first flag that is wrong."""
        has_rest = any(argument.kind == "rest" for argument in self._verb.positionals)
        while self._words:
            word = self._words.pop(0)
            if word == "--":
                if self._verb.rest_after_first and not self._verb.dashes:  # docker run -- IMAGE COMMAND
                    self._loose += self._words[:1]
                    del self._words[:1]
                (self._rest if has_rest else self._loose).extend(self._words)
                self._words = []
            elif word.startswith("-") and len(word) > 1:
                self._flag(word)
            elif word in SHELL_SIGNS:
                raise UsageError(
                    f"A magic's line is not run by a shell, so {word} has no meaning in it.",
                    cure="Keep the result in a variable, such as pods = %kpod, and go on in Python.",
                )
            elif self._begins_rest():
                self._rest.extend([word, *self._words])
                self._words = []
            else:
                self._loose.append(word)
                if self._verb.rest_after_first and not self._verb.dashes:  # docker run: the rest belongs to the command
                    self._rest.extend(self._words[self._words[:1] == ["--"] :])
                    self._words = []

    def _begins_rest(self) -> bool:
        """Whether a command may start without `--`, as in `exec POD -n NAMESPACE ls -l`."""
        return self._verb.dashes and bool(self._loose) and "--" not in self._words

    def _flag(self, word: str) -> None:
        flags = self._verb.flags
        name, equals, value = word.partition("=")
        if name in flags:
            self._set(flags[name], name, value if equals else None)
            return
        if word in HELP:
            self.asks_for_help = True
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
        shorter = [flag for flag in flags if name.startswith(f"{flag}-")]
        names = {flag.lstrip("-"): flag for flag in flags if flag.startswith("--")}
        similar = difflib.get_close_matches(name.lstrip("-"), list(names), 1, 0.6)
        near = longer or shorter or [names[one] for one in similar]
        hint = f"Did you mean {' or '.join(near[:3])}?" if near else "--help lists the flags."
        if before := next((argument for argument in flags.values() if name in argument.before), None):
            verb = self._verb
            value = before.metavar or "VALUE"
            hint = f"Write %{verb.magic} {name} {value} {verb.path}, or {before.long} {value} after the verb."
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
        if argument.choices and not argument.accepts(value):
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
            self._read_kind(argument)
            self._read_second(argument)
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
                raise self._missing(argument)
        if self._loose:
            raise UsageError(f"Unexpected argument {self._loose[0]!r}.", cure="--help explains it.")
        rest = next((argument for argument in self._verb.positionals if argument.kind == "rest"), None)
        if rest is not None:
            self.values[rest.key] = self._rest
            if rest.required and not self._rest:
                raise self._missing(rest)

    def _missing(self, argument: Argument) -> UsageError:
        """The error for a positional that was not given, with the verb's usage and an example."""
        example = self._verb.example.partition("\n")[0]
        return UsageError(
            f"{argument.names[0]} is missing: {argument.help}.",
            cure=f"Write {self._verb.usage}" + (f", such as {example}" if example else ""),
        )

    def _read_kind(self, argument: Argument) -> None:
        """Drop the kind before the names, as in `get pods web`; refuse another kind than the verb's.

        Raises:
            UsageError: the words name another kind, or the kind twice.
        """
        if not argument.kind_word or not self._loose:
            return
        first, slash, _ = self._loose[0].partition("/")
        kinds = {kind_of(word) for word in first.split(",")}
        if kinds == {f"{argument.resource}s"} and not slash:
            del self._loose[0]
            if any("/" in word for word in self._loose):
                raise UsageError(
                    f"Write either {first} NAME or {first}/NAME, not both.", cure=f"{self._verb.title} {first} NAME"
                )
        elif others := sorted(kinds - {"", f"{argument.resource}s"}):
            does = any(verb.path == self._verb.path for verb in declared("kube"))
            cures = [f"%kube {self._verb.path} {others[0]} does that."] * does
            if not slash and "," not in first:
                cures.append(f"A {argument.resource} of that name is {argument.resource}/{first}.")
            raise UsageError(
                f"{self._verb.title} is for {argument.resource}s, not for {others[0]}.", cure=" ".join(cures)
            )

    def _read_second(self, argument: Argument) -> None:
        """Take the second word for what the verb says it is, as in `logs POD CONTAINER`.

        Raises:
            UsageError: there are more words, or the flag was given too.
        """
        if not argument.second or len(self._loose) < 2 or all("/" in word for word in self._loose[1:]):  # noqa: PLR2004
            return
        flag = next(one for one in self._verb.arguments if one.key == argument.second)
        name = argument.names[0]
        if len(self._loose) > 2 or self.values[flag.key]:  # noqa: PLR2004 - the name, and the second word
            written = " ".join(f"{argument.resource}/{word.rpartition('/')[2]}" for word in self._loose)
            raise UsageError(
                f"{self._verb.title} takes one {name} and one {flag.metavar or flag.long.lstrip('-').upper()}.",
                cure=f"Several {argument.resource}s are named with their kind: {self._verb.title} {written}",
            )
        self.values[flag.key] = convert(flag.kind, flag.long, self._loose.pop())

    def _require(self) -> None:
        """Check for required arguments: a flag, or one of several ways to name something."""
        verb, values = self._verb, self.values
        for argument in verb.arguments:
            value = values[argument.key]
            if argument.unless and not any(values[key] for key in (argument.key, *argument.unless)):
                raise UsageError(argument.missing, cure=f"{verb.title} {argument.names[0]}")
            if argument.is_flag and argument.required and not value and value != 0:
                named = [values[one.key] for one in verb.positionals if one.kind != "rest" and not one.many]
                words = [
                    verb.title,
                    *(one for one in named if one),
                    f"{argument.long}={argument.long.lstrip('-').upper()}",
                ]
                raise UsageError(f"{argument.long} is missing.", cure=" ".join(words))


def _named(argument: Argument, word: str) -> Value:
    """A positional's value; for an argument that takes pods, `pod/web` is the pod web."""
    kind, slash, name = word.partition("/")
    if slash and argument.resource and kind_of(kind) == f"{argument.resource}s":
        word = name
    return convert(argument.kind, argument.names[0], word)
