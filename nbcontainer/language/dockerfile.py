"""Completion of Dockerfile text, and the table of its words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from nbcontainer.dockerfile.lint_rules import RULES
from nbcontainer.dockerfile.words import (
    DIRECTIVES,
    FLAGS,
    INSTRUCTIONS,
    MOUNT_KEYS,
    MOUNT_TYPES,
    PREDEFINED_ARGUMENTS,
    PROXY_ARGUMENTS,
    SHARING_MODES,
    FlagWord,
)
from nbcontainer.language.cursor import Place, parts, place_of, split_words
from nbcontainer.language.dockerfile_help import help_dockerfile
from nbcontainer.language.scope import Scope, Variable, proxies

Names = Callable[[], Iterable[str]]
Paths = Callable[[str], Iterable[str]]

SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2")
SWITCH = ("true", "false")
PROTOCOLS = ("tcp", "udp")
SHELLS = tuple(
    json.dumps(words)
    for words in (
        ["/bin/sh", "-c"],
        ["/bin/bash", "-c"],
        ["/bin/bash", "-o", "pipefail", "-c"],
        ["powershell", "-Command"],
    )
)
FRONTENDS = ("docker/dockerfile:1", "docker/dockerfile:1-labs")
MOUNT_SWITCHES = ("rw", "ro", "readonly", "readwrite", "required")
LABELS = tuple(
    f"org.opencontainers.image.{key}"
    for key in ("title", "description", "version", "source", "url", "documentation", "licenses", "authors", "vendor",
                "revision", "created", "base.name", "ref.name")
)  # fmt: skip

_DOLLAR = re.compile(r"\$(\{?)(\w*)$", re.ASCII)
_AT_RUN_TIME = ("CMD", "ENTRYPOINT", "HEALTHCHECK")
_UNEXPANDED = ("SHELL", "MAINTAINER")
_UNEXPANDED_FLAGS = {"COPY": ("from",), "RUN": ("network", "security"), "HEALTHCHECK": None}


@dataclass(frozen=True, slots=True)
class Item:
    """One completion at the cursor.

    Attributes:
        kind: "instruction", "flag", "key", "value", "stage", "image", "variable", "path" or "directive".
        detail: what it is, in a few words.
    """

    text: str
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Completions:
    """The completions at the cursor; each text replaces the line from column `start`, from 0, to the cursor."""

    start: int
    items: tuple[Item, ...] = ()


def complete_dockerfile(
    text: str, line: int, column: int, *, images: Names | None = None, paths: Paths | None = None
) -> Completions:
    """Complete at the cursor.

    Args:
        text: the whole Dockerfile, as far as it is written.
        line: the cursor's line, from 1.
        column: the cursor's column, from 0.
        images: returns names of images; called only if one can be completed.
        paths: returns paths of the build context that start with a prefix; folders end in "/".
    """
    place = place_of(text, line, column)
    if place is None:
        return Completions(column)
    fragment, found = _Cursor(place, images or (lambda: ()), paths or (lambda _: ())).complete()
    end = len(place.here)
    above = max(0, len(fragment) - end)  # of the fragment, on the lines before
    fitting = {item.text: item for item in found if _fits(item.text, fragment)}
    items = (Item(item.text[above:], item.kind, item.detail) for item in fitting.values())
    return Completions(end - len(fragment) + above, tuple(items))


def _fits(text: str, fragment: str) -> bool:
    return text.casefold().startswith(fragment.casefold()) and text != fragment


Found = tuple[str, Iterable[Item]]  # a fragment, and what may take its place


class _Cursor:
    """The place where a word is completed."""

    def __init__(self, place: Place, images: Names, paths: Paths) -> None:
        self._place, self._images, self._paths = place, images, paths
        names, start = parts(place.before)
        self._is_trigger = names[:1] == ["ONBUILD"]
        self._word = names[-1] if names and names != ["ONBUILD"] else ""
        self._written = place.before.split()[-1 if not self._word else len(names) - 1] if names else ""
        self._rest = rest = place.before[start:].lstrip()
        found = split_words(rest, place.lines.escape)
        is_last_open = bool(found) and found[-1].end() == len(rest)
        self._fragment = found[-1][0] if is_last_open else ""
        words = [match[0] for match in found[: -1 if is_last_open else None]]
        count = next((index for index, word in enumerate(words) if not word.startswith("--")), len(words))
        self._flags, self._arguments = words[:count], words[count:]
        self._is_json = (self._arguments or [self._fragment])[0].startswith("[")

    @cached_property
    def _scope(self) -> Scope:
        return Scope(self._place.lines.statements, self._place.lines.escape)

    def complete(self) -> Found:  # noqa: PLR0911 - a return for each kind of place
        """The fragment to complete, and its completions."""
        if self._place.role == "heredoc":
            return self._in_heredoc()
        if self._place.here.lstrip().startswith("#"):
            return self._directive() if self._place.lines.is_head else ("", ())
        if not self._word:
            return self._instructions()
        dollar = _DOLLAR.search(self._fragment)
        if dollar is not None and not self._fragment[: dollar.start()].endswith(self._place.lines.escape):
            return self._variable(dollar)
        if self._fragment.startswith("--") and not self._arguments:
            return self._flag()
        if self._is_json:
            return self._in_json()
        fragment, items = self._argument()
        flags = self._further_flags() if not (self._fragment or self._arguments) else ()
        return fragment, [*items, *flags]

    def _in_heredoc(self) -> Found:
        heredoc, here = self._place.lines.heredocs[0], self._place.here
        names, _ = parts(self._place.lines.statements[-1].text)
        dollar = _DOLLAR.search(here)
        if dollar is None:
            bare = here.lstrip("\t") if heredoc.has_tabs else here
            return bare, [Item(heredoc.name, "value", "ends the heredoc")] if bare else []
        if names[-1] == "RUN":
            return self._named(dollar, [*self._scope.variables().values(), *proxies(dollar[2])])
        return self._named(dollar, self._scope.variables().values()) if heredoc.expands else ("", ())

    def _directive(self) -> Found:
        """`# syntax=` and the other directives, which must come before everything else."""
        found = re.fullmatch(r"\s*#\s*(?:(\w*)|(\w+)\s*=\s*(.*))", self._place.here)
        if found is None:
            return "", ()
        if found[2] is None:
            return found[1], _directives(self._place.lines.directives, self._place.after)
        name, value = found[2].lower(), found[3]
        if name != "check":
            offered = {"syntax": FRONTENDS, "escape": ("\\", "`")}.get(name, ())
            return value, [Item(each, "value") for each in offered]
        key, equals, last = value.rpartition(";")[2].lstrip().partition("=")
        if not equals:
            used = {part.partition("=")[0].strip() for part in value.split(";")[:-1]}
            return key, [Item(f"{each}=", "key") for each in ("skip", "error", "experimental") if each not in used]
        if key == "error":
            return last, [Item(each, "value") for each in SWITCH]
        *done, fragment = last.split(",")
        rules = [rule.name for rule in RULES.values() if key == "skip" or rule.is_experimental]
        return fragment.lstrip(), [Item(each, "value") for each in ["all", *rules] if each not in done]

    def _instructions(self) -> Found:
        place = self._place
        fragment = place.before.split()[-1] if place.before.split() and not place.before[-1].isspace() else ""
        written = [statement.word for statement in place.lines.statements]
        is_lower = fragment.islower() if fragment else bool(written) and written[-1].islower()
        if self._is_trigger:
            names = [name for name in INSTRUCTIONS if name not in ("FROM", "MAINTAINER", "ONBUILD")]
        elif any(word.upper() == "FROM" for word in written):
            names = list(INSTRUCTIONS)
        else:
            names = ["FROM", "ARG"]
        items = [Item(name.lower() if is_lower else name, "instruction", _summary(name)) for name in names]
        if place.lines.is_head and not place.here.strip():
            items += [
                Item(f"# {item.text}", item.kind, item.detail) for item in _directives(place.lines.directives, "")
            ]
        return fragment, items

    def _variable(self, dollar: re.Match[str]) -> Found:
        flag = self._fragment.removeprefix("--").partition("=")[0] if self._fragment.startswith("--") else ""
        barred = _UNEXPANDED_FLAGS.get(self._word, ()) if flag and not self._arguments else ()
        is_mount_from = flag == "mount" and re.search(r"\b(?:from|type|sharing)=[^,]*$", self._fragment)
        is_quoted = self._word not in ("RUN", *_AT_RUN_TIME) and self._fragment.count("'") % 2
        by_shell = self._word == "RUN" or self._word in _AT_RUN_TIME
        if barred is None or flag in barred or is_mount_from or is_quoted or self._word in _UNEXPANDED:
            return "", ()
        if by_shell and self._is_json:
            return "", ()  # no shell runs it
        known: Iterable[Variable] = self._scope.variables(of_from=self._word == "FROM").values()
        if self._word in _AT_RUN_TIME or self._is_trigger:  # an ARG is gone by then
            known = [variable for variable in known if variable.origin == "ENV"]
        return self._named(dollar, [*known, *proxies(dollar[2])] if self._word == "RUN" else known)

    def _named(self, dollar: re.Match[str], known: Iterable[Variable]) -> Found:
        closing = "}" if dollar[1] and not re.match(r"\w*[}:]", self._place.after) else ""
        return dollar[2], [Item(one.name + closing, "variable", one.detail) for one in known]

    def _flag(self) -> Found:
        name, equals, value = self._fragment.removeprefix("--").partition("=")
        if not equals:
            return self._fragment, self._further_flags()
        if name == "mount" and self._word == "RUN":
            return self._mount(value)
        if name == "from" and self._word == "COPY":
            return value, self._sources(value, by_number=True)
        flag = next((flag for flag in FLAGS.get(self._word, ()) if flag.name == name), None)
        values = () if flag is None else SWITCH if flag.kind == "switch" else flag.values
        return value, [Item(each, "value") for each in values]

    def _further_flags(self) -> list[Item]:
        """The flags that may still be given."""
        given = {flag.removeprefix("--").partition("=")[0] for flag in self._flags}
        known = FLAGS.get(self._word, ())
        return [self._flag_item(flag) for flag in known if flag.name not in given or flag.kind == "values"]

    def _flag_item(self, flag: FlagWord) -> Item:
        equals = "" if flag.kind == "switch" or self._place.after.startswith("=") else "="
        return Item(f"--{flag.name}{equals}", "flag", _summary(f"{self._word} --{flag.name}"))

    def _mount(self, value: str) -> Found:
        done, _, last = value.rpartition(",")
        key, equals, content = last.partition("=")
        kind = re.search(r"(?:^|,)type=(\w+)", done)
        if not equals:
            return last, self._mount_keys(done, kind[1] if kind else "")
        if key in ("type", "sharing", *MOUNT_SWITCHES):
            values = {"type": MOUNT_TYPES, "sharing": SHARING_MODES}.get(key, SWITCH)
            details = [_summary(f"--mount=type={each}") if key == "type" else "" for each in values]
            return content, [Item(each, "value", detail) for each, detail in zip(values, details, strict=True)]
        if key == "from":
            return content, self._sources(content, by_number=False)
        if key in ("source", "src") and (kind is None or kind[1] == "bind") and "from=" not in done:
            return content, self._path_items(content)
        return content, ()

    def _mount_keys(self, done: str, kind: str) -> Iterator[Item]:
        used = {part.partition("=")[0] for part in done.split(",")}
        if "type" not in used:
            yield from (Item(f"type={each}", "key", _summary(f"--mount=type={each}")) for each in MOUNT_TYPES)
        for each in MOUNT_KEYS.get(kind or "bind", ()):
            if each not in used:
                yield Item(each if each in MOUNT_SWITCHES else f"{each}=", "key")

    def _argument(self) -> Found:
        fragment, count = self._fragment, len(self._arguments)
        copies = self._word in ("COPY", "ADD") and not any(flag.startswith("--from=") for flag in self._flags)
        if self._word == "FROM":
            return fragment, self._from(count)
        if self._word == "EXPOSE" and "/" in fragment:
            return fragment.partition("/")[2], [Item(each, "value") for each in PROTOCOLS]
        if copies:
            return fragment, self._path_items(fragment)
        if self._word == "ARG" and "=" not in fragment:
            return fragment, self._arguments_to_declare()
        if self._word == "LABEL" and fragment and "=" not in fragment:
            return fragment, [Item(f"{each}=", "key") for each in LABELS]
        values = {
            "HEALTHCHECK": ("CMD",) if self._flags else ("CMD", "NONE"),
            "STOPSIGNAL": SIGNALS,
            "SHELL": SHELLS,
        }.get(self._word, ())
        return fragment, [Item(each, "value") for each in values if not count]

    def _from(self, count: int) -> Iterator[Item]:
        if count == 0:
            yield from (Item(stage.name, "stage", f"FROM {stage.base}") for stage in self._scope.stages if stage.name)
            yield Item("scratch", "image", "the empty image")
            yield from self._image_items()
        elif count == 1 and not re.match(r"\s*as\s", self._place.after, re.IGNORECASE):
            yield Item("as" if self._written.islower() else "AS", "value", "give the stage a name")

    def _arguments_to_declare(self) -> Iterator[Item]:
        """What ARG may declare: in a stage, the arguments that are known before the first FROM; and proxies."""
        if self._scope.stages:
            known = self._scope.variables(of_from=True).values()
            yield from (Item(one.name, "variable", one.detail) for one in known)
        yield from (Item(one.name, "variable", one.origin) for one in proxies(self._fragment))

    def _in_json(self) -> Found:
        """In the JSON form, a path is completed inside its quotes, a shell as a whole."""
        if self._word == "SHELL":
            return self._rest, [Item(each, "value") for each in SHELLS]
        quoted = self._fragment.rpartition('"')
        is_path = self._word in ("COPY", "ADD") and not any(flag.startswith("--from=") for flag in self._flags)
        return (quoted[2], self._path_items(quoted[2])) if is_path and self._fragment.count('"') % 2 else ("", ())

    def _path_items(self, prefix: str) -> Iterator[Item]:
        return (Item(path, "path") for path in self._paths(prefix))

    def _image_items(self) -> Iterator[Item]:
        return (Item(name, "image") for name in self._images())

    def _sources(self, fragment: str, *, by_number: bool) -> Iterator[Item]:
        """The stages above the cursor's own, and images; by number those without a name, or all once one is typed."""
        earlier = self._scope.stages[:-1]
        yield from (Item(stage.name, "stage", f"FROM {stage.base}") for stage in earlier if stage.name)
        if by_number:
            for index, stage in enumerate(earlier):
                if fragment or not stage.name:
                    yield Item(str(index), "stage", f"FROM {stage.base}")
        yield from self._image_items()


