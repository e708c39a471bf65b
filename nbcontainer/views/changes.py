"""How changes of objects are drawn: a line for each."""

from __future__ import annotations

from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import SIGNS, Line, Picture, Span
from nbcontainer.views.registry import draws

_ACTIONS = {
    "created": Tone.GOOD,
    "configured": Tone.RUNNING,
    "unchanged": Tone.DIM,
    "deleted": Tone.GOOD,
}


@draws(Change)
def _single(change: Change) -> Picture:
    return Picture((_change(change),), label="change")


@draws(Changes)
def _several(changes: Changes) -> Picture:
    return Picture(tuple(_change(change) for change in changes), label="changes")


def _change(change: Change) -> Line:
    tone = _ACTIONS.get(change.action, Tone.PLAIN)
    where = change.where or change.namespace
    parts = [
        Span(f"{SIGNS.get(tone, '·')} ", tone),
        Span(f"{change.kind.lower()}/{change.name} "),
        Span(change.action, tone, bold=True),
    ]
    if change.status:
        parts.append(Span(f" · {change.status}"))
    if where:
        parts += [Span("  "), Span(where, Tone.DIM, chip=True)]
    return Line(tuple(parts))
