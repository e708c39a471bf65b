"""A parsed Dockerfile: its stages, how they depend on each other, and the steps that a build of it will take."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from e2b_dockerfile_utils import ShellLex, parse_heredoc

from nbcontainer.dockerfile.text import Fault, Instruction, parse_text
from nbcontainer.dockerfile.variables import expand_word
from nbcontainer.dockerfile.words import PREDEFINED_ARGUMENTS, lowered
from nbcontainer.model.build_steps import BuildStep
from nbcontainer.model.source_map import SourceMap

_OPEN_QUOTE = re.compile("looking for matching (single|double)-quote$")
# BuildKit makes a build step of these; the others only change the image's configuration
_STEPS = ("RUN", "COPY", "ADD", "WORKDIR")
_REMOTE = re.compile(r"^(https?://|git@|git://|ssh://)|\.git(#.*)?$")


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it.

    Attributes:
        index: its number, from 0.
        name: the name after AS in lowercase, or "".
        base: what follows FROM, as written.
        platform: the value of `--platform`, as written, or "".
        start: the FROM instruction.
        instructions: those after it.
    """

    index: int
    name: str
    base: str
    platform: str
    start: Instruction
    instructions: tuple[Instruction, ...]

    @property
    def label(self) -> str:
        """Its name, or "stage-N", which is BuildKit's name for one without."""
        return self.name or f"stage-{self.index}"

    @property
    def end_line(self) -> int:
        """The last line that belongs to it."""
        return self.instructions[-1].end_line if self.instructions else self.start.end_line


