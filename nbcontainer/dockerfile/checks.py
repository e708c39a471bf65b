"""What is wrong with a Dockerfile, as far as its text alone shows: all problems at once.

An error here is one in BuildKit too (frontend/dockerfile: instructions/parse.go, dockerfile2llb/convert.go); what
BuildKit accepts is a warning at most. BuildKit checks only the stages that it builds: errors in others are warnings.
A `# syntax=` line hands the text to another frontend, which may know more words: unknown ones are only warnings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from nbcontainer.dockerfile.check_options import check_options
from nbcontainer.dockerfile.fixes import Cure, Lines, variable_renamed
from nbcontainer.dockerfile.flags import flag_faults
from nbcontainer.dockerfile.lint import Surroundings, lint
from nbcontainer.dockerfile.lint_rules import RULES
from nbcontainer.dockerfile.rules import instruction_faults
from nbcontainer.dockerfile.stages import Dockerfile, Stage, open_quote
from nbcontainer.dockerfile.text import Fault, Instruction
from nbcontainer.dockerfile.variables import expand_word
from nbcontainer.dockerfile.words import likely_variable, nearest
from nbcontainer.errors import Problem

# what our own rules say of a line better than those of BuildKit
_SAY_THE_SAME = {"json": ("JSONArgsRecommended",), "base": ("UndefinedArgInFrom", "InvalidDefaultArgInFrom")}
_COMPARED = 50  # stages before and after one, whose names are compared with a misspelt one


def check(
    dockerfile: Dockerfile,
    *,
    target: str = "",
    build_args: Mapping[str, str] | None = None,
    build_contexts: Collection[str] = (),
    every_stage: bool = True,
    variables: Callable[[str], Collection[str] | None] | None = None,
    is_ignored: Callable[[str], bool] | None = None,
) -> list[Problem]:
    """Every problem of a Dockerfile, in the order of its lines, which are the user's own.

    Args:
        dockerfile: the parsed text.
        target: the stage to build, "" for the last.
        build_args: by name; FROM lines may use them.
        build_contexts: the names of additional build contexts, which `--from` may use like stages.
        every_stage: whether BuildKit's rules are checked in stages that are not built too.
        variables: returns the names of the variables that an image sets, or None where it does not know.
        is_ignored: whether `.dockerignore` leaves out a path of the build context.
    """
    arguments = build_args or {}
    foreign = dockerfile.syntax or arguments.get("BUILDKIT_SYNTAX", "")
    faults = list(dockerfile.faults)
    faults += _order(dockerfile)
    built = {stage.index for stage in dockerfile.reachable(target, arguments)}
    for stage in dockerfile.stages:
        faults += _stage(dockerfile, stage, arguments)
        for instruction in stage.instructions:
            faults += _instruction(instruction, built=stage.index in built)
            faults += _quotes(dockerfile, instruction, built=stage.index in built)
            faults += _sources(dockerfile, stage, instruction, build_contexts, built=stage.index in built)
    for instruction in dockerfile.preamble:
        faults += _instruction(instruction, built=True)
    options = check_options(dockerfile.directives.get("check", ""), arguments)
    if _is_ours(foreign):
        surroundings = Surroundings(target, arguments, build_contexts, every_stage, variables, is_ignored)
        said = {(rule, fault.line) for fault in faults for rule in _SAY_THE_SAME.get(fault.rule, ())}
        found = lint(dockerfile, surroundings, options)
        faults += [fault for fault in found if (fault.rule, fault.line) not in said]
    lines = Lines(dockerfile.text, dockerfile.source_map)
    problems = [_problem(dockerfile, fault, foreign, lines) for fault in faults]
    if target and not target.isdecimal() and dockerfile.stages and dockerfile.stage(target) is None:
        problems.append(_target(dockerfile, target))
    problems.sort(key=lambda problem: problem.line)
    return problems


def _is_ours(foreign: str) -> bool:
    """Whether the frontend is BuildKit's own, or a release of it; others have rules of their own."""
    return not foreign or foreign.removeprefix("docker.io/").startswith(("docker/dockerfile", "moby/dockerfile"))


def _problem(dockerfile: Dockerfile, fault: Fault, foreign: str, lines: Lines) -> Problem:
    severity = fault.severity
    if foreign and (fault.unknown or not _is_ours(foreign)):
        severity = "warning"
    own = dockerfile.source_map.own
    return Problem(
        own(fault.line),
        fault.message,
        severity,
        own(fault.end_line),
        fault.suggestion.replace("{line}", str(own(fault.other_line))),
        fault.rule,
        RULES[fault.rule].link if fault.rule in RULES else "",
        lines.fix(fault.cure, fault.line, fault.end_line) if fault.cure else None,
    )


def _target(dockerfile: Dockerfile, target: str) -> Problem:
    names = [stage.name for stage in dockerfile.stages if stage.name]
    likely = nearest(target, names)
    if likely:
        suggestion = f"Did you mean {likely}?"
    elif names:
        suggestion = f"Stages: {', '.join(names)}."
    else:
        suggestion = "No stage has a name; give it one with FROM … AS NAME."
    return Problem(1, f"`--target`: there is no stage {target}", end_line=1, suggestion=suggestion)