def _directives(given: Iterable[str], after: str) -> list[Item]:
    equals = "" if after.lstrip().startswith("=") else "="
    return [Item(f"{name}{equals}", "directive", _summary(f"# {name}")) for name in DIRECTIVES if name not in given]


@cache
def _summary(word: str) -> str:
    """The first sentence of a word's help."""
    found = help_dockerfile(word)
    return re.split(r"(?<=[.:;]) ", found.text, maxsplit=1)[0].rstrip(".:;") if found else ""


def words() -> dict[str, object]:
    """The static words as JSON, for a page that completes while the kernel is busy."""
    return {
        "instructions": [
            {
                "name": name,
                "detail": _summary(name),
                "flags": [
                    {
                        "name": flag.name,
                        "kind": flag.kind,
                        "values": list(flag.values),
                        "detail": _summary(f"{name} --{flag.name}"),
                    }
                    for flag in FLAGS.get(name, ())
                ],
            }
            for name in INSTRUCTIONS
        ],
        "directives": [{"name": name, "detail": _summary(f"# {name}")} for name in DIRECTIVES],
        "frontends": list(FRONTENDS),
        "rules": [{"name": rule.name, "isExperimental": rule.is_experimental} for rule in RULES.values()],
        "mountTypes": [{"name": name, "detail": _summary(f"--mount=type={name}")} for name in MOUNT_TYPES],
        "mountKeys": {kind: list(keys) for kind, keys in MOUNT_KEYS.items()},
        "mountSwitches": list(MOUNT_SWITCHES),
        "sharing": list(SHARING_MODES),
        "arguments": list(PREDEFINED_ARGUMENTS),
        "proxies": list(PROXY_ARGUMENTS),
        "signals": list(SIGNALS),
        "shells": list(SHELLS),
        "protocols": list(PROTOCOLS),
        "labels": list(LABELS),
    }
