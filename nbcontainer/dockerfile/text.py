"""Dockerfile text → instructions with their lines.

The parser is BuildKit's own, ported to Python: the package e2b-dockerfile-utils. It stops at the first fault; here a
faulty instruction is skipped (or read as the word that it resembles) and parsing continues, to find all faults of a
text at once. It also does not look into ONBUILD; here the trigger is parsed as the instruction it is.

All lines in this module are Dockerfile lines, counted from 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from e2b_dockerfile_utils import (
    DockerfileAst,
    DockerfileInstruction,
    DockerfileSyntaxError,
    parse_dockerfile_ast,
)

from nbcontainer.dockerfile.fixes import Cure
from nbcontainer.dockerfile.words import INSTRUCTIONS, nearest

MOST_FAULTS = 50  # a text with more is not a Dockerfile; each costs another pass

_LINES = re.compile(r"[^\n]*\n|[^\n]+$")
_BLANKS = re.compile(r"\s{2,}")
_WHITESPACE = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"^(?:#|//)\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_SPACES = " \t\v\f\r\n\x85\xa0"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one instruction, regardless of the rest.

    Attributes:
        unknown: whether the only fault is an unknown word (another frontend may know it).
        other_line: the line that replaces "{line}" in `suggestion`.
        cure: what to replace, where that is obvious.
    """

    line: int
    end_line: int
    message: str
    suggestion: str = ""
    unknown: bool = False
    rule: str = ""
    severity: str = "error"
    other_line: int = 0
    cure: Cure | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as written; `value` is None where there is no "="."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document of an instruction."""

    name: str
    content: str
    expand: bool


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        name: the instruction's word in capitals.
        text: the whole instruction on one line: continuation lines joined, heredocs without their content.
        rest: `text` without the word and its flags.
        arguments: the rest in words, as BuildKit splits it for this instruction; for ENV and LABEL a key, a value and
            "=" or "" in turn.
        is_json: whether the rest is a JSON array, the exec form.
        line: its first line, from 1.
        end_line: its last line, heredocs included.
        trigger: the instruction of an ONBUILD.
        faulty: whether its word was guessed, so that the rest should not be checked.
    """

    name: str
    text: str
    rest: str
    flags: tuple[Flag, ...]
    arguments: tuple[str, ...]
    is_json: bool
    heredocs: tuple[Heredoc, ...]
    line: int
    end_line: int
    trigger: Instruction | None = None
    faulty: bool = False

    @property
    def title(self) -> str:
        """The instruction on one line for display: spaces collapsed, the first line of a heredoc in parentheses."""
        title = " ".join(self.text.split())
        first = next((line.strip() for heredoc in self.heredocs for line in heredoc.content.splitlines()
                      if line.strip()), "")  # fmt: skip
        return f"{title} ({first} …)" if first else title

    def fault(
        self,
        message: str,
        suggestion: str = "",
        rule: str = "",
        *,
        severity: str = "error",
        unknown: bool = False,
        other_line: int = 0,
        cure: Cure | None = None,
    ) -> Fault:
        """A fault of this instruction."""
        return Fault(self.line, self.end_line, message, suggestion, unknown, rule, severity, other_line, cure)

    def warning(self, message: str, suggestion: str = "", rule: str = "", *, other_line: int = 0) -> Fault:
        """A fault that does not stop BuildKit from building."""
        return self.fault(message, suggestion, rule, severity="warning", other_line=other_line)

    def flag(self, name: str) -> str | None:
        """The value of a flag, "" where it has none, None where it is not given."""
        return next((flag.value or "" for flag in self.flags if flag.name == name), None)

    def flag_values(self, name: str) -> tuple[str, ...]:
        """The values of a flag that may be repeated."""
        return tuple(flag.value or "" for flag in self.flags if flag.name == name)


@dataclass(slots=True)
class Parsed:
    """The instructions of a text and what is wrong with them.

    Attributes:
        empty_lines: the last lines of instructions that are continued over an empty line.
    """

    instructions: list[Instruction] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    empty_lines: list[int] = field(default_factory=list)
    escape: str = "\\"
    directives: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Repairs:
    """The text's lines while faults are removed, and what was changed in them."""

    lines: list[str]
    escape: str = "\\"
    faults: list[Fault] = field(default_factory=list)
    triggers: dict[int, str] = field(default_factory=dict)  # line → the ONBUILD instruction whose word was removed
    opened: dict[int, str] = field(default_factory=dict)  # line → it with the word ONBUILD
    closed: set[int] = field(default_factory=set)  # lines whose trigger cannot be parsed
    guessed: set[int] = field(default_factory=set)

    def last_line(self, line: int) -> int:
        """The last line of the instruction that begins on `line`, heredocs not included."""
        token = re.escape(self.escape)
        goes_on = re.compile(f"(?:[^{token}]|^){token}[ \\t]*$")
        index = line - 1
        while index < len(self.lines) - 1:
            bare = self.lines[index].rstrip("\r\n")
            skipped = index > line - 1 and (not bare.strip() or bare.lstrip().startswith("#"))
            if not skipped and not goes_on.search(bare):
                break
            index += 1
        return index + 1

    def set_aside(self, line: int, end_line: int) -> None:
        """Blank out lines, so that the next pass skips them."""
        for index in range(line - 1, min(end_line, len(self.lines))):
            self.lines[index] = "\n"


