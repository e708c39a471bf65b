"""Completion of Dockerfile text, and the table of its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nbcontainer.dockerfile import Dockerfile, Instruction, parse
from nbcontainer.dockerfile.words import (
    DIRECTIVES,
    FLAGS,
    INSTRUCTIONS,
    MOUNT_KEYS,
    MOUNT_TYPES,
    PREDEFINED_ARGUMENTS,
    SHARING_MODES,
)
from nbcontainer.language.dockerfile_help import help_dockerfile

Names = Callable[[], Iterable[str]]
Paths = Callable[[str], Iterable[str]]

SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2")


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
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return Completions(column)
    here = lines[line - 1][:column]
    if here.lstrip().startswith("#"):
        return _directive(here, lines, line)
    dockerfile = parse("\n".join([*lines[: line - 1], here]))
    if _in_heredoc(lines, line):
        return Completions(column)
    before = _instruction_before(lines, line, dockerfile.escape) + here
    cursor = _Cursor(dockerfile, line, before, images or (lambda: ()), paths or (lambda _: ()))
    fragment, found = cursor.complete()
    fitting = {item.text: item for item in found if _fits(item.text, fragment)}
    return Completions(len(here) - len(fragment), tuple(fitting.values()))


def _fits(text: str, fragment: str) -> bool:
    return text.casefold().startswith(fragment.casefold()) and text != fragment


def _directive(here: str, lines: list[str], line: int) -> Completions:
    """`# syntax=` and the other directives, which must come before everything else."""
    match = re.fullmatch(r"\s*#\s*(\w*)", here)
    if match is None or any(not other.lstrip().startswith("#") for other in lines[: line - 1]):
        return Completions(len(here))
    items = [Item(f"{name}=", "directive", _summary(f"# {name}")) for name in DIRECTIVES]
    return Completions(match.start(1), tuple(item for item in items if item.text.startswith(match[1].lower())))


def _in_heredoc(lines: list[str], line: int) -> bool:
    """Whether a line is inside a heredoc: a parser that reads only the text before it finds the end missing."""
    if not any("<<" in other for other in lines[: line - 1]):
        return False
    so_far = parse("\n".join(lines[: line - 1]))
    return any(fault.message.startswith("heredoc") for fault in so_far.faults)


def _instruction_before(lines: list[str], line: int, escape: str) -> str:
    """The lines of the same instruction above a line, joined."""
    parts: list[str] = []
    for other in reversed(lines[: line - 1]):
        bare = other.rstrip()
        if other.lstrip().startswith("#") and parts:
            continue
        if not bare.endswith(escape):
            break
        parts.append(bare[:-1])
    return "".join(reversed(parts))


class _Cursor:
    """The place in an instruction where a word is completed."""

    def __init__(self, dockerfile: Dockerfile, line: int, before: str, images: Names, paths: Paths) -> None:
        self._dockerfile, self._line, self._images, self._paths = dockerfile, line, images, paths
        stripped = before.lstrip()
        parts = re.split(r"\s+", stripped)
        self._onbuild = len(parts) > 1 and parts[0].upper() == "ONBUILD"
        if self._onbuild:
            parts = parts[1:]
        self._word = parts[0].upper()
        self._written = parts[0]
        self._arguments = parts[1:-1]
        self._fragment = parts[-1]
        self._first = len(parts) == 1

    def complete(self) -> tuple[str, list[Item]]:
        """The fragment to complete, and its completions."""
        if self._first:
            return self._fragment, self._instructions()
        variable = re.search(r"\$\{?(\w*)$", self._fragment)
        if variable is not None:
            names = [Item(name, "variable", detail) for name, detail in self._variables()]
            return variable[1], names
        if self._fragment.startswith("--") and not self._plain_arguments():
            return self._flag()
        return self._fragment, list(self._argument())

    def _instructions(self) -> list[Item]:
        lower = self._fragment.islower()
        barred = ("FROM", "MAINTAINER", "ONBUILD") if self._onbuild else ()
        return [
            Item(name.lower() if lower else name, "instruction", _summary(name))
            for name in INSTRUCTIONS
            if name not in barred
        ]

    def _plain_arguments(self) -> list[str]:
        return [word for word in self._arguments if not word.startswith("--")]

    def _flag(self) -> tuple[str, list[Item]]:
        name, equals, value = self._fragment.removeprefix("--").partition("=")
        flags = {flag.name: flag for flag in FLAGS.get(self._word, ())}
        if not equals:
            return self._fragment, [
                Item(
                    f"--{flag.name}" + ("" if flag.kind == "switch" else "="),
                    "flag",
                    _summary(f"{self._word} --{flag.name}"),
                )
                for flag in flags.values()
            ]
        if name == "mount" and self._word == "RUN":
            return self._mount(value)
        if name == "from":
            return value, [*self._stages(), *self._image_items()]
        values = flags[name].values if name in flags else ()
        return value, [Item(each, "value") for each in values]

    def _mount(self, value: str) -> tuple[str, list[Item]]:
        done, _, last = value.rpartition(",")
        key, equals, content = last.partition("=")
        kind = re.search(r"\btype=(\w+)", done)
        if equals:
            if key == "type":
                return content, [Item(each, "value", _summary(f"--mount=type={each}")) for each in MOUNT_TYPES]
            if key == "sharing":
                return content, [Item(each, "value") for each in SHARING_MODES]
            if key == "from":
                return content, [*self._stages(), *self._image_items()]
            return content, []
        if not done:
            return last, [Item(f"type={each}", "key", _summary(f"--mount=type={each}")) for each in MOUNT_TYPES]
        used = {part.partition("=")[0] for part in done.split(",")}
        keys = MOUNT_KEYS.get(kind[1] if kind else "bind", ())
        return last, [
            Item(each if each in ("rw", "ro", "required") else f"{each}=", "key") for each in keys if each not in used
        ]

    def _argument(self) -> Iterator[Item]:
        count = len(self._plain_arguments())
        if self._word == "FROM":
            if count == 0:
                yield from self._stages()
                yield Item("scratch", "image", "the empty image")
                yield from self._image_items()
            elif count == 1:
                yield Item("as" if self._written.islower() else "AS", "value", "give the stage a name")
        elif self._word in ("COPY", "ADD") and not any(word.startswith("--from=") for word in self._arguments):
            for path in self._paths(self._fragment):
                yield Item(path, "path")
        elif self._word == "HEALTHCHECK" and count == 0:
            yield from (Item("CMD", "value"), Item("NONE", "value"))
        elif self._word == "STOPSIGNAL" and count == 0:
            yield from (Item(signal, "value") for signal in SIGNALS)

    def _image_items(self) -> Iterator[Item]:
        return (Item(name, "image") for name in self._images())

    def _stages(self) -> Iterator[Item]:
        """The named stages above the cursor's own."""
        started = [stage for stage in self._dockerfile.stages if stage.start.line < self._line]
        if self._word != "FROM":
            started = started[:-1]
        return (Item(stage.name, "stage", f"FROM {stage.base}") for stage in started if stage.name)

    def _variables(self) -> Iterator[tuple[str, str]]:
        """The ARG and ENV names that are known at the cursor."""
        above = [stage for stage in self._dockerfile.stages if stage.start.line < self._line]
        if self._word == "FROM" or not above:
            yield from _declared(self._dockerfile.preamble)
            yield from ((name, "set by BuildKit") for name in PREDEFINED_ARGUMENTS)
            return
        lineage = [above[-1]]
        while (parent := self._dockerfile.parent(lineage[-1])) is not None:
            lineage.append(parent)
        for stage in lineage:
            inherited = stage is not above[-1]
            yield from _declared(
                item for item in stage.instructions if item.line < self._line and not (inherited and item.name == "ARG")
            )


def _declared(instructions: Iterable[Instruction]) -> Iterator[tuple[str, str]]:
    for instruction in instructions:
        if instruction.name == "ARG":
            for word in instruction.arguments:
                name, _, value = word.partition("=")
                yield name, f"ARG, {value}" if value else "ARG"
        elif instruction.name == "ENV":
            for name, value in zip(instruction.arguments[::3], instruction.arguments[1::3], strict=False):
                yield name, f"ENV, {value}"


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
        "directives": list(DIRECTIVES),
        "mountTypes": list(MOUNT_TYPES),
        "mountKeys": {kind: list(keys) for kind, keys in MOUNT_KEYS.items()},
        "sharing": list(SHARING_MODES),
        "arguments": list(PREDEFINED_ARGUMENTS),
        "signals": list(SIGNALS),
    }
