"""How changes of objects are drawn: a line for each, and how the object differs from before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import views
from nbcontainer.model.changes import Change, ChangeDone, Changes, ChangesUnderWay
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import SIGNS, Line, Picture, Span, single_line
from nbcontainer.views.registry import draws, shows
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.views.blocks import Block

_ACTIONS = {
    "created": Tone.GOOD,
    "configured": Tone.RUNNING,
    "unchanged": Tone.DIM,
    "deleted": Tone.GOOD,
    "pruned": Tone.WARNING,
}
WAITING = "waiting"
MOST_DRAWN = 400  # lines of differences in a picture; `.diff` has all
MOST_LINES = 60  # of a difference among plain lines
MOST_NAMES = 4  # of unchanged objects, in the title that folds them


@draws(Change)
def _single(change: Change) -> Picture:
    return Picture(tuple(_blocks([change])), label="change")


@draws(Changes)
def _several(changes: Changes) -> Picture:
    return Picture(tuple(_blocks(changes)), label="changes")


@shows(ChangesUnderWay)
class ChangesView(View[ChangeDone, ChangesUnderWay]):
    """The objects with their differences, those that are not done yet too."""

    def line(self, event: ChangeDone) -> str | None:
        """`configmap/web configured`, and below it how it differs from before."""
        change = event.change
        line = f"{change.kind.lower()}/{change.name} {change.action}"
        if not (change.before and change.after) or change.before == change.after:
            return line
        _, _, *different = change.diff.splitlines()
        more = [f"… {len(different) - MOST_LINES:,} more lines"] if len(different) > MOST_LINES else []
        return "\n".join([line, *(f"  {single_line(each)}" for each in [*different[:MOST_LINES], *more])])

    def render(self, state: ChangesUnderWay) -> Picture:
        """The lines that a result has; one that waits says so."""
        return Picture(tuple(_blocks(state.changes)), label="changes")


def _blocks(changes: Sequence[Change]) -> list[Block]:
    """The blocks of several changes; unchanged objects are folded."""
    unchanged = [change for change in changes if change.action == "unchanged"]
    folded = unchanged if len(unchanged) > 1 else []
    blocks: list[Block] = []
    left, more = MOST_DRAWN, 0
    for index, change in enumerate(changes):
        if folded and change.action == "unchanged":
            continue
        lines = change.diff.count("\n") if left > 0 and change.before != change.after else 0
        more += change.before != change.after and not 0 < lines <= left
        blocks += _with_difference(change, f"{index}") if 0 < lines <= left else [_change(change)]
        left -= lines
    if more:
        objects = "object" if more == 1 else "objects"
        blocks.append(Line.of(Span(f"… the differences of {more} {objects} are too long: `.diff` has them", Tone.DIM)))
    if folded:
        blocks.append(_unchanged(folded))
    return blocks


def _with_difference(change: Change, key: str) -> list[Block]:
    """A change and its difference; what is new is folded, because all of it is different."""
    before, after = change.states
    diff = views.blocks.Diff(before, after, key=f"diff {key}", label=f"changes of {change.kind} {change.name}")
    if change.before and change.after:
        return [_change(change), diff]
    return [views.blocks.Section(_change(change), (diff,), open=False, key=f"section {key}")]


def _unchanged(changes: Sequence[Change]) -> Block:
    names = [f"{change.kind.lower()}/{change.name}" for change in changes]
    shown = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" * (len(names) > MOST_NAMES))
    title = Line.of(Span(f"{SIGNS[Tone.DIM]} {len(names)} unchanged", Tone.DIM), Span(f": {shown}", Tone.DIM))
    return views.blocks.Section(title, tuple(map(_change, changes)), open=False, key="unchanged")


def _change(change: Change) -> Line:
    tone = _ACTIONS.get(change.action, Tone.GOOD)
    sign = SIGNS[Tone.DIM] if change.status == WAITING else SIGNS.get(tone, "·")
    where = change.where or change.namespace
    parts = [
        Span(f"{sign} ", Tone.DIM if change.status == WAITING else tone),
        Span(f"{change.kind.lower()}/{change.name} "),
        Span(change.action, tone, bold=True),
    ]
    if change.status:
        parts.append(Span(f" · {change.status}"))
    if where:
        parts += [Span("  "), Span(where, Tone.DIM, chip=True)]
    return Line(tuple(parts))
