"""What BuildKit's lint rules say about a Dockerfile, found without an engine.

Each rule has BuildKit's conditions: frontend/dockerfile, instructions/parse.go for what an instruction's text shows,
dockerfile2llb/convert.go for the rest. Those that depend on the stages are in `lint_stages`.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.dockerfile.check_options import CheckOptions
from nbcontainer.dockerfile.fixes import Cure, variable_renamed
from nbcontainer.dockerfile.lint_rules import RULES
from nbcontainer.dockerfile.lint_stages import stage_findings
from nbcontainer.dockerfile.stages import Dockerfile, Stage
from nbcontainer.dockerfile.text import Fault, Instruction
from nbcontainer.dockerfile.variables import Expansion, expand_word
from nbcontainer.dockerfile.words import PREDEFINED_ARGUMENTS, likely_variable, lowered
from nbcontainer.model.references import is_reference

_RESERVED = ("context", "scratch")
_THREE = 3  # words of FROM x AS name
# what the engine says in place of these, most likely; a name that depends on another is not judged
_PLATFORM = {"PLATFORM": "linux/amd64", "OS": "linux", "ARCH": "amd64"}
_OSES = (
    *("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd"),
    *("openbsd", "plan9", "solaris", "windows", "zos"),
)
_ARCHITECTURES = (
    *("386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle"),
    *("mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc"),
    *("sparc64", "wasm"),
)
_ALIASES = {"macos": "darwin", "i386": "386", "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
_ALIASES |= {"armhf": "arm", "armel": "arm"}
_SYSTEM = re.compile(r"([A-Za-z0-9_-]+)(?:\([A-Za-z0-9_.-]*\))?")
_SPECIFIER = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rules must know beside the text.

    Attributes:
        target: the stage to build, "" for the last.
        build_args: by name.
        build_contexts: the names of additional build contexts, which take the place of stages and images.
        every_stage: whether stages that are not built are checked too.
        variables: the variables that an image sets, by its name; None where that is not known.
        is_ignored: whether `.dockerignore` leaves a path out; None where that is not known.
    """

    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    build_contexts: Collection[str] = ()
    every_stage: bool = True
    variables: Callable[[str], Collection[str] | None] | None = None
    is_ignored: Callable[[str], bool] | None = None


def lint(dockerfile: Dockerfile, surroundings: Surroundings, options: CheckOptions) -> list[Fault]:
    """What BuildKit's rules find, without those that the options leave out, each once."""
    found = [fault for fault in _findings(dockerfile, surroundings, options) if not _is_left_out(fault.rule, options)]
    return list(dict.fromkeys(found))


def _is_left_out(rule: str, options: CheckOptions) -> bool:
    return not RULES[rule].is_experimental and options.skips(rule)


def _findings(dockerfile: Dockerfile, surroundings: Surroundings, options: CheckOptions) -> Iterator[Fault]:
    yield from _empty_lines(dockerfile)
    yield from _casing(dockerfile)
    yield from _stage_names(dockerfile)
    for instruction in dockerfile.instructions:
        if instruction.name == "FROM":
            yield from _from(instruction)
        elif instruction.name == "MAINTAINER" and instruction.arguments:
            yield _maintainer(dockerfile, instruction)
    yield from _global_arguments(dockerfile, surroundings.build_args)
    if options.runs_experimental("InvalidDefinitionDescription"):
        yield from _descriptions(dockerfile)
    yield from stage_findings(dockerfile, surroundings, options)


def word_of(instruction: Instruction) -> str:
    """An instruction's word as written."""
    return instruction.text.split(None, 1)[0]


def _empty_lines(dockerfile: Dockerfile) -> Iterator[Fault]:
    instructions = list(dockerfile.instructions) if dockerfile.empty_lines else []
    starts = [instruction.line for instruction in instructions]
    for line in dockerfile.empty_lines:
        index = bisect(starts, line) - 1
        if index < 0:
            continue  # the instruction could not be parsed
        first = instructions[index]
        fix = Cure("Remove the empty line", r"^([ \t]*\r?\n)", "", every=True, line=first.line)
        yield replace(RULES["NoEmptyContinuation"].found(first, {}, fix=fix), line=line, end_line=line)


def _casing(dockerfile: Dockerfile) -> Iterator[Fault]:
    """All instructions after the first FROM are in lowercase, or all in capitals."""
    written = [
        (instruction, word_of(instruction))
        for stage in dockerfile.stages
        for instruction in (stage.start, *stage.instructions)
        if not instruction.faulty
    ]
    counted = Counter("lower" if word.islower() else "upper" for _, word in written if word.islower() or word.isupper())
    is_lower = counted["lower"] > counted["upper"]
    for instruction, word in written:
        better = word.lower() if is_lower else word.upper()
        if word != better:
            facts = {"word": word, "better": better, "casing": "lowercase" if is_lower else "capitals"}
            yield RULES["ConsistentInstructionCasing"].found(instruction, facts, fix=Cure.of_first_word(word, better))


def _from(start: Instruction) -> Iterator[Fault]:
    words = start.arguments
    if len(words) != _THREE or start.faulty:
        return
    name, better = words[2], lowered(words[2])
    if name != better:
        fix = Cure.of_word(name, better, after=r"[ \t\r]*\n?\Z")
        yield RULES["StageNameCasing"].found(start, {"name": name, "better": better}, fix=fix)
    first, word = word_of(start), words[1]
    better = word.lower() if first.islower() else word.upper()
    if (first.islower() or first.isupper()) and word != better:
        fix = Cure.of_word(word, better, after=rf"(?=\s+{re.escape(name)}[ \t\r]*\n?\Z)")
        yield RULES["FromAsCasing"].found(start, {"word": word, "first": first, "better": better}, fix=fix)


