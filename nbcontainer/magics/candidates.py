"""What fits at the cursor of a cell of ours: verbs, flags, values, names, Dockerfile words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nbcontainer.magics.verbs import Argument, Magic, Verb

__all__ = ["Candidate", "candidates"]

_MAGIC = re.compile(r"\s*(%%?)([A-Za-z_]\w*)(\s?)")
_ASSIGNED = re.compile(r"\s*[A-Za-z_][\w., ]*=\s*(?=%[A-Za-z_])")  # x = %kpod …
_STAGE = re.compile(r"^\s*FROM\s.*\sAS\s+(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_LAST_WORD = re.compile(r"(\S*)$")

Names = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One word that fits, and what it is ("verb", "flag", "image" …)."""

    text: str
    kind: str


def candidates(text: str, line: int, column: int, *, names: Names | None = None) -> tuple[str, list[Candidate]] | None:
    """The words that fit, and the fragment that they complete; None where the place is not ours.

    Args:
        text: the whole cell.
        line: the cursor's line, from 0.
        column: the cursor's column in it.
        names: gives the names of a kind of object ("image", "pod", "variable" …).
    """
    from nbcontainer.magics.registration import MAGICS, verbs_of  # noqa: PLC0415 - it registers us

    lines = text.split("\n")
    if not 0 <= line < len(lines):
        return None
    before = lines[line][:column]
    head = _MAGIC.match(lines[0])
    if line > 0 and head is not None and head[1] == "%%":
        return _in_body(head[2], lines, line, column, names)
    assigned = _ASSIGNED.match(before)
    match = _MAGIC.match(before, assigned.end() if assigned else 0)
    if match is None or match[2] not in MAGICS or not match[3]:
        return None
    known = names or _names

    def names_or_stages(kind: str) -> Iterable[str]:
        return _STAGE.findall(text) if kind == "stage" else known(kind)

    return _in_line(verbs_of(match[2]).magic, before[match.end() :], names_or_stages)


def _in_line(magic: Magic, before: str, names: Names) -> tuple[str, list[Candidate]]:
    found = _LAST_WORD.search(before)
    fragment = found[1] if found else ""
    words = before[: len(before) - len(fragment)].split()
    if len(magic.verbs) == 1 and not magic.verbs[0].name:
        return fragment, _fitting(fragment, _of_verb(magic.verbs[0], words, fragment, names))
    verb = magic.verb(words[0]) if words else None
    if verb is not None:
        return fragment, _fitting(fragment, _of_verb(verb, words[1:], fragment, names))
    items = [] if words else [Candidate(each.name, "verb") for each in magic.verbs]
    default = magic.verb(magic.default) if magic.default else None
    if default is not None and (words or fragment.startswith("-")):  # a bare word would be taken for a verb
        items += _of_verb(default, words, fragment, names)
    return fragment, _fitting(fragment, items)


def _of_verb(verb: Verb, words: list[str], fragment: str, names: Names) -> list[Candidate]:
    flags = verb.flags
    if "--" in words:
        return []
    name, equals, _ = fragment.partition("=")
    if equals and name in flags:
        return [Candidate(f"{name}={c.text}", c.kind) for c in _values(flags[name], names)]
    if words and (argument := flags.get(words[-1])) is not None and argument.kind != "switch":
        return _values(argument, names)
    if fragment.startswith("-"):
        offered = [argument.long for argument in dict.fromkeys(flags.values()) if argument.kind != "refused"]
        return [Candidate(name, "flag") for name in [*offered, "--help"]]
    loose = sum(not word.startswith("-") for word in words)
    places = verb.positionals
    place = places[min(loose, len(places) - 1)] if places else None
    return _values(place, names) if place is not None else []


def _values(argument: Argument, names: Names) -> list[Candidate]:
    if argument.choices:
        return [Candidate(choice, "value") for choice in argument.choices]
    if argument.completes:
        return [Candidate(name, argument.completes) for name in names(argument.completes)]
    return []


def _fitting(fragment: str, items: Iterable[Candidate]) -> list[Candidate]:
    return [item for item in dict.fromkeys(items) if item.text.startswith(fragment) and item.text != fragment]


def _in_body(
    magic: str, lines: list[str], line: int, column: int, names: Names | None
) -> tuple[str, list[Candidate]] | None:
    if magic != "dockerfile":
        return None
    from nbcontainer.language.dockerfile import complete_dockerfile  # noqa: PLC0415 - on first use

    body = "\n".join(lines[1:])
    found = complete_dockerfile(body, line, column, images=lambda: list((names or _names)("image")))
    fragment = lines[line][found.start : column]
    return fragment, [Candidate(item.text, item.kind) for item in found.items]


def _names(kind: str) -> Iterable[str]:
    """Names from what is reachable already; completing never starts an engine."""
    if kind == "variable":
        from IPython import get_ipython  # noqa: PLC0415 - on first use

        shell: Any = get_ipython()
        hidden = getattr(shell, "user_ns_hidden", {})
        return [name for name in getattr(shell, "user_ns", {}) if not name.startswith("_") and name not in hidden]
    if kind == "setting":
        from dataclasses import asdict  # noqa: PLC0415 - on first use

        from nbcontainer.settings import settings  # noqa: PLC0415 - on first use

        return list(asdict(settings))
    if kind == "path":
        from pathlib import Path  # noqa: PLC0415 - on first use

        return [f"{path.name}/" if path.is_dir() else path.name for path in sorted(Path().iterdir())]
    from nbcontainer import api  # noqa: PLC0415 - on first use

    return [name for name in api.known_names(kind) if "<none>" not in name]  # an image without a tag
