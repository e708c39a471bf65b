"""One declaration per verb: its parser, help, completion and equivalent command are derived from it.

A verb's words are docker's and kubectl's own. Flags are never abbreviated; quotes and dashes are read as a shell
reads them; what follows the last positional of a command (`docker run IMAGE …`, or `--`) is passed on unparsed.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbcontainer.errors import UsageError
from nbcontainer.verbs import declared, parser
from nbcontainer.verbs.arguments import Argument, Values
from nbcontainer.verbs.help_columns import beside, table
from nbcontainer.verbs.other_words import OTHER_WORDS
from nbcontainer.verbs.words import shell_words


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of a magic.

    Attributes:
        path: its words: "push", "volume create"; "" if the magic itself is the verb.
        summary: one line.
        arguments: flags and positionals, in the order of the help.
        example: lines that a user could type.
        command: the words before the arguments in the docker or kubectl command.
        body: whether it reads the cell's body: "no", "yes" or "optional".
        takes: for a verb with `calls`, the keyword that gets the body: "stdin" gets its bytes; "text" gets it with
            `{{name}}` replaced, and `source_map` is passed too.
        rest_after_first: whether all words after the first positional belong to a command (docker run, exec).
        dashes: whether flags may nevertheless stand between it and the command (kubectl exec).
        aliases: its other paths.
        secret: whether users may type a password on its line by mistake; the history then keeps only part of the line.
        magic: the name of its magic.
        same_as: for a verb with its own function: the equivalent in Python, in the form of `calls`.
        calls: what it calls, as a path on the handle of an engine or a cluster: "volumes.create". The verb's arguments
            are passed by name; "" for a verb with its own function.
        prints: for a verb that returns tables: what it calls where `--output` asks for the objects in full.
        watches: for a verb that returns tables: what it calls with `--watch`, with the same arguments and a `duration`.
        asks: for a destructive verb, the method that plans the call; the user confirms the plan.
        quiet: for a table, the column that `--quiet` keeps.
        heading: for a verb that runs a command and shows its output, the word before the command: "Run".
    """

    path: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    example: str = ""
    command: tuple[str, ...] = ()
    body: str = "no"
    takes: str = ""
    rest_after_first: bool = False
    dashes: bool = False
    aliases: tuple[str, ...] = ()
    secret: bool = False
    magic: str = ""
    same_as: str = ""
    calls: str = ""
    watches: str = ""
    prints: str = ""
    asks: str = ""
    quiet: str = ""
    heading: str = ""

    @property
    def sign(self) -> str:
        """What stands before the magic's name: "%%" if a body is required, else "%"."""
        return "%%" if self.body == "yes" else "%"

    @property
    def title(self) -> str:
        """How a cell invokes it: "%docker volume create"."""
        return f"{self.sign}{self.magic} {self.path}".rstrip()

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The words of its path, and of each alias."""
        return tuple(tuple(path.split()) for path in (self.path, *self.aliases))

    @property
    def flags(self) -> dict[str, Argument]:
        """The flags, by each of their names."""
        return {name: argument for argument in self.arguments if argument.is_flag for name in argument.names}

    @property
    def positionals(self) -> list[Argument]:
        """The positionals, in order."""
        return [argument for argument in self.arguments if not argument.is_flag]

    def parse(self, words: Sequence[str]) -> Values:
        """Read the words after the verb.

        Raises:
            UsageError: an unknown or abbreviated flag, a missing or unexpected argument, a value of the wrong kind.
        """
        return parser.parse(self, words)

    def parse_so_far(self, words: Sequence[str]) -> Values:
        """Read words that are still being typed, up to the first that is wrong."""
        return parser.parse_so_far(self, words)

    def asks_for_help(self, words: Sequence[str]) -> bool:
        """Whether `--help` or `-h` is among its flags in `words`, and not a value or part of a command."""
        return parser.asks_for_help(self, words)

    def bind(self, values: Values) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of the equivalent call.

        Several names are positional, and so is what stands before them; everything else is passed by keyword.
        """
        places: list[Any] = []
        named: dict[str, Any] = {}
        has_names = any(argument.many for argument in self.positionals)
        for argument in self.arguments:
            value = values[argument.key]
            if argument.control or argument.kind == "refused" or value is None or value in ([], {}):
                continue
            if has_names and not argument.is_flag:
                places += value if argument.many else [value]
            elif argument.kind == "mapping":
                named[argument.key] = _mapping(argument, value)
            else:
                named[argument.key] = value
        return places, named

    def as_command(self, values: Values) -> str:
        """The same call as a docker or kubectl command, quoted for a shell."""
        return shlex.join(self.words(values))

    def words(self, values: Values) -> list[str]:
        """The words of the docker or kubectl command."""
        flags: list[str] = []
        names: list[str] = []
        rest: list[str] = []
        for argument in self.arguments:
            value = values[argument.key]
            if (
                argument.own
                or argument.kind == "refused"
                or value is None
                or value is False  # 0 is a value
                or value in ([], {})
                or (argument.is_flag and value == argument.default)
            ):
                continue
            if argument.kind == "rest":
                rest = [str(word) for word in value]
            elif argument.is_flag:
                flags += flag_words(argument, value)
            else:
                given = value if isinstance(value, list) else [value]
                names += [argument.spelled.format(word) for word in given]
        if self.command[:1] == ("docker",):  # the words after the image or container belong to the command
            return [*self.command, *flags, *names, *rest]
        return [*self.command, *names, *flags, *(["--", *rest] if rest else [])]

    @property
    def usage(self) -> str:
        """The first line of its help."""
        words = [self.title]
        flags = ["[flags]"] if self.flags else []
        first = self.rest_after_first and not self.dashes  # what follows the first name is not nbcontainer's
        for argument in self.positionals:
            name = argument.names[0] + ("…" if argument.many or argument.kind == "rest" else "")
            name = f"-- {name}" if argument.kind == "rest" and not first else name
            words.append(name if argument.required else f"[{name}]")
        at = 1 if first else next((n for n, word in enumerate(words) if "-- " in word), len(words))
        return " ".join([*words[:at], *flags, *words[at:]])

    @property
    def help(self) -> str:
        """Its full help: usage, what it does, each argument, an example."""
        lines = [self.usage, "", *beside("", self.summary, 0)]
        lines += table([(argument.spelling, argument.meaning) for argument in self.arguments])
        if len(self.aliases) > 0:
            lines += ["", f"Also: {', '.join(f'{self.sign}{self.magic} {alias}' for alias in self.aliases)}"]
        if self.example:
            lines += ["", "Example:", *(f"  {line}" for line in self.example.strip("\n").splitlines())]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Magic:
    """A magic and its verbs.

    Attributes:
        name: without the percent sign.
        summary: one line.
        verbs: in the order of the help.
        default: the path of the verb to use if the first word is a flag, or if there are no words.
        shared: flags that may stand before the verb, as in `docker --context prod ps` and `kubectl -n shop get pods`.
    """

    name: str
    summary: str
    verbs: tuple[Verb, ...]
    default: str = ""
    shared: tuple[Argument, ...] = ()

    @property
    def only(self) -> Verb | None:
        """The only verb, for a magic that is itself a verb."""
        return self.verbs[0] if len(self.verbs) == 1 and not self.verbs[0].path else None

    @property
    def title(self) -> str:
        """The first line of its help: "%docker VERB …"."""
        return self.only.title if self.only else f"%{self.name} VERB …"

    def verb(self, path: str) -> Verb | None:
        """The verb with this path or alias."""
        return next((verb for verb in self.verbs if path == verb.path or path in verb.aliases), None)

    def find(self, words: Sequence[str]) -> tuple[Verb, int] | None:
        """The verb with the longest path that `words` begin with, and how many words that path has."""
        found = [
            (len(path), verb)
            for verb in self.verbs
            for path in verb.paths
            if path and tuple(words[: len(path)]) == path
        ]
        if not found:
            return (self.only, 0) if self.only else None
        length, verb = max(found, key=lambda pair: pair[0])
        return verb, length

    def next_words(self, words: Sequence[str]) -> list[str]:
        """What may follow `words` in the path of a verb: all first words, or those that can follow `volume`."""
        length = len(words)
        first = [verb.paths[0] for verb in self.verbs]
        also = [path for verb in self.verbs for path in verb.paths[1:] if len(path) > 1]
        return list(
            dict.fromkeys(
                path[length] for path in [*first, *also] if len(path) > length and path[:length] == tuple(words)
            )
        )

    def is_group(self, words: Sequence[str]) -> bool:
        """Whether `words` are the beginning of a path, as `volume` is."""
        return bool(words) and bool(self.next_words(words))

    @property
    def shared_flags(self) -> dict[str, Argument]:
        """The shared flags, by each of the names that they have before the verb."""
        return {name: argument for argument in self.shared for name in (*argument.names, *argument.before)}

    def shared_words(self, words: Sequence[str]) -> int:
        """How many leading words are shared flags and their values; the last value may be missing."""
        flags = self.shared_flags
        count = 0
        while count < len(words):
            name, equals, _ = words[count].partition("=")
            argument = flags.get(name)
            if argument is None:
                if words[count].startswith("--") or words[count][:2] not in flags:
                    break
                count += 1  # -nshop
            else:
                count += 1 if equals or not argument.takes_value else 2
        return min(count, len(words))

    def split(self, line: str) -> tuple[Verb, list[str]]:
        """The verb that a magic's line names, and the words after it, including shared flags from before the verb.

        Raises:
            UsageError: a quote is left open, or there is no such verb.
        """
        words = shell_words(line)
        if self.only:
            return self.only, words
        count = self.shared_words(words)
        before, after = [self._spelled(word) for word in words[:count]], words[count:]
        found = self.find(after)
        if found is not None:
            verb, length = found
            return verb, [*before, *after[length:]]
        default = self.verb(self.default) if self.default else None
        if default is not None and (not after or after[0].startswith("-") or (before and not self._near(after[0]))):
            return default, [*before, *after]
        raise self._no_verb(after, default)

    def _near(self, word: str, group: Sequence[str] = ()) -> list[str]:
        """The word probably meant instead of `word` after `group`, if there is a similar one."""
        others = [alias for verb in self.verbs for alias in verb.aliases if " " not in alias and not group]
        return difflib.get_close_matches(word, [*self.next_words(group), *others], 1, 0.6)

    def _suggested(self, word: str, group: Sequence[str]) -> list[str]:
        """The same, to be suggested: docker's own `rmi` is not a misspelt `rm`, which would destroy something else."""
        near = self._near(word, group)
        return difflib.get_close_matches(word, near, 1, 0.85) if set(near) & self._asking(group) else near

    def _asking(self, group: Sequence[str]) -> set[str]:
        """The words after `group` that name verbs which ask before they destroy something."""
        asking = [name for verb in self.verbs if verb.asks for name in (verb.path, *verb.aliases)]
        return {name.rpartition(" ")[2] for name in asking if name.split()[:-1] == list(group)}

    def _of_nouns(self, word: str, group: Sequence[str]) -> list[str]:
        """The verbs of nouns that end with a word: `volume inspect` for `inspect`."""
        return [f"%{self.name} {verb.path}" for verb in self.verbs if not group and verb.path.endswith(f" {word}")]

    def _spelled(self, word: str) -> str:
        """A shared flag in a spelling that the verbs use."""
        only_before = {name: argument.long for argument in self.shared for name in argument.before}
        name, equals, value = word.partition("=")
        if name in only_before:
            return f"{only_before[name]}{equals}{value}"
        if word[:2] in only_before:
            return f"{only_before[word[:2]]}={word[2:]}"
        return word

    def _no_verb(self, words: Sequence[str], default: Verb | None) -> UsageError:
        group: list[str] = []
        while words[len(group) :] and self.is_group([*group, words[len(group)]]):
            group.append(words[len(group)])
        where = " ".join([f"%{self.name}", *group])
        known = self.next_words(group)
        if len(words) == len(group):
            return UsageError(f"{where} needs a verb.", cure=f"Verbs: {', '.join(known)}. %{self.name} --help")
        word = words[len(group)].partition("=")[0]
        other = self._other_words(" ".join([*group, word]))
        if word.startswith("-"):
            return UsageError(f"{where} does not take {word} before its verb.", cure=other or f"%{self.name} --help")
        if other:
            return UsageError(f"{where} has no verb {word!r}.", cure=other)
        near = [f"{where} {word}" for word in self._suggested(word, group)] or self._of_nouns(word, group)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Verbs: {', '.join(known)}."
        if default is not None and not near:
            hint += f" If it is a name, write: {default.title} {word}."
        return UsageError(f"{where} has no verb {word!r}.", cure=hint)

    def _other_words(self, path: str) -> str:
        """What does the same as a verb of kubectl that this magic does not have; "" if that is not known."""
        if self.name == "kpod" and any(path == verb.path for verb in declared("kube")):
            return f"%kube {path} does that."
        return OTHER_WORDS.get(self.name, {}).get(path, "")

    def help(self, words: Sequence[str] = ()) -> str:
        """The magic's help: its verbs, one line each; with `words` such as `volume`, only the verbs of that group."""
        if self.only:
            return self.only.help
        within = [verb for verb in self.verbs if verb.paths[0][: len(words)] == tuple(words)]
        if not within:  # a group of aliases, as `container` is
            paths = [(path, verb) for verb in self.verbs for path in verb.paths if path[: len(words)] == tuple(words)]
        else:
            paths = [(verb.paths[0], verb) for verb in within]
        where = " ".join([f"%{self.name}", *words])
        lines = [f"{where} VERB …"] if words else [self.title, "", f"  {self.summary}"]
        lines += table([(" ".join(path), verb.summary) for path, verb in paths])
        if self.shared and not words:
            lines += ["", "Before the verb, or after it:"]
            lines += table([(flag.spelling, flag.meaning) for flag in self.shared])[1:]
            lines += [f"  Before the verb also {', '.join(flag.before)}." for flag in self.shared if flag.before]
        lines += ["", f"{where} VERB --help explains each one, with an example."]
        return "\n".join(lines)


