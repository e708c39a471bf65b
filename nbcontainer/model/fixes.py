"""Makes the edits of fixes in a text, and what a check of a Dockerfile returns."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from nbcontainer.errors import Fix, Problem
from nbcontainer.model.results import Report


@dataclass(frozen=True, repr=False)
class CheckReport(Report):
    """What a check of a Dockerfile found.

    Attributes:
        problems: each with its lines, its rule, what to do and, where that is obvious, its fix.
    """

    problems: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        """The lines, with what to do."""
        return "\n".join(map(str, self.problems)) or super().__str__()

    def fixed(self, text: str) -> str:
        """The text that was checked, with all fixes made; of those that overlap, only the first is."""
        return apply(text, [problem.fix for problem in self.problems if problem.fix])


def apply(text: str, fixes: Iterable[Fix]) -> str:
    """Make the edits of fixes in a text, all of them at once; of fixes that overlap, only the first is made."""
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    taken: list[tuple[int, int, str]] = []  # in the text's order
    for fix in fixes:
        spans = [
            (starts[edit.line - 1] + edit.column, starts[edit.end_line - 1] + edit.end_column, edit.text)
            for edit in fix.edits
        ]
        if all(_is_free(span, taken) for span in spans):
            for span in spans:
                insort(taken, span)
    pieces, done = [], 0
    for start, end, new in taken:
        pieces += [text[done:start], new]
        done = end
    return "".join([*pieces, text[done:]])


def _is_free(span: tuple[int, int, str], taken: list[tuple[int, int, str]]) -> bool:
    index = bisect(taken, span)
    before, after = taken[index - 1 : index], taken[index : index + 1]
    return all(other[1] <= span[0] for other in before) and all(span[1] <= other[0] for other in after)
