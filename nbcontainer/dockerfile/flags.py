"""What is wrong with an instruction's flags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbcontainer.dockerfile.fixes import Cure
from nbcontainer.dockerfile.stages import mount_fields
from nbcontainer.dockerfile.text import Fault, Flag, Instruction
from nbcontainer.dockerfile.words import ANY_MOUNT_KEY, FLAGS, MOUNT_TYPES, SHARING_MODES, FlagWord, nearest

_UNJUDGED = ("ARG", "STOPSIGNAL", "ONBUILD")  # BuildKit ignores what looks like a flag of these
_DURATION = re.compile(r"^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$")
_MOUNT_WORDS = ("readonly", "ro", "readwrite", "rw", "required")  # keys that need no value


def flag_faults(instruction: Instruction) -> Iterator[Fault]:
    """The faults of an instruction's flags. Those with the rule "late" count only in a stage that is built."""
    if not instruction.flags or instruction.name in _UNJUDGED or _is_healthcheck_none(instruction):
        return
    words = {word.name: word for word in FLAGS.get(instruction.name, ())}
    seen: set[str] = set()
    for flag in instruction.flags:
        word = words.get(flag.name)
        if word is None:
            likely = nearest(flag.name, words, cutoff=0.5)
            yield instruction.fault(
                f"{instruction.name} has no flag --{flag.name}",
                _meant(instruction, flag, list(words)),
                unknown=True,
                cure=Cure.of_word(f"--{flag.name}", f"--{likely}", after=r"(?![^\s=])") if likely else None,
            )
            return  # BuildKit stops here: what follows is checked once this one is fixed
        if word.kind != "values" and flag.name in seen:
            yield instruction.fault(f"--{flag.name} is given twice")
        seen.add(flag.name)
        yield from _value(instruction, flag, word)


def _is_healthcheck_none(instruction: Instruction) -> bool:
    return instruction.name == "HEALTHCHECK" and [word.upper() for word in instruction.arguments[:1]] == ["NONE"]


def _meant(instruction: Instruction, flag: Flag, names: list[str]) -> str:
    likely = nearest(flag.name, names, cutoff=0.5)
    if likely:
        return f"Did you mean --{likely}?"
    if instruction.name in ("CMD", "ENTRYPOINT"):
        return f'Write the arguments as JSON: {instruction.name} ["--{flag.name}"].'
    if names:
        return f"Flags of {instruction.name}: {', '.join('--' + name for name in names)}."
    return f"{instruction.name} takes no flags."


def _value(instruction: Instruction, flag: Flag, word: FlagWord) -> Iterator[Fault]:
    value = flag.value
    if word.kind == "switch":
        if value is not None and value.lower() not in ("true", "false"):
            yield instruction.fault(f"--{flag.name} is either true or false, not {value or 'empty'}")
        return
    if value is None:
        hint = f"Write --{flag.name}=VALUE, with no space before it."
        written = rf"(?<!\S)(--{re.escape(flag.name)}[ \t]+)(?=[^\s-])"
        joined = Cure(f"Write --{flag.name}=", written, f"--{flag.name}=")
        yield instruction.fault(f"--{flag.name} needs a value", hint, cure=joined)
    elif flag.name in ("network", "security") and value not in word.values:
        likely = nearest(value, word.values)
        hint = f"Did you mean {likely}?" if likely else f"It is one of {', '.join(word.values)}."
        cure = Cure.of_word(value, likely, before=f"--{flag.name}=") if likely else None
        yield instruction.fault(f"--{flag.name}={value} is not known", hint, unknown=True, cure=cure)
    elif flag.name == "chmod" and value.isdecimal() and re.fullmatch("0*[0-7]{1,4}", value) is None:
        yield instruction.fault(
            f"--chmod={value} is not a mode", "Modes are octal, 0 to 7777: --chmod=755.", rule="late"
        )
    elif flag.name == "mount":
        yield from _mount(instruction, value)
    elif instruction.name == "HEALTHCHECK" and value:
        yield from _healthcheck(instruction, flag.name, value)


def _healthcheck(instruction: Instruction, name: str, value: str) -> Iterator[Fault]:
    if name == "retries":
        if not re.fullmatch(r"\+?\d{1,9}|-0+", value):
            yield instruction.fault(f"--retries={value} is not a whole number", "Write it as --retries=3.")
    elif not _DURATION.match(value):
        yield instruction.fault(f"--{name}={value} is not a duration", f"Write it with a unit: --{name}=30s.")


def _mount(instruction: Instruction, value: str) -> Iterator[Fault]:
    """`--mount=type=…,key=value`: BuildKit checks it only when the stage is built, as it may contain variables."""
    if '"' in value:
        return  # comma-separated values with quotes: rare, and left to BuildKit
    fields = mount_fields(value)
    kind = fields.get("type", "bind")
    for key, content in fields.items():
        if key not in ANY_MOUNT_KEY:
            likely = nearest(key, ANY_MOUNT_KEY)
            yield instruction.fault(
                f"--mount has no key {key}",
                f"Did you mean {likely}?" if likely else "",
                unknown=True,
                rule="late",
                cure=Cure.of_word(key, likely, before="[=,]", after="(?==)") if likely else None,
            )
            return
        if not content and key not in _MOUNT_WORDS and f"{key}=" not in value.lower():
            yield instruction.fault(f"--mount: {key} needs a value", f"Write {key}=VALUE.", rule="late")
            return
    if "$" in value:
        return
    if kind.lower() not in MOUNT_TYPES:
        likely = nearest(kind, MOUNT_TYPES)
        hint = f"Did you mean {likely}?" if likely else f"Types: {', '.join(MOUNT_TYPES)}."
        cure = Cure.of_word(kind, likely, before="type=", after=r"(?![^\s,])") if likely else None
        yield instruction.fault(f"--mount has no type {kind}", hint, unknown=True, rule="late", cure=cure)
        return
    sharing = fields.get("sharing", "")
    if sharing and sharing.lower() not in SHARING_MODES:
        yield instruction.fault(f"--mount: sharing={sharing} is not known", f"It is one of {', '.join(SHARING_MODES)}.",
                    unknown=True, rule="late")  # fmt: skip
    if kind == "secret" and not any(fields.get(key) for key in ("id", "source", "src", "target", "dst", "destination")):
        yield instruction.fault("--mount=type=secret needs an id", "Write --mount=type=secret,id=NAME.", rule="late")
