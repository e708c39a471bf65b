"""Why something is not well: each reason with its evidence, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.tables import Tone
from nbcontainer.model.why import Diagnosis, Finding
from nbcontainer.views.kit import SIGNS, Grid, Line, Picture, Span, single_line
from nbcontainer.views.registry import draws

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block

MOST_FINDINGS = 50
MOST_LINES = 6  # of a piece of evidence
MOST_CHARACTERS = 400  # of a line


@draws(Diagnosis)
def _diagnosis(found: Diagnosis) -> Picture:
    name = f"{found.kind}/{found.name}" if found.name else "what is wrong"
    status = (Span("  "), Span(found.status, Tone.WARNING if found.findings else Tone.GOOD)) if found.status else ()
    head = (Span(name, bold=True), Span("  "), Span(found.where, Tone.DIM, chip=True), *status)
    blocks: list[Block] = [Line(head, head=True)]
    if not found.findings:
        what = "It is well" if found.name else "Nothing is wrong here"
        blocks.append(Line.of(Span(f"{SIGNS[Tone.GOOD]} {what}, as far as its cluster says.", Tone.GOOD)))
    for number, one in enumerate(found.findings[:MOST_FINDINGS]):
        blocks += _finding(one, f"{number}", show_subject=one.subject != f"{found.kind}/{found.name}")
    if len(found.findings) > MOST_FINDINGS:
        blocks.append(Line.of(Span(f"… and {len(found.findings) - MOST_FINDINGS} more", Tone.DIM)))
    blocks += [Line.of(Span(f"Not looked at: {said}", Tone.DIM), wraps=True) for said in found.unread]
    return Picture(tuple(blocks), label=f"why {name}")


def _finding(one: Finding, key: str, *, show_subject: bool) -> list[Block]:
    tone = Tone.WARNING if one.passing else Tone.BAD
    named = one.subject.rpartition("/")[2] in one.message  # then its name twice would say no more
    subject = (Span(f"{one.subject}  ", Tone.DIM),) if show_subject and not named else ()
    blocks: list[Block] = [Line((Span(f"{SIGNS[tone]} ", tone), *subject, Span(single_line(one.message))), wraps=True)]
    rows = [
        (Span(evidence.source if not at else "", Tone.DIM), Span(line[:MOST_CHARACTERS]))
        for evidence in one.evidence
        for at, line in enumerate(evidence.text.splitlines()[-MOST_LINES:] or [""])
    ]
    if rows:
        blocks.append(Grid(tuple(rows), flexible=1, wraps=True, indent=4, key=f"evidence {key}", label="evidence"))
    blocks.append(Line.of(Span("→ ", Tone.RUNNING), *_with_code(one.cure), indent=2, wraps=True))
    return blocks


def _with_code(text: str) -> list[Span]:
    """A sentence whose commands, in backquotes, are code."""
    return [Span(part, code=at % 2 == 1) for at, part in enumerate(text.split("`")) if part]