def parse_text(text: str) -> Parsed:
    """Parse a Dockerfile. Never raises: what cannot be parsed is in `faults`."""
    repairs = _Repairs(_short_head(_LINES.findall(text.removeprefix("\ufeff"))))
    parsed = Parsed(faults=repairs.faults, directives=_directives(repairs.lines))
    repairs.escape = parsed.directives.get("escape", "\\")
    nodes: list[DockerfileInstruction] = []
    head, start = "", 0  # what comes before line `start` is parsed, and is not parsed again
    while len(repairs.faults) < MOST_FAULTS:
        ast, error = _try(repairs.lines[start:], head, start)
        line = len(repairs.lines) + 1 if error is None else min(max(error.line or 1, 1), len(repairs.lines))
        if error is not None:
            ast, _error = _try(repairs.lines[start : line - 1], head, start)
        if _open_triggers(repairs, ast):
            continue
        nodes += ast.instructions
        parsed.escape = ast.escape_token
        parsed.empty_lines += [warning.line for warning in ast.warnings]
        if error is None:
            break
        head, start = f"# escape={parsed.escape}\n#\n", line - 1
        _repair(repairs, line, str(error))
    else:
        nodes = []
    parsed.instructions = [_instruction(node, repairs, parsed.escape) for node in nodes]
    return parsed


def _short_head(lines: list[str]) -> list[str]:
    """Shorten the blanks in a text's first comments: the parser's expression for directives is quadratic in them."""
    for index, line in enumerate(lines):
        if not line.lstrip().startswith(("#", "//")):
            break
        lines[index] = _BLANKS.sub(" ", line.rstrip("\n")) + "\n"
    return lines


def _try(lines: list[str], head: str, before: int) -> tuple[DockerfileAst, DockerfileSyntaxError | None]:
    """Parse lines that have `before` others before them; `head` is what they need to know of those."""
    offset = before - head.count("\n")
    try:
        ast = parse_dockerfile_ast(head + "".join(lines))
    except DockerfileSyntaxError as error:
        error.line = (error.line or 1) + offset
        return DockerfileAst([], "\\"), error
    except (ValueError, RecursionError):
        # a JSON array that is nested too deeply, or a number with too many digits: neither is an exec form
        located = _locate(lines, head)
        located.line = (located.line or 1) + before
        return DockerfileAst([], "\\"), located
    if offset:
        for node in ast.instructions:
            node.start_line += offset
            node.end_line += offset
        for warning in ast.warnings:
            warning.line += offset
    return ast, None