def _mapping(argument: Argument, given: Mapping[str, str | None]) -> dict[str, str | None]:
    if "" in given:  # the value may be secret
        raise UsageError(f"{argument.long}: the name before the = is missing.", cure="Write NAME=VALUE.")
    if argument.valued and None in given.values():
        raise UsageError(f"{argument.long}: the value after the name is missing.", cure="Write NAME=VALUE.")
    if not argument.inherits:
        return {name: value or "" for name, value in given.items()}
    found = {name: os.environ.get(name) if value is None else value for name, value in given.items()}
    return {name: value for name, value in found.items() if value is not None or argument.removes}


def flag_words(argument: Argument, value: Any) -> list[str]:
    """A flag with its value, as docker and kubectl read it."""
    name = argument.long
    if argument.kind == "switch":
        return [name]
    if argument.kind == "list":
        return [f"{name}={item}" for item in value]
    if argument.kind == "mapping":
        # like docker, take a missing value from the environment
        bare = {key for key, item in value.items() if item is None or argument.hidden}
        return [f"{name}={key}" if key in bare else f"{name}={key}={item}" for key, item in value.items()]
    if argument.gives is not None:
        value = argument.choices[0]
    elif argument.kind == "pairs":
        value = ",".join(f"{key}={item}" for key, item in value.items())
    elif argument.kind == "seconds":
        value = f"{value:g}s"
    return [f"{name}={value}"]