@dataclass(frozen=True)
class Dockerfile:
    """A parsed Dockerfile. Lines are Dockerfile lines; `own` returns the user's.

    Attributes:
        text: the whole text.
        preamble: instructions before the first FROM; only ARG is allowed there.
        stages: in the text's order.
        faults: what could not be parsed; `check` turns them into problems, and finds more.
        escape: the escape character.
        directives: `# syntax=`, `# escape=` and `# check=`, by name.
        empty_lines: the last lines of instructions that are continued over an empty line.
    """

    text: str
    preamble: tuple[Instruction, ...] = ()
    stages: tuple[Stage, ...] = ()
    faults: tuple[Fault, ...] = ()
    escape: str = "\\"
    directives: Mapping[str, str] = field(default_factory=dict)
    source_map: SourceMap = field(default_factory=SourceMap)
    empty_lines: tuple[int, ...] = ()

    @property
    def instructions(self) -> Iterator[Instruction]:
        """All instructions in the text's order."""
        yield from self.preamble
        for stage in self.stages:
            yield stage.start
            yield from stage.instructions

    @property
    def syntax(self) -> str:
        """The frontend image that `# syntax=` names, or ""."""
        return self.directives.get("syntax", "").split(" ")[0]

    def own(self, instruction: Instruction) -> tuple[int, int]:
        """The user's own first and last line of an instruction."""
        return self.source_map.own(instruction.line), self.source_map.own(instruction.end_line)

    def stage(self, name: str) -> Stage | None:
        """The stage with this name, ignoring case; the last of several."""
        return self._names.get(lowered(name))

    @cached_property
    def _names(self) -> dict[str, Stage]:
        return {stage.name: stage for stage in self.stages if stage.name}

    @cached_property
    def _named(self) -> dict[str, list[Stage]]:
        """All stages of each name."""
        named: dict[str, list[Stage]] = {}
        for stage in self.stages:
            named.setdefault(stage.name, []).append(stage)
        return named

    def earlier(self, stage: Stage, name: str) -> list[Stage]:
        """The stages of this name, in lowercase, that come before a stage."""
        named = self._named.get(name, []) if name else []
        return named[: bisect_left(named, stage.index, key=lambda other: other.index)]

    def base(self, stage: Stage, build_args: Mapping[str, str] | None = None) -> str | None:
        """What a stage is built from, arguments filled in; None where one of them cannot be known here."""
        if "$" not in stage.base:
            return stage.base.strip("\"'")
        return expand(stage.base, self.arguments(build_args or {}), self.escape)

    def arguments(self, build_args: Mapping[str, str]) -> dict[str, str | None]:
        """The arguments that FROM lines may use: None for those that only the engine knows."""
        given = frozenset(build_args.items())
        if given not in self._arguments:
            self._arguments[given] = self._read_arguments(build_args)
        return self._arguments[given]

    @cached_property
    def _arguments(self) -> dict[frozenset[tuple[str, str]], dict[str, str | None]]:
        """The arguments that FROM lines may use, by what the build is given: each stage asks for them."""
        return {}

    def _read_arguments(self, build_args: Mapping[str, str]) -> dict[str, str | None]:
        known: dict[str, str | None] = dict.fromkeys(PREDEFINED_ARGUMENTS)
        known |= {name: value for name, value in build_args.items() if name in known}
        for instruction in self.preamble:
            if instruction.name != "ARG":
                continue
            for argument in instruction.arguments:
                name, equals, value = argument.partition("=")
                if name in build_args:
                    known[name] = build_args[name]
                elif equals:
                    known[name] = expand(value, known, self.escape)
                else:
                    known.setdefault(name, "")
        return known

    def parent(self, stage: Stage, build_args: Mapping[str, str] | None = None) -> Stage | None:
        """The earlier stage that a stage is built FROM, or None: an image, or nothing."""
        base = self.base(stage, build_args)
        if base is None:
            return None
        found = self.earlier(stage, lowered(base))
        return found[-1] if found else None

    def sources(self, instruction: Instruction) -> list[str]:
        """The stages and images that an instruction names by `--from` or `--mount=from=`, as written."""
        if instruction.name in ("COPY", "ADD"):
            source = instruction.flag("from")
            return [source] if source else []
        if instruction.name == "RUN":
            return [mount["from"] for mount in map(mount_fields, instruction.flag_values("mount")) if mount.get("from")]
        return []

    def find(self, source: str) -> Stage | None:
        """The stage that a `--from` value names, by number or name."""
        if source.isdecimal():
            return self.stages[int(source)] if int(source) < len(self.stages) else None
        return self.stage(source)

    def source_stage(self, instruction: Instruction, source: str) -> Stage | None:
        """The stage that `--from` of an instruction names: a mount's goes by name only, "0" is an image there."""
        return self.stage(source) if instruction.name == "RUN" else self.find(source)

    def needs(self, stage: Stage, build_args: Mapping[str, str] | None = None) -> list[Stage]:
        """The stages that a stage is built from or copies from, in the text's order."""
        found = {
            source.index: source
            for instruction in stage.instructions
            for name in self.sources(instruction)
            if (source := self.source_stage(instruction, name))
        }
        parent = self.parent(stage, build_args)
        if parent is not None:
            found[parent.index] = parent
        return [found[index] for index in sorted(found)]

    def reachable(self, target: str = "", build_args: Mapping[str, str] | None = None) -> list[Stage]:
        """The stages that a build of `target` (the last one, where it is "") needs, in the text's order."""
        if not self.stages:
            return []
        last = (self.find(target) or self.stages[-1]) if target else self.stages[-1]
        seen, waiting = {last.index}, [last]
        while waiting:
            for stage in self.needs(waiting.pop(), build_args):
                if stage.index not in seen:
                    seen.add(stage.index)
                    waiting.append(stage)
        return [self.stages[index] for index in sorted(seen)]

    def uses_context(self, target: str = "", build_args: Mapping[str, str] | None = None) -> bool:
        """Whether a build of `target` reads files of the build context."""
        return any(
            reads_context(instruction)
            for stage in self.reachable(target, build_args)
            for instruction in stage.instructions
        )

    def plan(
        self, target: str = "", build_args: Mapping[str, str] | None = None, *, classic: bool = False
    ) -> list[BuildStep]:
        """The steps that a build of `target` will take, in the text's order, none of them started.

        Args:
            target: the stage to build; the last one, where it is "".
            build_args: by name.
            classic: for engines without BuildKit, where every instruction is a step, and every stage up to the target
                is built.
        """
        steps = []
        stages = self.reachable(target, build_args)
        if classic and stages:
            stages = list(self.stages[: stages[-1].index + 1])
        for stage in stages:
            kept = [item for item in stage.instructions if classic or _is_step(item)]
            base = self.base(stage, build_args)
            if classic or not (base == "scratch" or self.parent(stage, build_args)):
                kept.insert(0, stage.start)
            prefix = f"{stage.label} " if len(self.stages) > 1 else ""
            width = len(str(len(kept)))
            steps += [
                BuildStep(
                    id=f"line {instruction.line}",
                    name=f"[{prefix}{number:>{width}}/{len(kept)}] {instruction.title}",
                    stage=stage.label,
                    instruction=instruction.title,
                    lines=self.own(instruction),
                )
                for number, instruction in enumerate(kept, 1)
            ]
        return steps


