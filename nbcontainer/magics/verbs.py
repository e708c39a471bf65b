"""One declaration per verb: from it come its parser, its help, its completion, and the same as a command.

A verb's words are docker's and kubectl's own. Flags are never abbreviated; quotes and dashes are read as a shell
reads them; what stands after the last positional of a command (`docker run IMAGE …`, or after `--`) is left alone.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbcontainer.errors import UsageError

__all__ = ["Argument", "Magic", "Values", "Verb", "flag", "option", "positional", "refused", "switch"]


@dataclass(frozen=True, slots=True)
class Argument:
    """One flag or positional.

    Attributes:
        names: ("-t", "--tag"), or ("IMAGE",) for a positional.
        kind: "switch" (takes no value), "text", "number", "seconds", "list" (may be repeated), "mapping" (K=V,
            may be repeated), "rest" (all that follows), "refused" (one of docker's or kubectl's: its help is the error,
            its default the cure, and its value is not read).
        required: for a positional: whether it must be there.
        many: for a positional: whether there may be several.
        own: whether it is nbcontainer's own, and so no part of the docker or kubectl command.
        spelled: for a positional: how the docker or kubectl command writes it, where that is not as it is.
        hidden: whether its values may be secret, and are left out of the command.
        completes: what its value is, for completion: "image", "pod", "pod-container", "container", "namespace",
            "stage", "path", "variable", "context", "setting", or one of `choices`.
    """

    names: tuple[str, ...]
    help: str
    kind: str = "text"
    metavar: str = ""
    default: Any = None
    required: bool = False
    many: bool = False
    own: bool = False
    choices: tuple[str, ...] = ()
    completes: str = ""
    hidden: bool = False
    spelled: str = "{}"

    @property
    def is_flag(self) -> bool:
        """Whether it begins with a dash."""
        return self.names[0].startswith("-")

    @property
    def key(self) -> str:
        """Its name in `Values`: "--build-arg" is `build_arg`, "IMAGE" is `image`."""
        name = next((name for name in self.names if name.startswith("--")), self.names[0])
        return name.lstrip("-").replace("-", "_").lower()

    @property
    def long(self) -> str:
        """Its longest name."""
        return max(self.names, key=len)

    def initial(self) -> Any:
        """Its value before any word was read."""
        if self.kind in {"switch", "refused"}:
            return False
        if self.kind in {"list", "rest"} or self.many:
            return []
        if self.kind == "mapping":
            return {}
        return self.default


def switch(*names: str, help: str, own: bool = False) -> Argument:  # noqa: A002 - argparse's own word for it
    """A flag without a value."""
    return Argument(names, help, "switch", own=own)


def option(
    *names: str,
    help: str,  # noqa: A002 - argparse's own word for it
    metavar: str = "",
    default: Any = None,
    kind: str = "text",
    own: bool = False,
    choices: tuple[str, ...] = (),
    completes: str = "",
    hidden: bool = False,
) -> Argument:
    """A flag with a value."""
    return Argument(names, help, kind, metavar, default, own=own, choices=choices, completes=completes, hidden=hidden)


flag = option


def refused(*names: str, help: str, cure: str) -> Argument:  # noqa: A002 - argparse's own word for it
    """A flag that docker or kubectl has, and a cell cannot have; `help` says why, `cure` what to do."""
    return Argument(names, f"refused: {help}", "refused", default=cure, own=True)


def positional(
    name: str,
    *,
    help: str,  # noqa: A002 - argparse's own word for it
    required: bool = True,
    many: bool = False,
    kind: str = "text",
    completes: str = "",
    own: bool = False,
    spelled: str = "{}",
) -> Argument:
    """A word without a dash."""
    return Argument((name,), help, kind, required=required, many=many, completes=completes, own=own, spelled=spelled)


class Values(dict[str, Any]):
    """The values of one call, by `Argument.key`, with attribute access; `given` are those that were written."""

    given: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> Any:
        """The value of an argument."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of a magic.

    Attributes:
        name: "push"; "" for a magic that is a verb itself.
        summary: one line.
        arguments: flags and positionals, in the order of the help.
        example: lines to type.
        command: the words before the arguments in the docker or kubectl command.
        body: whether it reads the cell's body: "no", "yes" or "optional".
        rest_after_first: whether all words after the first positional belong to a command (docker run, exec).
        dashes: whether, all the same, flags may follow it where `--` comes later (kubectl exec).
        aliases: other names of it.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    example: str = ""
    command: tuple[str, ...] = ()
    body: str = "no"
    rest_after_first: bool = False
    dashes: bool = False
    aliases: tuple[str, ...] = ()

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
            UsageError: an unknown or abbreviated flag, a missing or a superfluous word, a value of the wrong kind.
        """
        return _Parser(self, words).parse()

    def parse_so_far(self, words: Sequence[str]) -> Values:
        """Read words that are still being written, up to the first that is wrong."""
        return _Parser(self, words).parse_so_far()

    def as_command(self, values: Mapping[str, Any]) -> str:
        """The same call as a docker or kubectl command, quoted for a shell."""
        return shlex.join(self.words(values))

    def words(self, values: Mapping[str, Any]) -> list[str]:
        """The words of the docker or kubectl command."""
        flags: list[str] = []
        names: list[str] = []
        rest: list[str] = []
        for argument in self.arguments:
            value = values.get(argument.key)
            if (
                argument.own
                or argument.kind == "refused"
                or value in (None, False, [], {})
                or (argument.is_flag and value == argument.default)
            ):
                continue
            if argument.kind == "rest":
                rest = [str(word) for word in value]
            elif argument.is_flag:
                flags += _flag_words(argument, value)
            else:
                given = value if isinstance(value, list) else [value]
                names += [argument.spelled.format(word) for word in given]
        if self.command[:1] == ("docker",):  # whose words after an image's or a container's name belong to it
            return [*self.command, *flags, *names, *rest]
        return [*self.command, *names, *flags, *(["--", *rest] if rest else [])]

    def usage(self, magic: str) -> str:
        """The first line of its help."""
        words = [magic, self.name] if self.name else [magic]
        flags = ["[flags]"] if self.flags else []
        first = self.rest_after_first and not self.dashes  # what follows the first name is not ours
        for argument in self.positionals:
            name = argument.names[0] + ("…" if argument.many or argument.kind == "rest" else "")
            name = f"-- {name}" if argument.kind == "rest" and not first else name
            words.append(name if argument.required else f"[{name}]")
        at = 2 if first else next((n for n, word in enumerate(words) if "-- " in word), len(words))
        return " ".join([*words[:at], *flags, *words[at:]])

    def help(self, magic: str) -> str:
        """Its whole help: usage, what it does, each argument, an example."""
        lines = [self.usage(magic), "", *_beside("", self.summary, 0)]
        rows = []
        for argument in self.arguments:
            names = ", ".join(argument.names)
            if argument.is_flag and argument.kind not in {"switch", "refused"}:
                names += f" {argument.metavar or _metavar(argument)}"
            rows.append((names, argument.help + (f" ({', '.join(argument.choices)})" if argument.choices else "")))
        if rows:
            width = min(34, max(len(name) for name, _ in rows))
            lines.append("")
            lines += [line for name, text in rows for line in _beside(name, text, width)]
        if self.example:
            lines += ["", "Example:", *(f"  {line}" for line in self.example.strip("\n").splitlines())]
        return "\n".join(lines)


def _beside(name: str, text: str, width: int) -> list[str]:
    """`text` in a column right of `name`, in lines that a terminal of its width does not wrap."""
    import shutil  # noqa: PLC0415 - help is seldom asked for, and this module loads with the first call
    import textwrap  # noqa: PLC0415 - as above

    columns = max(60, min(100, shutil.get_terminal_size((100, 24)).columns))
    head = f"  {name:<{width}}  " if width else "  "
    return textwrap.wrap(text, columns, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)


def _metavar(argument: Argument) -> str:
    return {"number": "N", "seconds": "TIME", "mapping": "KEY=VALUE"}.get(argument.kind, argument.key.upper())


def _flag_words(argument: Argument, value: Any) -> list[str]:
    name = argument.long
    if argument.kind == "switch":
        return [name]
    if argument.kind == "list":
        return [f"{name}={item}" for item in value]
    if argument.kind == "mapping":
        # docker takes a value that is left out from the environment
        bare = {key for key, item in value.items() if item is None or argument.hidden}
        return [f"{name}={key}" if key in bare else f"{name}={key}={item}" for key, item in value.items()]
    if argument.kind == "seconds":
        return [f"{name}={value:g}s"]
    return [f"{name}={value}"]


@dataclass(frozen=True, slots=True)
class Magic:
    """A magic and its verbs. The verb named `default` is meant where the first word is none of them."""

    name: str
    summary: str
    verbs: tuple[Verb, ...]
    default: str = ""
    cell: bool = False
    shared: tuple[Argument, ...] = field(default=())

    def verb(self, name: str) -> Verb | None:
        """The verb of this name or alias."""
        return next((verb for verb in self.verbs if name == verb.name or name in verb.aliases), None)

    def split(self, line: str) -> tuple[Verb, list[str]]:
        """The verb that a magic's line names, and the words after it.

        Raises:
            UsageError: a quote is left open, or there is no such verb.
        """
        words = shell_words(line)
        if len(self.verbs) == 1 and not self.verbs[0].name:
            return self.verbs[0], words
        if words and (named := self.verb(words[0])):
            return named, words[1:]
        fallback = self.verb(self.default) if self.default else None
        if fallback is not None and (not words or words[0].startswith("-")):
            return fallback, words
        known = [verb.name for verb in self.verbs]
        if not words:
            raise UsageError(f"%{self.name} needs a verb.", cure=f"Verbs: {', '.join(known)}. %{self.name} --help")
        near = difflib.get_close_matches(words[0], [*known, *(a for v in self.verbs for a in v.aliases)], 1, 0.6)
        hint = f"Did you mean %{self.name} {near[0]}?" if near else f"Verbs: {', '.join(known)}."
        if fallback is not None and not near:
            hint += f" If it is a name: %{self.name} {fallback.name} {words[0]}."
        raise UsageError(f"%{self.name} has no verb {words[0]!r}.", cure=hint)

    def help(self) -> str:
        """The magic's own help: its verbs, one line each."""
        sign = "%%" if self.cell else "%"
        if len(self.verbs) == 1:
            return self.verbs[0].help(sign + self.name)
        width = max(len(verb.name) for verb in self.verbs)
        lines = [f"%{self.name} VERB …", "", f"  {self.summary}", ""]
        lines += [line for verb in self.verbs for line in _beside(verb.name, verb.summary, width)]
        lines += ["", f"%{self.name} VERB --help explains each, with an example."]
        return "\n".join(lines)