def _order(dockerfile: Dockerfile) -> Iterator[Fault]:
    """A Dockerfile begins with FROM; only ARG may come before it."""
    first = next((item for item in dockerfile.preamble if item.name != "ARG"), None)
    if first is not None:
        yield first.fault(f"{first.name} comes before the first FROM",
                    "A Dockerfile begins with FROM IMAGE; only ARG may come before it.")  # fmt: skip
    elif not dockerfile.stages and not any(fault.severity == "error" for fault in dockerfile.faults):
        last = max(1, len(dockerfile.text.rstrip("\n").split("\n"))) if dockerfile.text.strip() else 1
        what = "there is no FROM" if dockerfile.preamble else "the Dockerfile is empty"
        yield Fault(last, last, what, "Begin with FROM IMAGE, such as FROM busybox.")


def _instruction(instruction: Instruction, *, built: bool) -> Iterator[Fault]:
    if instruction.trigger is not None and not instruction.faulty:
        yield from _trigger(instruction, instruction.trigger)
        return
    found = [] if instruction.faulty else [*instruction_faults(instruction), *flag_faults(instruction)]
    for fault in found:
        late = fault.rule == "late" and fault.severity == "error"
        yield _soften(fault, "") if late and not built else fault


def _quotes(dockerfile: Dockerfile, instruction: Instruction, *, built: bool) -> Iterator[Fault]:
    """Quotes that are not closed, where BuildKit reads them as a shell does."""
    if instruction.faulty or instruction.name not in ("ENV", "LABEL", "ARG"):
        return
    for word in instruction.arguments:
        read = word.partition("=")[2] if instruction.name == "ARG" else word  # for ARG only the value
        quote = open_quote(read, dockerfile.escape)
        if quote:
            yield instruction.fault(
                f"{instruction.name}: the quote in {word} is not closed",
                f"Close it, or write {dockerfile.escape}{quote} for the character itself.",
                rule="late",
                severity="error" if built else "warning",
            )
            return


def _trigger(instruction: Instruction, trigger: Instruction) -> Iterator[Fault]:
    """ONBUILD: BuildKit checks only the trigger's name; the rest when an image is built FROM this one."""
    if trigger.name == "ONBUILD":
        yield instruction.fault("ONBUILD cannot trigger another ONBUILD")
    elif trigger.name in ("FROM", "MAINTAINER"):
        yield instruction.fault(f"ONBUILD cannot trigger {trigger.name}")
    else:
        for fault in (*instruction_faults(trigger), *flag_faults(trigger)):
            yield _soften(fault, "ONBUILD ")


def _soften(fault: Fault, prefix: str) -> Fault:
    return replace(fault, message=prefix + fault.message, severity="warning")


def _stage(dockerfile: Dockerfile, stage: Stage, build_args: Mapping[str, str]) -> Iterator[Fault]:
    start = stage.start
    if start.faulty:
        return
    yield from instruction_faults(start)
    yield from flag_faults(start)
    if stage.base:
        known = dockerfile.arguments(build_args)
        expansion = expand_word(stage.base, known, dockerfile.escape)
        if "$" in stage.base and expansion.text == "":
            name = next(iter(expansion.missing), "")
            likely = likely_variable(name, known)
            hint = "Declare the argument, with a default, by ARG before the first FROM."
            yield start.fault(
                f"FROM {stage.base} names no image",
                f"Did you mean ${likely}?" if likely else hint,
                rule="base",
                cure=variable_renamed(name, likely) if likely else None,
            )


def _sources(
    dockerfile: Dockerfile, stage: Stage, instruction: Instruction, build_contexts: Collection[str], *, built: bool
) -> Iterator[Fault]:
    """`--from` names a stage that comes earlier, by name or number, or else an image."""
    if instruction.faulty or instruction.trigger is not None or instruction.name == "ADD":
        return
    for source in dockerfile.sources(instruction):
        found = dockerfile.source_stage(instruction, source)
        if source in build_contexts:
            continue
        if found is None:
            yield from _no_stage(dockerfile, stage, instruction, source)
        elif found.index == stage.index:
            yield instruction.fault(f"--from={source}: a stage cannot copy from itself")
        elif found.index > stage.index:
            yield instruction.fault(
                f"--from={source}: the stage comes later",
                "It begins on line {line}; put it before this one.",
                severity="error" if built else "warning",
                other_line=found.start.line,
            )


def _no_stage(dockerfile: Dockerfile, stage: Stage, instruction: Instruction, source: str) -> Iterator[Fault]:
    if "$" in source:
        if instruction.name == "COPY":
            hint = "Name a stage for it: ARG IMAGE before the first FROM, then FROM $IMAGE AS NAME."
            yield instruction.fault("--from does not take variables", hint)
    elif source.isdecimal():
        if instruction.name == "COPY":
            hint = f"The stages are 0 to {len(dockerfile.stages) - 1}."
            yield instruction.fault(f"--from={source}: there is no such stage", hint)
    else:
        near = dockerfile.stages[max(0, stage.index - _COMPARED) : stage.index + _COMPARED]
        names = [other.name for other in near if other.name and other.index != stage.index]
        likely = nearest(source, names, cutoff=0.75)
        if likely:
            message = f"--from={source} is not a stage; it is taken for an image"
            cure = Cure.of_word(source, likely, before="from=", after=r"(?![^\s,])")
            yield instruction.fault(message, f"Did you mean {likely}?", rule="from", severity="warning", cure=cure)
