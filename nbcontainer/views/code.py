"""Code and differences of texts as grids: line numbers and facts in the gutter, the text beside it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Code, Diff
from nbcontainer.views.kit import SIGNS, Grid, Span

CONTEXT = 3  # lines around each difference
MOST_LINES = 2_000  # of a grid
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_COMMENT = re.compile(r"\s*#")
_LANGUAGES = {"dockerfile", "yaml"}  # whose comments begin with a #
_NO_NEWLINE = "\\ No newline at end of file"  # as diff and git write it


def laid_out_code(code: Code) -> Grid:
    """The line's number, its sign and its facts, and the text; comments are dim."""
    shown = code.lines[:MOST_LINES]
    width = max((len(line.facts) for line in shown), default=0)
    comments = code.language in _LANGUAGES
    rows = []
    for line in shown:
        facts = (*line.facts, *(Span(""),) * (width - len(line.facts)))
        sign = "" if any(fact.tone is line.tone for fact in line.facts) else _sign(line.tone)
        tone = Tone.DIM if comments and not line.tone and _COMMENT.match(line.text) else line.tone
        number = Span(str(line.number) if line.number else "", Tone.DIM, code=True)
        rows.append((number, Span(sign, line.tone), *facts, Span(line.text, tone, code=True)))
    return _grid(rows, len(code.lines), code, facts=width)


def _sign(tone: Tone) -> str:
    return "" if tone is Tone.DIM else SIGNS.get(tone, "")


def _grid(rows: list[tuple[Span, ...]], count: int, block: Code | Diff, *, facts: int) -> Grid:
    """The rows, without a column for signs or numbers if there are none."""
    if count > len(rows):
        more = Span(f"… {count - len(rows):,} more lines", Tone.DIM)
        rows = [*rows, (*(Span(""),) * (facts + 2), more)]
    kept = [index for index in range(facts + 2) if any(row[index].text or row[index].clock for row in rows)]
    return Grid(
        tuple((*(row[index] for index in kept), row[-1]) for row in rows),
        right=frozenset(place for place, index in enumerate(kept) if index != 1),
        flexible=len(kept),
        wraps=True,
        key=block.key,
        label=block.label,
    )


# --- differences


def laid_out_diff(diff: Diff) -> Grid:
    """The numbers of each line in both texts, its sign, and the line. Unchanged lines in between are counted."""
    rows: list[tuple[Span, ...]] = []
    added = removed = 0
    for sign, before, after, text in _differences(diff.before, diff.after):
        added, removed = added + (sign == "+"), removed + (sign == "−")
        tone = {"+": Tone.GOOD, "−": Tone.BAD, "": Tone.DIM}.get(sign, Tone.PLAIN)
        numbers = (Span(str(number) if number else "", Tone.DIM, code=True) for number in (before, after))
        rows.append((*numbers, Span(sign.strip(), tone, code=True), Span(text, tone, code=True)))
    shown = rows[:MOST_LINES]
    if len(rows) > len(shown):
        shown.append((Span(""), Span(""), Span(""), Span(f"… {len(rows) - len(shown):,} more lines", Tone.DIM)))
    heading = " → ".join(filter(None, diff.names)) if diff.names[0] != diff.names[1] else diff.names[0]
    words = " ".join(filter(None, (f"+{added:,}" if added else "", f"−{removed:,}" if removed else "")))
    title = f"{heading}  {words or 'no differences'}".strip()
    if not shown:
        return Grid(((Span(title, Tone.DIM),),), key=diff.key, label=diff.label)
    return Grid(
        tuple(shown),
        columns=("old", "new", "", title),
        right=frozenset({0, 1}),
        flexible=3,
        wraps=True,
        key=diff.key,
        label=diff.label,
    )


def _differences(before: str, after: str) -> Iterator[tuple[str, int, int, str]]:
    """Each line to show: its sign ("+", "−", " " for the same, "" for a remark), its numbers, and the line."""
    old, new = _LINE.findall(before), _LINE.findall(after)
    end = 0  # of what has been shown, in the old text
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        if group[0][1] > end:
            yield _unchanged(group[0][1] - end)
        for kind, first, last, start, stop in group:
            if kind == "equal":
                for index in range(last - first):
                    yield from _line(" ", first + index + 1, start + index + 1, old[first + index])
                continue
            for index in range(first, last):
                yield from _line("−", index + 1, 0, old[index])
            for index in range(start, stop):
                yield from _line("+", 0, index + 1, new[index])
        end = group[-1][2]
    if 0 < end < len(old):
        yield _unchanged(len(old) - end)


def _unchanged(count: int) -> tuple[str, int, int, str]:
    return "", 0, 0, f"… {count:,} unchanged {'line' if count == 1 else 'lines'}"


def _line(sign: str, before: int, after: int, text: str) -> Iterator[tuple[str, int, int, str]]:
    yield sign, before, after, text.removesuffix("\n")
    if not text.endswith("\n"):
        yield "", 0, 0, _NO_NEWLINE
