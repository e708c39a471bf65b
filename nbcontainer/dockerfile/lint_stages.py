"""BuildKit's lint rules that depend on what a stage inherits and what its instructions have done before.

BuildKit runs them for the stages that it builds, and `--check` without a target for all. Variables that only the engine
knows count as defined; where a base image's variables are not known, no variable counts as undefined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbcontainer.dockerfile.check_options import CheckOptions
from nbcontainer.dockerfile.fixes import Cure, command_as_json, pair_with_equals, variable_renamed
from nbcontainer.dockerfile.lint_rules import RULES
from nbcontainer.dockerfile.stages import Dockerfile, Stage, is_heredoc, is_remote, mount_fields
from nbcontainer.dockerfile.text import Fault, Instruction
from nbcontainer.dockerfile.variables import Expansion, expand_word
from nbcontainer.dockerfile.words import likely_variable
from nbcontainer.model.references import is_reference, parse_reference

if TYPE_CHECKING:
    from nbcontainer.dockerfile.lint import Surroundings

_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE | re.ASCII
)
_PUBLIC = re.compile(r"(?:_|^)public(?:_|$)", re.IGNORECASE | re.ASCII)
_NOT_IN_ENVIRONMENT = ("BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE")
_PLAIN_BASES = ("alpine", "busybox", "debian", "ubuntu")  # official images that set nothing but PATH
_DRIVE = re.compile(r"[A-Za-z]:")
_MOST_GUESSES = 20  # names that are compared with all variables
_MISSING = object()


@dataclass(slots=True)
class _Inherited:
    """What a stage has from its base, beside variables.

    Attributes:
        is_open: whether the base image may set variables that are not known.
        workdir: whether a WORKDIR of this text came before.
        shell: whether a SHELL did.
        is_windows: whether the platform may be Windows.
        once: the instructions of this stage of which only the last counts, by name.
    """

    is_open: bool
    workdir: bool = False
    shell: bool = False
    is_windows: bool = False
    once: dict[str, Instruction] = field(default_factory=dict)


def stage_findings(dockerfile: Dockerfile, surroundings: Surroundings, options: CheckOptions) -> Iterator[Fault]:
    """What the rules find in the stages that BuildKit checks."""
    build_args = surroundings.build_args
    built = dockerfile.reachable(surroundings.target, build_args)
    checked = dockerfile.stages if surroundings.every_stage else built
    wanted = {stage.index for stage in checked if not stage.name or stage.name not in surroundings.build_contexts}
    children: dict[int, list[Stage]] = {}
    first: list[Stage] = []
    for stage in dockerfile.stages:
        parent = dockerfile.parent(stage, build_args)
        (first if parent is None else children.setdefault(parent.index, [])).append(stage)
    walk = _Walk(dockerfile, surroundings, options, {stage.index for stage in built})
    for stage in first:
        yield from walk.family(stage, children, wanted)


class _Walk:
    """Goes through a stage, then through those that are built from it: the variables are those of the current one."""

    def __init__(
        self, dockerfile: Dockerfile, surroundings: Surroundings, options: CheckOptions, built: Collection[int]
    ) -> None:
        self._dockerfile = dockerfile
        self._surroundings = surroundings
        self._options = options
        self._built = built
        self._escape = dockerfile.escape
        self._global = dockerfile.arguments(surroundings.build_args)
        self._known: dict[str, str | None] = {}
        self._declared: dict[str, str | None] = {}
        self._undo: list[tuple[dict[str, str | None], str, object]] = []
        self._guesses = 0
        self._judges: dict[str, Callable[[Instruction, _Inherited], Iterator[Fault]]] = {
            "ENV": self._pairs,
            "LABEL": self._pairs,
            "ARG": self._argument,
            "WORKDIR": self._workdir,
            "SHELL": self._shell,
            "EXPOSE": self._expose,
            "CMD": self._command,
            "ENTRYPOINT": self._command,
            "HEALTHCHECK": self._command,
            "COPY": self._ignored,
            "ADD": self._ignored,
        }

    def family(self, stage: Stage, children: Mapping[int, list[Stage]], wanted: Collection[int]) -> Iterator[Fault]:
        """The findings of a stage that is built from an image, and of those that are built from it."""
        waiting: list[tuple[Stage, _Inherited, Stage | None] | int] = [len(self._undo)]
        waiting.append((stage, self._of_image(stage), None))
        while waiting:
            entry = waiting.pop()
            if isinstance(entry, int):
                self._back_to(entry)
                continue
            current, inherited, parent = entry
            waiting.append(len(self._undo))
            if parent is None and not inherited.is_windows:
                self._set(self._known, "PATH", None)
            inherited = replace(inherited, is_windows=inherited.is_windows or "windows" in current.platform)
            found = list(self._stage(current, inherited, parent))
            if current.index in wanted:
                yield from found
            if current.name and current.name in self._surroundings.build_contexts:
                inherited.is_open = True  # the context takes the stage's place
            waiting += [(child, replace(inherited), current) for child in children.get(current.index, ())]

    def _of_image(self, stage: Stage) -> _Inherited:
        base = self._dockerfile.base(stage, self._surroundings.build_args)
        variables = None if base is None or base in self._surroundings.build_contexts else self._variables(base)
        for name in variables or ():
            self._set(self._known, name, None)
        return _Inherited(is_open=variables is None)

    def _variables(self, base: str) -> Collection[str] | None:
        if base == "scratch":
            return ()
        if is_reference(base) and str(replace(parse_reference(base), tag="", digest="")) in _PLAIN_BASES:
            return ("PATH",)
        return self._surroundings.variables(base) if self._surroundings.variables else None

    def _set(self, where: dict[str, str | None], name: str, value: str | None) -> None:
        self._undo.append((where, name, where.get(name, _MISSING)))
        where[name] = value

    def _back_to(self, count: int) -> None:
        while len(self._undo) > count:
            where, name, value = self._undo.pop()
            if value is _MISSING:
                del where[name]
            else:
                where[name] = value  # type: ignore[assignment]

    def _stage(self, stage: Stage, inherited: _Inherited, parent: Stage | None) -> Iterator[Fault]:
        inherited.once = {}
        for instruction in (*self._triggered(parent, stage), *stage.instructions):
            if instruction.faulty or instruction.trigger is not None:
                continue
            yield from self._undefined(instruction, inherited)
            judge = self._judges.get(instruction.name)
            if judge is not None:
                yield from judge(instruction, inherited)

    def _triggered(self, parent: Stage | None, stage: Stage) -> Iterator[Instruction]:
        """What ONBUILD of the stage above adds to one that is built; BuildKit names the line of FROM for it."""
        if parent is None or stage.index not in self._built:
            return
        for instruction in parent.instructions:
            if instruction.trigger is not None and not instruction.faulty:
                yield replace(instruction.trigger, line=stage.start.line, end_line=stage.start.end_line)

    def _expand(self, word: str, *, raw: bool = False, split: bool = False) -> Expansion:
        return expand_word(word, self._known, "\\" if raw else self._escape, raw=raw, split=split)

    def _undefined(self, instruction: Instruction, inherited: _Inherited) -> Iterator[Fault]:
        """Variables that are neither set nor declared."""
        if inherited.is_open or ("$" not in instruction.text and not instruction.heredocs):
            return
        found: dict[str, None] = {}
        for word in _expanded(instruction):
            if "$" in word:
                found |= self._expand(word).missing
        if instruction.name in ("COPY", "ADD"):
            for heredoc in instruction.heredocs:
                if heredoc.expand and "$" in heredoc.content:
                    found |= self._expand(heredoc.content, raw=True).missing
        yield from self._missing(instruction, found)

    def _missing(self, instruction: Instruction, names: Mapping[str, None]) -> Iterator[Fault]:
        for name in names:
            if name in self._declared or name in _NOT_IN_ENVIRONMENT:
                continue
            likely = ""
            if self._guesses < _MOST_GUESSES and name:
                self._guesses += 1
                likely = likely_variable(name, {**self._known, **self._declared})
            facts = {"instruction": instruction.name, "name": name}
            yield RULES["UndefinedVar"].found(
                instruction,
                facts,
                cure=f"Did you mean ${likely}?" if likely else "",
                fix=variable_renamed(name, likely) if likely else None,
            )

    def _pairs(self, instruction: Instruction, _: _Inherited) -> Iterator[Fault]:
        words = instruction.arguments
        pairs = list(zip(words[::3], words[1::3], words[2::3], strict=False))
        if pairs and pairs[0][2] == "":
            yield self._old_form(instruction, *pairs[0][:2])
        if instruction.name == "LABEL":
            return
        read = [(self._expand(key).text, self._expand(value).text) for key, value, _ in pairs]
        for key, value in read:
            if key is not None:
                yield from _secret(instruction, key)
                self._set(self._known, key, value)

    def _old_form(self, instruction: Instruction, key: str, value: str) -> Fault:
        rule, facts = RULES["LegacyKeyValueFormat"], {"name": instruction.name, "key": key}
        fix = pair_with_equals(instruction, key, value, self._escape)
        return rule.found(instruction, facts, cure=f"{fix.title}." if fix else "", fix=fix)

    def _argument(self, instruction: Instruction, inherited: _Inherited) -> Iterator[Fault]:
        given = self._surroundings.build_args
        for argument in instruction.arguments:
            name, equals, default = argument.partition("=")
            yield from _secret(instruction, name)
            value: str | object | None = _MISSING
            if name in given:
                value = given[name]
            elif equals:
                expansion = self._expand(default)
                value = expansion.text
                if not inherited.is_open:
                    yield from self._missing(instruction, expansion.missing)
            elif name in self._global and self._global[name] != "":
                value = self._global[name]
            if value is not _MISSING and name not in _NOT_IN_ENVIRONMENT:
                self._set(self._known, name, value)  # type: ignore[arg-type]
            self._set(self._declared, name, None)

    def _workdir(self, instruction: Instruction, inherited: _Inherited) -> Iterator[Fault]:
        was_set, inherited.workdir = inherited.workdir, True
        if was_set or inherited.is_windows:
            return
        expansion = self._expand(instruction.rest)
        path = expansion.text
        is_unsure = inherited.is_open and (expansion.missing or (path and _DRIVE.match(path)))
        if path is None or path.startswith("/") or is_unsure:
            return
        fix = None
        if not inherited.is_open and re.fullmatch(r"\w[\w./-]*", instruction.rest):
            fix = Cure.of_word(instruction.rest, f"/{instruction.rest}")  # no base image that is known has a directory
        cure = f"Write /{instruction.rest}." if fix else ""
        yield RULES["WorkdirRelativePath"].found(instruction, {"path": instruction.rest}, cure=cure, fix=fix)

    def _shell(self, _: Instruction, inherited: _Inherited) -> Iterator[Fault]:
        inherited.shell = True
        yield from ()

    def _command(self, instruction: Instruction, inherited: _Inherited) -> Iterator[Fault]:
        name = instruction.name
        if name in inherited.once:
            yield RULES["MultipleInstructionsDisallowed"].found(inherited.once[name], {"name": name})
        inherited.once[name] = instruction
        if name == "HEALTHCHECK" or instruction.is_json or inherited.shell:
            return
        fix = command_as_json(instruction)
        cure = f"{fix.title}." if fix else ""
        yield RULES["JSONArgsRecommended"].found(instruction, {"name": name}, cure=cure, fix=fix)

    def _expose(self, instruction: Instruction, inherited: _Inherited) -> Iterator[Fault]:
        for word in instruction.arguments:
            expansion = self._expand(word, split=True)
            if expansion.text is None or (expansion.missing and inherited.is_open):
                continue
            for port in expansion.words:
                host, colon, rest = port.rpartition(":")
                ports, protocol = rest.partition("/")[::2]
                lower = f"{host}{colon}{ports}/{protocol.lower()}"
                if protocol != protocol.lower() and protocol.lower() in ("tcp", "udp", "sctp"):
                    fix = Cure.of_word(port, lower)
                    yield RULES["ExposeProtoCasing"].found(instruction, {"word": port, "better": lower}, fix=fix)
                if host.strip(":"):
                    fix = Cure.of_word(port, rest.lower())
                    facts = {"word": port, "better": rest.lower()}
                    yield RULES["ExposeInvalidFormat"].found(instruction, facts, fix=fix)

    def _ignored(self, instruction: Instruction, _: _Inherited) -> Iterator[Fault]:
        is_ignored = self._surroundings.is_ignored
        if is_ignored is None or not self._options.runs_experimental("CopyIgnoredFile") or instruction.flag("from"):
            return
        for word in instruction.arguments[:-1]:
            path = None if is_heredoc(word) else self._expand(word).text
            if path and not is_remote(path) and is_ignored(path):
                yield RULES["CopyIgnoredFile"].found(instruction, {"name": instruction.name, "path": path})


def _expanded(instruction: Instruction) -> Iterator[str]:
    """The words of an instruction in which BuildKit fills in variables before it looks at them; ARG comes later."""
    match instruction.name:
        case "ENV" | "LABEL":
            words = instruction.arguments
            yield from (word for index, word in enumerate(words) if index % 3 < 2)  # noqa: PLR2004 - key, value, "="
        case "COPY" | "ADD":
            for name in ("chown", "chmod", *(["checksum"] if instruction.name == "ADD" else [])):
                yield instruction.flag(name) or ""
            yield from (word for word in instruction.arguments if not is_heredoc(word))
        case "WORKDIR" | "USER" | "STOPSIGNAL":
            yield instruction.rest
        case "VOLUME":
            yield from instruction.arguments
        case "RUN":
            for mount in instruction.flag_values("mount"):
                yield from mount_fields(mount).values()


def _secret(instruction: Instruction, key: str) -> Iterator[Fault]:
    if _SECRET.search(key) and not _PUBLIC.search(key):
        yield RULES["SecretsUsedInArgOrEnv"].found(instruction, {"name": instruction.name, "key": key})