def _locate(lines: list[str], head: str) -> DockerfileSyntaxError:
    """Find the line at which the parser breaks down without naming one."""
    low, high = 0, len(lines)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            parse_dockerfile_ast(head + "".join(lines[:middle]))
        except DockerfileSyntaxError:
            low = middle
        except (ValueError, RecursionError):
            high = middle
        else:
            low = middle
    return DockerfileSyntaxError("this JSON array cannot be read", high)


def _directives(lines: list[str]) -> dict[str, str]:
    """The parser directives at the head of a text: `# syntax=`, `# escape=`, `# check=`."""
    found: dict[str, str] = {}
    for index, line in enumerate(lines):
        if index == 0 and line.startswith("#!"):
            continue
        match = _DIRECTIVE.match(line.strip())
        key = match[1].lower() if match else ""
        if match is None or key not in ("syntax", "escape", "check"):
            break
        if key == "escape" and (match[2] not in ("\\", "`") or line.lstrip().startswith("//")):
            continue
        found.setdefault(key, match[2])
    return found


def _open_triggers(repairs: _Repairs, ast: DockerfileAst) -> bool:
    """Remove the word ONBUILD from its instruction, so that the trigger itself is parsed, including heredocs."""
    opened = False
    for node in ast.instructions:
        line = node.start_line
        if node.name != "ONBUILD" or not node.original.strip()[len("ONBUILD") :].strip():
            continue
        if line in repairs.triggers or line in repairs.closed:
            continue  # ONBUILD ONBUILD: a fault, which `check` reports; or one that cannot be parsed
        word = node.original.strip()[len("ONBUILD") :].split(None, 1)[0]
        if word.upper() not in INSTRUCTIONS:
            continue  # `check` reports it
        physical = repairs.lines[line - 1]
        bare = re.sub(r"(?i)^(\s*)ONBUILD(?=\s)[ \t\v\f\r]*", r"\1", physical, count=1)
        if bare == physical:
            continue  # the word itself is continued over lines: leave it unopened
        repairs.lines[line - 1] = bare
        repairs.triggers[line] = node.original
        repairs.opened[line] = physical
        opened = True
    return opened


def _repair(repairs: _Repairs, line: int, error: str) -> None:
    """Record the fault at `line`, and change the lines so that the next pass gets past it."""
    end_line = repairs.last_line(line)
    word = _WHITESPACE.split(repairs.lines[line - 1].strip(), maxsplit=1)[0]  # a no-break space is part of it
    message = error.partition(": ")[2] if error.startswith("Dockerfile parse error") else error
    if word.upper() in INSTRUCTIONS or word.startswith(("#", "//")) or not word:
        if "heredoc" in message and line not in repairs.guessed:
            repairs.faults.append(_open_heredoc(repairs, line))
            repairs.set_aside(line, len(repairs.lines))
            return
        if line in repairs.triggers:
            # BuildKit does not parse a trigger until an image is built FROM this one
            repairs.faults.append(Fault(line, end_line, f"ONBUILD {_plain(message, word)}", severity="warning"))
            repairs.lines[line - 1] = repairs.opened[line]
            repairs.closed.add(line)
            del repairs.triggers[line]
            return
        if line not in repairs.guessed:
            repairs.faults.append(Fault(line, end_line, _plain(message, word)))
        repairs.set_aside(line, end_line)
        return
    likely = nearest(word, INSTRUCTIONS)
    better = likely.lower() if word.islower() else likely
    cure = Cure.of_first_word(word, better) if likely and line not in repairs.triggers else None
    if not likely and "\xa0" in word:
        cure = Cure("Write a space", r"\A[ \t]*[A-Za-z]+(\xa0)", " ")
    repairs.faults.append(
        Fault(line, end_line, f"unknown instruction: {word}", did_you_mean(word), unknown=True, cure=cure)
    )
    if likely and not word.endswith(repairs.escape):
        repairs.guessed.add(line)
        repairs.lines[line - 1] = repairs.lines[line - 1].replace(word, likely, 1)
    else:
        repairs.set_aside(line, end_line)