def _is_step(instruction: Instruction) -> bool:
    if instruction.name == "WORKDIR":
        return instruction.rest != "/"  # it exists already
    return instruction.name in _STEPS


def reads_context(instruction: Instruction) -> bool:
    """Whether an instruction reads files of the build context (an ONBUILD's trigger does not, in this build)."""
    if instruction.name in ("COPY", "ADD"):
        if instruction.flag("from"):
            return False
        sources = instruction.arguments[:-1]
        remote = instruction.name == "ADD"
        return any(not is_heredoc(source) and not (remote and is_remote(source)) for source in sources)
    if instruction.name == "RUN":
        mounts = map(mount_fields, instruction.flag_values("mount"))
        return any(mount.get("type", "bind") == "bind" and not mount.get("from") for mount in mounts)
    return False


def is_remote(source: str) -> bool:
    """Whether a source of ADD is a URL or a git repository."""
    return _REMOTE.search(source) is not None


def is_heredoc(word: str) -> bool:
    """Whether a word begins a heredoc."""
    try:
        return parse_heredoc(word) is not None
    except ValueError:
        return False


def mount_fields(value: str) -> dict[str, str]:
    """The fields of a `--mount` value, by their keys in lowercase; a key alone has the value ""."""
    fields = {}
    for part in re.findall(r'(?:"[^"]*"|[^,])+', value):
        key, _, content = part.strip('"').partition("=")
        fields[key.strip().lower()] = content
    return fields


def expand(word: str, known: Mapping[str, str | None], escape: str = "\\") -> str | None:
    """Fill in `$name` and `${name:-default}`; None where a value cannot be known here, or the syntax is invalid."""
    return expand_word(word, known, escape).text


def open_quote(word: str, escape: str = "\\") -> str:
    """The quote that a word opens and does not close, or ""; variables are not expanded."""
    if "'" not in word and '"' not in word:
        return ""
    try:
        ShellLex(escape, env={}, skip_unset_env=True).process_word(word)
    except (ValueError, RecursionError, re.error) as error:
        found = _OPEN_QUOTE.search(str(error))
        return {"single": "'", "double": '"'}[found[1]] if found else ""
    return ""


def parse(text: str, source_map: SourceMap | None = None) -> Dockerfile:
    """Parse a Dockerfile; never raises. `check` finds what is wrong with it.

    Args:
        text: the Dockerfile.
        source_map: from its lines to the user's own; without it they are the same.
    """
    parsed = parse_text(text)
    starts = [index for index, item in enumerate(parsed.instructions) if item.name == "FROM"]
    stages = [
        _stage(index, parsed.instructions[start:end])
        for index, (start, end) in enumerate(pairwise([*starts, len(parsed.instructions)]))
    ]
    return Dockerfile(
        text=text,
        preamble=tuple(parsed.instructions[: starts[0] if starts else len(parsed.instructions)]),
        stages=tuple(stages),
        faults=tuple(parsed.faults),
        escape=parsed.escape,
        directives=parsed.directives,
        source_map=source_map or SourceMap(),
        empty_lines=tuple(parsed.empty_lines),
    )


def _stage(index: int, instructions: Iterable[Instruction]) -> Stage:
    start, *rest = instructions
    words = start.arguments
    name = lowered(words[2]) if len(words) == 3 and words[1].lower() == "as" else ""  # noqa: PLR2004 - FROM x AS name
    return Stage(index, name, words[0] if words else "", start.flag("platform") or "", start, tuple(rest))
