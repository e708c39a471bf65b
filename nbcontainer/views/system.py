"""The disk space that an engine uses: as bars, as docker's table, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.system import VOLUMES, DiskUsage, Stored, Usage
from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Action, Actions, Block, Chart, Section, Series
from nbcontainer.views.kit import Clock, Grid, Line, Picture, Span
from nbcontainer.views.quantities import format_size
from nbcontainer.views.registry import draws

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_OBJECTS = 50  # of each kind that are shown


@draws(DiskUsage)
def render(state: DiskUsage) -> Picture:
    """The picture."""
    heading = (Span("disk usage", bold=True), Span("  "), Span(state.where, Tone.DIM, chip=True))
    free = Span(f"  {format_size(state.size)}, of which {format_size(state.reclaimable)} can be freed", Tone.DIM)
    blocks: list[Block] = [Line((*heading, free), head=True, key="heading"), _chart(state), _table(state)]
    blocks += [_objects(usage) for usage in state.usages if usage.objects]
    blocks += [Line.of(Span(state.note, Tone.DIM), wraps=True, key="note")] if state.note else []
    blocks.append(_actions(state))
    return Picture(tuple(blocks), label=f"disk usage {state.where}")


def _chart(state: DiskUsage) -> Chart:
    sizes = tuple((float(at), float(usage.size)) for at, usage in enumerate(state.usages))
    labels = tuple(usage.kind for usage in state.usages)
    return Chart("bars", (Series("size", sizes),), unit="bytes", labels=labels, key="chart", label="disk space")


def _table(state: DiskUsage) -> Grid:
    rows = tuple(
        (
            Span(usage.kind),
            Span(f"{usage.total:,}"),
            Span(f"{usage.active:,}"),
            Span(format_size(usage.size)),
            Span(f"{format_size(usage.reclaimable)}{_percent(usage)}", Tone.WARNING if usage.reclaimable else Tone.DIM),
        )
        for usage in state.usages
    )
    columns = ("TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE")
    keys = tuple(usage.kind for usage in state.usages)
    return Grid(rows, columns, right=frozenset({1, 2, 3, 4}), key="table", keys=keys, label="disk space by kind")


def _percent(usage: Usage) -> str:
    return f" ({usage.reclaimable * 100 // usage.size}%)" if usage.size else ""


def _objects(usage: Usage) -> Section:
    shown = usage.objects[:MOST_OBJECTS]
    columns = ("NAME", "SIZE", "SHARED", "IN USE", "CREATED")
    grid = Grid(tuple(map(_row, shown)), columns, right=frozenset({1, 2, 4}), flexible=0, key=f"each of {usage.kind}")
    more = usage.total - len(shown)
    rest = (Line.of(Span(f"… and {more:,} smaller ones", Tone.DIM)),) if more > 0 else ()
    return Section(Line.of(Span(usage.kind, bold=True)), (grid, *rest), key=f"objects of {usage.kind}")


def _row(one: Stored) -> tuple[Span, ...]:
    size = format_size(one.size) if one.size >= 0 else "–"
    age = Span("", clock=Clock(one.created, style="age")) if one.created else Span("–")
    shared = Span(format_size(one.shared) if one.shared else "–", Tone.DIM)
    return Span(one.name), Span(size), shared, Span("yes" if one.is_active else "no", Tone.DIM), age


def _actions(state: DiskUsage) -> Actions:
    there: Mapping[str, object] = {"context": state.called} if state.called else {}
    prunes = [Action("Prune networks", "docker", ("network", "prune"), there, changes=True)]
    if state.usage(VOLUMES).inactive:
        prunes.insert(0, Action("Prune volumes", "docker", ("volume", "prune"), there, changes=True))
    return Actions(tuple(prunes), key="actions")