# in the order of POSIX Shell Command Language, 2.2: single quotes, double quotes, a backslash, plain text, blanks
_PIECE = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(\s+)""", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r'\\([$`"\\])')


def shell_words(line: str) -> list[str]:
    """The words of a line, quotes and backslashes read as a shell reads them. `#` is an ordinary character.

    Raises:
        UsageError: a quote is left open.
    """
    words: list[str] = []
    word: str | None = None
    position = 0
    while position < len(line):
        match = _PIECE.match(line, position)
        if match is None:
            what = "a lone backslash" if line[position] == "\\" else f"no closing {line[position]}"
            raise UsageError(f"The line cannot be read: {what}.", cure="Close the quote." if what[0] == "n" else "")
        position = match.end()
        single, double, escaped, text, blanks = match.groups()
        if blanks is None:
            if double is not None:
                double = _ESCAPED_IN_QUOTES.sub(r"\1", double)
            word = (word or "") + next(part for part in (single, double, escaped, text) if part is not None)
        elif word is not None:
            words.append(word)
            word = None
    return words if word is None else [*words, word]


class _Parser:
    """Reads the words of one call."""

    def __init__(self, verb: Verb, words: Sequence[str]) -> None:
        self._verb = verb
        self._words = list(words)
        self._values = Values({argument.key: argument.initial() for argument in verb.arguments})
        self._given: set[str] = set()
        self._loose: list[str] = []
        self._rest: list[str] = []

    def parse(self) -> Values:
        has_rest = any(argument.kind == "rest" for argument in self._verb.positionals)
        first = next((argument for argument in self._verb.positionals if argument.kind != "rest"), None)
        while self._words:
            word = self._words.pop(0)
            if word == "--":
                (self._rest if has_rest else self._loose).extend(self._words)
                break
            if word.startswith("-") and len(word) > 1:
                self._flag(word)
                continue
            self._loose.append(word)
            later = self._verb.dashes and "--" in self._words
            if self._verb.rest_after_first and not later and has_rest and first is not None:
                if self._words[:1] == ["--"]:
                    self._words.pop(0)
                self._rest.extend(self._words)
                break
        self._place()
        self._values.given = frozenset(self._given)
        return self._values

    def parse_so_far(self) -> Values:
        with suppress(UsageError):
            self.parse()
        return self._values

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
        """`-it`, `-p80:80`: switches together, or a value that follows at once."""
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
        where = f"{self._verb.name!r} has" if self._verb.name else "There is"
        raise UsageError(f"{where} no flag {name}.", cure=hint)

    def _set(self, argument: Argument, name: str, value: str | None) -> None:
        if argument.kind == "refused":
            raise UsageError(f"{name} is {argument.help}.", cure=argument.default)
        key = argument.key
        self._given.add(key)
        if argument.kind == "switch":
            if value is not None and value.lower() not in {"true", "false"}:
                raise UsageError(f"{name} takes no value, not {value!r}.")
            self._values[key] = value is None or value.lower() == "true"
            return
        if value is None:
            if not self._words:
                raise UsageError(f"{name} needs a value.", cure=argument.help)
            value = self._words.pop(0)
        if argument.choices and value not in argument.choices:
            raise UsageError(f"{name} is one of {', '.join(argument.choices)}, not {value!r}.")
        if argument.kind == "list":
            self._values[key].append(value)
        elif argument.kind == "mapping":
            item, equals, content = value.partition("=")
            self._values[key][item] = content if equals else None
        else:
            self._values[key] = convert(argument.kind, name, value)

    def _place(self) -> None:
        places = [argument for argument in self._verb.positionals if argument.kind != "rest"]
        for index, argument in enumerate(places):
            if argument.many:
                later = len(places) - index - 1
                taken = self._loose[: max(0, len(self._loose) - later)]
                self._values[argument.key] = taken
            else:
                taken = self._loose[:1]
                if taken:
                    self._values[argument.key] = convert(argument.kind, argument.names[0], taken[0])
            self._loose = self._loose[len(taken) :]
            if taken:
                self._given.add(argument.key)
            elif argument.required:
                raise UsageError(f"{argument.names[0]} is missing: {argument.help}.", cure="--help explains it.")
        if self._loose:
            raise UsageError(f"{self._loose[0]!r} is one word too many.", cure="--help explains it.")
        rest = next((argument for argument in self._verb.positionals if argument.kind == "rest"), None)
        if rest is not None:
            self._values[rest.key] = self._rest
            if rest.required and not self._rest:
                raise UsageError(f"{rest.names[0]} is missing: {rest.help}.", cure="--help explains it.")


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def convert(kind: str, name: str, value: str) -> Any:
    """A word as the kind of value that an argument takes.

    Raises:
        UsageError: it is not of that kind.
    """
    if kind == "number":
        try:
            return int(value)
        except ValueError:
            raise UsageError(f"{name} takes a whole number, not {value!r}.") from None
    if kind == "seconds":
        return _seconds(name, value)
    return value


def _seconds(name: str, value: str) -> float:
    """A duration as Go writes it ("90s", "1h30m"), or plain seconds."""
    try:
        return float(value)
    except ValueError:
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            raise UsageError(f"{name} takes a duration such as 30s or 1h30m, not {value!r}.") from None
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
