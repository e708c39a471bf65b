"""Matching wildcards in bounded time, as Go's regexp does: some patterns come from the daemon, which is not trusted.

Python's regular expressions try all ways to divide a path among the wildcards of a pattern; with long paths and many
wildcards that takes hours, during which no other thread of the process runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import comb

_MOST_WAYS = 50_000
"""Ways to divide a path among wildcards that may be tried: a few milliseconds."""

_MOST_WITH_ODDITIES = 2
"""Wildcards allowed in a pattern that needs Python's regular expressions; no real pattern has more."""

_FOLDERS, _ANYTHING, _WITHIN, _REPEATED = r"(.*/)?", ".*", "[^/]*", "{"
_TOKEN = re.compile(r"\(\.\*/\)\?|\.\*|\[\^/\]\*|\[\^?(?:\\.|[^\]\\])+\]|\\x..|\\.|.", re.DOTALL)
_ODD = re.compile(r"[|^({*]|\\[bBAZ]")


def matcher(regex: str) -> Callable[[str], object]:
    """Compile a regular expression from `patterns`: characters and wildcards between `^` and `$`.

    Raises:
        ValueError: Matching it may take very long.
        re.error: It is malformed.
    """
    compiled = re.compile(regex, re.ASCII)
    tokens = _TOKEN.findall(regex.removeprefix("^").removesuffix(r"\Z"))
    wildcards = sum(tokens.count(wildcard) for wildcard in (_FOLDERS, _ANYTHING, _WITHIN, _REPEATED))
    if wildcards <= 1:
        return compiled.search
    if not regex.endswith(r"\Z") or any(_ODD.match(token) for token in tokens if token != _FOLDERS):
        if wildcards > _MOST_WITH_ODDITIES:
            raise ValueError("it has too many wildcards together with | { ^ or \\b")
        return compiled.search
    steps = [token if token in (_FOLDERS, _ANYTHING, _WITHIN) else re.compile(token, re.ASCII) for token in tokens]

    def match(path: str) -> object:
        if comb(len(path) + wildcards, wildcards) <= _MOST_WAYS:
            return compiled.search(path)
        return _match(steps, path)

    return match


def _match(steps: list[str | re.Pattern[str]], path: str) -> bool:
    """Follow all ways at once, one character at a time; a negative number is a step within `_FOLDERS`."""
    here = _reached({0}, steps)
    for char in path:
        after: set[int] = set()
        for at in here:
            step = _FOLDERS if at < 0 else steps[at] if at < len(steps) else ""
            if step == _FOLDERS:
                place = ~at if at < 0 else at
                if char != "\n":
                    after.add(~place)
                if char == "/":
                    after.add(place + 1)
            elif step == _ANYTHING:
                after.update({at} if char != "\n" else ())
            elif step == _WITHIN:
                after.update({at} if char != "/" else ())
            elif isinstance(step, re.Pattern) and step.match(char):
                after.add(at + 1)
        here = _reached(after, steps)
        if not here:
            return False
    return len(steps) in here


def _reached(places: set[int], steps: list[str | re.Pattern[str]]) -> set[int]:
    """Add the steps after wildcards, which may match nothing."""
    for place in sorted(places):
        at = place
        while 0 <= at < len(steps) and isinstance(steps[at], str):
            at += 1
            places.add(at)
    return places
