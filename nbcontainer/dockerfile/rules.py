"""What is wrong with an instruction's arguments, one small rule for each instruction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from nbcontainer.dockerfile.fixes import Cure
from nbcontainer.dockerfile.stages import is_heredoc
from nbcontainer.dockerfile.text import Fault, Instruction, did_you_mean
from nbcontainer.dockerfile.words import INSTRUCTIONS, lowered, nearest

_STAGE_NAME = re.compile(r"^[a-z][a-z0-9\-_.]*$")
_PORTS = re.compile(r"^(\d{1,5})(?:-(\d{1,5}))?$")
_MOST_PORT = 65535
_SIGNAL = re.compile(
    r"[+-]?0*[1-9]\d*|(?:SIG)?(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|"
    r"STKFLT|STOP|SYS|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|"
    r"RTMIN(?:\+(?:[1-9]|1[0-5]))?|RTMAX(?:-(?:[1-9]|1[0-4]))?)",
    re.IGNORECASE,
)
_TYPOGRAPHIC = str.maketrans("“”„‟«»", '""""""')


def instruction_faults(instruction: Instruction) -> Iterator[Fault]:
    """The faults of an instruction's arguments. Those with the rule "late" count only in a stage that is built."""
    rule = _RULES.get(instruction.name)
    if rule is not None:
        yield from rule(instruction)
    if instruction.name in _JSON_FORMS and not instruction.is_json:
        yield from _almost_json(instruction)


def _from(instruction: Instruction) -> Iterator[Fault]:
    words = instruction.arguments
    three = 3
    if not words:
        yield instruction.fault("FROM needs an image", "Write FROM IMAGE, such as FROM busybox.")
    elif len(words) == three and words[1].lower() == "as":
        if not _STAGE_NAME.match(lowered(words[2])):
            yield instruction.fault(f"{words[2]} is not a valid stage name",
                         "It begins with a letter, and contains only letters, digits, - _ and .")  # fmt: skip
    elif len(words) > 1:
        yield instruction.fault("FROM takes an image, or an image, AS and a name", "Write FROM IMAGE AS NAME.")


def _run(instruction: Instruction) -> Iterator[Fault]:
    if not instruction.rest:
        yield instruction.warning("RUN has no command", "Write RUN COMMAND.", "run")


def _copy(instruction: Instruction) -> Iterator[Fault]:
    name, words = instruction.name, instruction.arguments
    if len(words) < 2:  # noqa: PLR2004 - a source and a destination
        yield instruction.fault(f"{name} needs a source and a destination", f"Write {name} SOURCE… DESTINATION.")
        return
    if is_heredoc(words[-1]):
        yield instruction.fault(f"{name} needs a destination after the heredoc", f"Write {name} {words[-1]} /path.")
    if name == "COPY":
        remote = [word for word in words[:-1] if re.match("https?://", word)]
        if remote and not instruction.flag("from"):
            word = instruction.text.split(None, 1)[0]
            cure = Cure.of_first_word(word, "add" if word.islower() else "ADD")
            hint = "ADD can: write ADD URL DESTINATION."
            yield instruction.fault(f"COPY cannot fetch {remote[0]}", hint, "late", cure=cure)


def _pairs(instruction: Instruction) -> Iterator[Fault]:
    words = instruction.arguments
    if not words:
        yield instruction.fault(f"{instruction.name} needs a name and a value",
                     f"Write {instruction.name} NAME=VALUE.")  # fmt: skip
    elif any(not name for name in words[::3]):
        yield instruction.fault(f"{instruction.name}: a name is missing before =",
                     f"Write {instruction.name} NAME=VALUE, with no spaces around =.")  # fmt: skip


def _arg(instruction: Instruction) -> Iterator[Fault]:
    if not instruction.arguments:
        yield instruction.fault("ARG needs a name", "Write ARG NAME or ARG NAME=DEFAULT.")
    elif any(word.startswith("=") for word in instruction.arguments):
        yield instruction.fault("ARG: a name is missing before =", "Write ARG NAME=DEFAULT, with no spaces around =.")


def _expose(instruction: Instruction) -> Iterator[Fault]:
    if not instruction.arguments:
        yield instruction.fault("EXPOSE needs a port", "Write EXPOSE 8080, or EXPOSE 53/udp.")
    for word in instruction.arguments:
        if not re.fullmatch(r"[A-Za-z0-9_./:\-]+", word):
            continue  # variables, quotes and escapes are left to BuildKit
        ports, slash, protocol = word.rpartition(":")[2].partition("/")
        found = _PORTS.match(ports)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
        if found is None or not first <= last <= _MOST_PORT:
            hint = "Write EXPOSE 8080; docker run -p publishes it on a port of the host." if ":" in word else ""
            yield instruction.fault(
                f"EXPOSE: {word} is not a port", hint or "Ports are 0 to 65535: EXPOSE 8080.", "late"
            )
        elif slash and protocol.lower() not in ("tcp", "udp", "sctp", ""):
            yield instruction.fault(f"EXPOSE: {word} has no known protocol", "It is tcp, udp or sctp.", "late")


