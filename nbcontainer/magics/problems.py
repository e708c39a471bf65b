"""The problems of a `%%dockerfile` cell, for its page, while it is typed; `problems_channel` asks for them.

Places are offsets into the text in UTF-16 units, as the page counts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import accumulate
from typing import Any

from nbcontainer.api.completion import known_variables
from nbcontainer.dockerfile import check, parse, substitute
from nbcontainer.errors import Problem, UsageError
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.source_map import SourceMap
from nbcontainer.verbs.words import shell_words

_HEAD = re.compile(r"\s*%%dockerfile(?!\w)([^\n]*)")
_REFERENCE = re.compile(r"\{\{[^{}\n]*\}\}")
_UNKNOWN = "value"  # stands for the value of a variable that is not defined yet
_MOST = 1_000  # problems; more are of no use in a page
_FRESH = 30.0  # seconds
_asked: dict[tuple[str, str], tuple[float, Sequence[str] | None]] = {}  # (engine, image) → until when, its variables


def problems_of(text: str, namespace: Mapping[str, object]) -> list[dict[str, Any]]:
    """The problems of a cell, in the text's order: `from`, `to`, `severity`, `message`, `rule`, `link`, `fix`.

    Args:
        text: the whole cell.
        namespace: the user's variables; those that are not defined yet stand for something valid.
    """
    head = _HEAD.match(text)
    if head is None or not text[head.end() :].strip():
        return []  # nothing is typed yet
    above = text.count("\n", 0, head.end()) + 1  # lines, with the magic's own
    verb = verbs_of("dockerfile").magic.verbs[0]
    with suppress(UsageError):
        values = verb.parse_so_far(shell_words(head[1]))
        body, lines, unsure = _body(text[head.end() + 1 :], above, namespace, raw=bool(values.raw))
        found = check(
            parse(body, lines),
            target="" if "{{" in (values.target or "") else values.target or "",
            build_args={name: value or "" for name, value in (values.build_args or {}).items()},
            build_contexts=tuple(values.build_contexts or ()),
            variables=partial(_variables, engine="" if "{{" in (values.context or "") else values.context or ""),
        )
        places = _Places(text)
        certain = (each for each in found if not unsure.intersection(range(each.line, each.end_line + 1)))
        return [places.shown(problem) for problem, _ in zip(certain, range(_MOST), strict=False)]
    return []


def _variables(image: str, engine: str) -> Sequence[str] | None:
    """What an image sets, asked for at most every few seconds: a cell is checked whenever a key was pressed."""
    now = time.monotonic()
    until, names = _asked.get((engine, image), (0.0, None))
    if now > until:
        if len(_asked) > _MOST:
            _asked.clear()
        names = known_variables(image, engine=engine)
        _asked[engine, image] = now + _FRESH, names
    return names


def _body(
    body: str, above: int, namespace: Mapping[str, object], *, raw: bool
) -> tuple[str, SourceMap, frozenset[int]]:
    """The Dockerfile, the cell's lines, and those among them whose text is not certain."""
    if raw or "{{" not in body:
        return body, SourceMap.shifted(body.count("\n") + 1, above), frozenset()
    known = _Known(namespace)
    try:
        new, lines = substitute(body, known, first_line=above + 1)
    except UsageError:  # a value of several lines
        new, lines, known.has_unknown = body, SourceMap.shifted(body.count("\n") + 1, above), True
    unsure = (number for number, line in enumerate(body.split("\n"), above + 1) if _REFERENCE.search(line))
    return new, lines, frozenset(unsure if known.has_unknown else ())


class _Known(dict[str, object]):
    """The variables whose text costs nothing; any other name stands for something valid."""

    def __init__(self, namespace: Mapping[str, object]) -> None:
        super().__init__()
        self._namespace = namespace
        self.has_unknown = False

    def __missing__(self, name: str) -> object:
        value = self._namespace.get(name)
        if isinstance(value, (str, int, float)):
            return value
        self.has_unknown = True
        return _Anything()


class _Anything:
    """Has every attribute, and a text."""

    def __getattr__(self, name: str) -> _Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __str__(self) -> str:
        return _UNKNOWN


class _Places:
    """From lines and columns of a text to offsets in it."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = [0, *accumulate(_width(line) + 1 for line in self._lines)]

    def shown(self, problem: Problem) -> dict[str, Any]:
        """A problem as the page is told: underlined is what its fix replaces, or its first line."""
        line = min(max(problem.line, 1), len(self._lines))
        bare = self._lines[line - 1].rstrip()
        start, end = self._offset(line, len(bare) - len(bare.lstrip())), self._offset(line, len(bare))
        fix, hint = None, problem.suggestion
        if problem.fix is not None:
            edits: list[dict[str, Any]] = [
                {
                    "from": self._offset(edit.line, edit.column),
                    "to": self._offset(edit.end_line, edit.end_column),
                    "text": edit.text,
                }
                for edit in problem.fix.edits
            ]
            fix = {"title": problem.fix.title, "edits": edits}
            hint = "" if hint == f"{problem.fix.title}." else hint  # the button says so
            start, end = edits[0]["from"], edits[0]["to"]
        return {
            "from": start,
            "to": end,
            "severity": problem.severity,
            "message": " ".join(filter(None, (f"{problem.message}.", hint))),
            "rule": problem.source if problem.source[:1].isupper() else "",
            "link": problem.link,
            "fix": fix,
        }

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + _width(self._lines[line - 1][:column])


def _width(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