def _stage_names(dockerfile: Dockerfile) -> Iterator[Fault]:
    first: dict[str, Stage] = {}
    for stage in dockerfile.stages:
        if not stage.name:
            continue
        if stage.name in _RESERVED:
            yield RULES["ReservedStageName"].found(stage.start, {"name": stage.name})
        if stage.name in first:
            line = first[stage.name].start.line
            yield RULES["DuplicateStageName"].found(stage.start, {"name": stage.name}, line=line)
        first.setdefault(stage.name, stage)


def _maintainer(dockerfile: Dockerfile, instruction: Instruction) -> Fault:
    who, word = instruction.rest, word_of(instruction)
    bare = who[1:-1] if len(who) > 1 and who[0] == who[-1] == '"' else who
    quoted = re.sub(rf'(["$]|{re.escape(dockerfile.escape)})', lambda found: dockerfile.escape + found[1], bare)
    better = f'{"label" if word.islower() else "LABEL"} org.opencontainers.image.authors="{quoted}"'
    fix = Cure(f"Write {better}", rf"\A[ \t]*({re.escape(word)}\s+{re.escape(who)})(?=\s*\Z)", better)
    return RULES["MaintainerDeprecated"].found(instruction, {"better": better}, fix=fix)


def _global_arguments(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> Iterator[Fault]:
    """FROM: its variables are declared above, and make a valid name and platform."""
    known = dockerfile.arguments(build_args)
    declared = {
        argument.partition("=")[0]
        for instruction in dockerfile.preamble
        if instruction.name == "ARG"
        for argument in instruction.arguments
    } | set(PREDEFINED_ARGUMENTS)
    defined = {name: value for name, value in known.items() if name not in declared or value != ""}
    defaults: dict[str, str | None] = dict(dockerfile.arguments({}))
    for side in ("BUILD", "TARGET"):
        defaults |= {f"{side}{part}": value for part, value in _PLATFORM.items() if defaults[f"{side}{part}"] is None}
    for stage in dockerfile.stages:
        if stage.start.faulty or not stage.base:
            continue
        for word in filter(None, (stage.base, stage.platform)):
            expansion = expand_word(word, known, dockerfile.escape)
            yield from _undeclared(stage.start, expansion, declared)
        base = expand_word(stage.base, defaults, dockerfile.escape).text
        if base is not None and not is_reference(base):
            yield RULES["InvalidDefaultArgInFrom"].found(stage.start, {"base": stage.base})
        if stage.platform:
            yield from _platform(stage, expand_word(stage.platform, defined, dockerfile.escape), defined)


def _undeclared(start: Instruction, expansion: Expansion, declared: Collection[str]) -> Iterator[Fault]:
    for name in expansion.missing:
        if name in declared:
            continue
        likely = likely_variable(name, declared)
        fix = variable_renamed(name, likely) if likely else None
        cure = f"Did you mean {likely}?" if likely else ""
        yield RULES["UndefinedArgInFrom"].found(start, {"name": name}, cure=cure, fix=fix)


def _platform(stage: Stage, expansion: Expansion, defined: Mapping[str, str | None]) -> Iterator[Fault]:
    value = stage.platform
    if list(expansion.used) == ["TARGETPLATFORM"] and not expansion.missing:
        if value in ("$TARGETPLATFORM", "${TARGETPLATFORM}") or expansion.text == defined["TARGETPLATFORM"] is not None:
            fix = Cure("Leave it out", rf"(?<=\s)(--platform={re.escape(value)}\s+)", "")
            yield RULES["RedundantTargetPlatform"].found(stage.start, {"value": value}, fix=fix)
    elif not expansion.used and not expansion.missing and expansion.text:
        parts = _platform_parts(expansion.text)
        if parts and not any(part in stage.name for part in parts):
            yield RULES["FromPlatformFlagConstDisallowed"].found(stage.start, {"value": expansion.text})


def _platform_parts(value: str) -> tuple[str, ...]:
    """The operating system and the architecture of a platform; () if it is not one."""
    first, *others = value.split("/")
    system = _SYSTEM.fullmatch(first)
    if system is None or len(others) > 2 or not all(map(_SPECIFIER.fullmatch, others)):  # noqa: PLR2004 - os/arch/variant
        return ()
    found = [_ALIASES.get(part.lower(), part.lower()) for part in (system[1], *others[:1])]
    if others:
        return tuple(found)
    return tuple(found) if found[0] in _OSES or found[0] in _ARCHITECTURES else ()


def _descriptions(dockerfile: Dockerfile) -> Iterator[Fault]:
    """A comment right above a stage or an argument begins with its name.

    An empty line separates them, as the rule's page has it; BuildKit 0.25 overlooks that.
    """
    lines = dockerfile.text.removeprefix("\ufeff").split("\n")
    skipped = len(dockerfile.directives)
    above = 0  # the lines before are another instruction's
    for instruction in dockerfile.instructions:
        comment = ""
        for number in range(max(above, skipped), instruction.line - 1):
            line = lines[number].strip()
            if not line or line.startswith("#"):
                comment = line[1:].strip()
        above = instruction.end_line
        names = _defined(instruction)
        if comment and names and comment.split(" ")[0] not in names:
            facts = {"name": instruction.name, "example": names[0]}
            yield RULES["InvalidDefinitionDescription"].found(instruction, facts)


def _defined(instruction: Instruction) -> list[str]:
    """The names that an instruction defines, if it is FROM or ARG."""
    if instruction.name == "ARG":
        return [argument.partition("=")[0] for argument in instruction.arguments]
    words = instruction.arguments
    return [lowered(words[2])] if instruction.name == "FROM" and len(words) == _THREE else []