def _one(what: str, example: str) -> Callable[[Instruction], Iterator[Fault]]:
    def rule(instruction: Instruction) -> Iterator[Fault]:
        if not instruction.arguments:
            yield instruction.fault(f"{instruction.name} needs {what}", f"Write {instruction.name} {example}.")

    return rule


def _stopsignal(instruction: Instruction) -> Iterator[Fault]:
    words = instruction.arguments
    if not words:
        yield instruction.fault("STOPSIGNAL needs a signal", "Write STOPSIGNAL SIGTERM.")
    elif len(words) == 1 and re.fullmatch(r"[A-Za-z0-9+-]+", words[0]) and not _SIGNAL.fullmatch(words[0]):
        yield instruction.fault(f"STOPSIGNAL: {words[0]} is not a signal", "Write STOPSIGNAL SIGTERM.", "late")


def _maintainer(instruction: Instruction) -> Iterator[Fault]:
    if not instruction.arguments:
        yield instruction.fault("MAINTAINER needs a name", 'Write LABEL org.opencontainers.image.authors="NAME".')


def _healthcheck(instruction: Instruction) -> Iterator[Fault]:
    words = instruction.arguments
    kind = words[0].upper() if words else ""
    if not words:
        yield instruction.fault("HEALTHCHECK needs CMD or NONE", "Write HEALTHCHECK CMD COMMAND.")
    elif kind == "NONE" and len(words) > 1:
        yield instruction.fault("HEALTHCHECK NONE takes nothing more")
    elif kind == "CMD" and len(words) == 1:
        yield instruction.fault("HEALTHCHECK CMD needs a command", "Write HEALTHCHECK CMD curl -f http://localhost/.")
    elif kind not in ("CMD", "NONE"):
        yield instruction.fault(f"HEALTHCHECK does not know {words[0]}", "Write HEALTHCHECK CMD COMMAND.")


def _shell(instruction: Instruction) -> Iterator[Fault]:
    if not instruction.is_json or not instruction.arguments:
        yield instruction.fault("SHELL needs a JSON array", 'Write SHELL ["/bin/bash", "-c"].')


def _volume(instruction: Instruction) -> Iterator[Fault]:
    if not instruction.arguments:
        yield instruction.fault("VOLUME needs a path", "Write VOLUME /data.")
    elif any(not word.strip() for word in instruction.arguments):
        yield instruction.fault("VOLUME: a path is empty", "Write VOLUME /data.")


def _onbuild(instruction: Instruction) -> Iterator[Fault]:
    if instruction.trigger is None and not instruction.rest:
        yield instruction.fault("ONBUILD needs an instruction", "Write ONBUILD RUN COMMAND.")
    elif instruction.trigger is None:
        # BuildKit does not check the word of a trigger until an image is built FROM this one
        word = instruction.rest.split(None, 1)[0]
        if word.upper() not in INSTRUCTIONS:
            likely = nearest(word, INSTRUCTIONS)
            cure = Cure.of_word(word, likely, before=r"\A\s*\S+\s+") if likely else None
            message = f"unknown instruction in ONBUILD: {word}"
            yield instruction.fault(message, did_you_mean(word), severity="warning", cure=cure)


_JSON_FORMS = ("RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "VOLUME", "HEALTHCHECK")


def _almost_json(instruction: Instruction) -> Iterator[Fault]:
    """Warn of an invalid JSON array, which is passed to a shell: that is rarely what was meant."""
    rest = instruction.rest
    if instruction.name == "HEALTHCHECK":
        rest = rest.partition(" ")[2].strip()
    if not (rest.startswith("[") and rest.endswith("]")):
        return
    inner = rest[1:-1].strip()
    if inner.startswith("'") and inner.endswith("'"):
        words = re.findall(r"'([^']*)'", inner)
        better = ", ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
        why = "JSON allows only double quotes"
    elif inner.translate(_TYPOGRAPHIC) != inner:
        better, why = inner.translate(_TYPOGRAPHIC), "the quotes are typographic ones"
    elif inner.startswith('"') and inner.rstrip().endswith(","):
        better, why = inner.rstrip().removesuffix(","), "there is a comma before the ]"
    else:
        return
    yield instruction.fault(
        f"{instruction.name}: this is not JSON, so a shell gets it unchanged: {why}",
        f"Write [{better}].",
        rule="json",
        severity="warning",
        cure=Cure.of_end(rest, f"[{better}]"),
    )


_RULES: dict[str, Callable[[Instruction], Iterator[Fault]]] = {
    "FROM": _from,
    "RUN": _run,
    "COPY": _copy,
    "ADD": _copy,
    "ENV": _pairs,
    "LABEL": _pairs,
    "ARG": _arg,
    "EXPOSE": _expose,
    "USER": _one("a user", "NAME"),
    "WORKDIR": _one("a path", "/path"),
    "STOPSIGNAL": _stopsignal,
    "MAINTAINER": _maintainer,
    "HEALTHCHECK": _healthcheck,
    "SHELL": _shell,
    "VOLUME": _volume,
    "ONBUILD": _onbuild,
}