def did_you_mean(word: str) -> str:
    """What an unknown instruction may have been meant for, as a sentence, or ""."""
    likely = nearest(word, INSTRUCTIONS)
    if likely:
        return f"Did you mean {likely}?"
    if not word.isascii() and nearest(word.partition("\xa0")[0], INSTRUCTIONS):
        return "There is a no-break space in place of a space."
    if word in ("&&", "||", "|", ";") or word.startswith("-"):
        return "Is a \\ missing at the end of the line above?"
    return ""


def _plain(message: str, word: str) -> str:
    """The parser's message without Go's prefixes."""
    message = message.removeprefix("Syntax error - ")
    return message if message.startswith(word.upper()) or not word else f"{word.upper()}: {message}"


def _open_heredoc(repairs: _Repairs, line: int) -> Fault:
    first = repairs.lines[line - 1]
    names = [name.strip("\"'") for name in re.findall(r"<<-?\s*([^\s<;&|]+)", first)]
    for number in range(line + 1, len(repairs.lines) + 1):
        bare = repairs.lines[number - 1].rstrip("\r\n")
        if bare.strip() in names and bare not in names:
            return Fault(
                line,
                number,
                f"heredoc {bare.strip()} is not closed",
                f"There are spaces around {bare.strip()} on line {{line}}.",
                other_line=number,
                cure=Cure(f"Write {bare.strip()} alone", rf"^({re.escape(bare)})(?=\r?$)", bare.strip()),
            )
    name = names[0] if names else "EOF"
    return Fault(line, len(repairs.lines), f"heredoc {name} is not closed", f"A line with only {name} must end it.")


def _instruction(node: DockerfileInstruction, repairs: _Repairs, escape: str) -> Instruction:
    rest = "" if node.name not in INSTRUCTIONS else _rest(node.original, escape)
    arguments = tuple(node.args)
    if node.name in ("ADD", "COPY") and not node.json:
        arguments = tuple(_WHITESPACE.split(rest)) if rest else ()  # BuildKit ignores quotes here
    flags = []
    for flag in node.flags:
        name, equals, value = flag.removeprefix("--").partition("=")
        flags.append(Flag(name, value if equals else None))
    instruction = Instruction(
        name=node.name,
        text=node.original.strip(),
        rest=rest,
        flags=tuple(flags),
        arguments=arguments,
        is_json=node.json,
        heredocs=tuple(Heredoc(doc.name, doc.content, doc.expand) for doc in node.heredocs),
        line=node.start_line,
        end_line=node.end_line,
        faulty=node.start_line in repairs.guessed,
    )
    outer = repairs.triggers.get(node.start_line)
    if outer is None:
        return instruction
    return replace(
        instruction, name="ONBUILD", text=outer.strip(), rest=instruction.text, flags=(), trigger=instruction
    )


def _rest(line: str, escape: str) -> str:
    """What follows an instruction's word and flags (parser/split_command.go)."""
    parts = _WHITESPACE.split(line.strip(), maxsplit=1)
    rest = parts[1] if len(parts) > 1 else ""
    position = 0
    while True:
        while position < len(rest) and rest[position] in _SPACES:
            position += 1
        if not rest.startswith("--", position):
            return rest[position:].strip()
        start, quote = position, ""
        while position < len(rest) and (quote or rest[position] not in _SPACES):
            character = rest[position]
            if character == escape:
                position += 1
            elif quote:
                quote = "" if character == quote else quote
            elif character in "\"'":
                quote = character
            position += 1
        if rest[start:position] == "--":
            return rest[position:].strip()
