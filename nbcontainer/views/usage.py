"""What pods, containers or nodes use: a table beside what they may use, and charts of what they used before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nbcontainer import views
from nbcontainer.model.tables import Tone
from nbcontainer.model.usage import Measured, ResourceUsage, Usages, UsageState
from nbcontainer.views.kit import SIGNS, Grid, Line, Picture, Span
from nbcontainer.views.registry import draws, shows
from nbcontainer.views.text import as_text
from nbcontainer.views.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nbcontainer.views.blocks import Block

MOST_ROWS = 200
MOST_CURVES = 5  # of a chart: those that use most now
NEARLY = 0.9  # of a limit
UNKNOWN = "–"
MEBIBYTE = 2**20


@shows(UsageState)
class UsageView(View[Measured, UsageState]):
    """The table, and below it the charts, once there are two measurements."""

    def is_empty(self, state: UsageState) -> bool:
        """Whether nothing was measured yet."""
        return not state.usages and not state.note

    def line(self, event: Measured) -> str | None:
        """The whole table again, as `watch kubectl top` prints it."""
        kind = "container" if any(one.container for one in event.usages) else "pod"
        state = UsageState(kind, everywhere=True, usages=event.usages)
        return as_text(Picture((_grid(state),))) if event.usages else event.note or None

    def render(self, state: UsageState) -> Picture:
        """The table and the charts."""
        head = [Span(f"{state.kind}s", bold=True), Span("  "), Span(state.where, Tone.DIM, chip=True)]
        head.append(Span(f"  {len(state.usages):,}", Tone.DIM))
        blocks: list[Block] = [Line(tuple(head), head=True)]
        if state.note:
            blocks.append(Line.of(Span(state.note, Tone.DIM), wraps=True, key="note"))
        blocks.append(_grid(state) if state.usages else Line.of(Span("There are none.", Tone.DIM)))
        if len(state.usages) > MOST_ROWS:
            blocks.append(Line.of(Span(f"… and {len(state.usages) - MOST_ROWS:,} more", Tone.DIM), key="more"))
        if any(len(points) > 1 for points in state.history.values()):
            blocks += [*_chart(state, "CPU, in cores", 1, ""), *_chart(state, "Memory", 2, "bytes")]
        return Picture(tuple(blocks), label=f"usage of {state.kind}s")


@draws(Usages)
def _usages(usages: Usages) -> Picture:
    return UsageView().render(usages.state)


def _grid(state: UsageState) -> Grid:
    names = [("NAMESPACE", "namespace")] if state.everywhere else []
    names += [("NAME" if state.kind == "node" else "POD", "name")]
    names += [("CONTAINER", "container")] if state.kind == "container" else []
    limited = ("ALLOCATABLE", "%") if state.kind == "node" else ("REQUEST", "LIMIT", "% OF LIMIT")
    columns = (*(title for title, _ in names), "CPU(cores)", *limited, "MEMORY(bytes)", *limited)
    first = len(names)
    rows = [(*(Span(getattr(one, name)) for _, name in names), *_used(state, one)) for one in state.usages[:MOST_ROWS]]
    keys = [one.key for one in state.usages[:MOST_ROWS]]
    if state.total:
        total = ResourceUsage(
            "", cpu=_sum(one.cpu for one in state.usages), memory=_sum(one.memory for one in state.usages)
        )
        rows.append((Span("total", bold=True), *(Span("") for _ in names[1:]), *_used(state, total)))
        keys.append("total")
    return Grid(
        tuple(rows),
        columns,
        right=frozenset(range(first, len(columns))),
        flexible=first - 1,
        optional=frozenset(place for place, title in enumerate(columns) if title == "REQUEST"),
        key="usage",
        keys=tuple(keys),
        label=f"usage of {state.kind}s",
    )


def _used(state: UsageState, one: ResourceUsage) -> list[Span]:
    cpu = _of_limit(state, one.cpu, one.cpu_request, one.cpu_limit, format_cores)
    return [*cpu, *_of_limit(state, one.memory, one.memory_request, one.memory_limit, format_mebibytes)]


def _of_limit(
    state: UsageState, used: float | None, request: float | None, limit: float | None, form: Callable[[float], str]
) -> list[Span]:
    """The use, the request, the limit, and the share of the limit."""
    share = used / limit if used is not None and limit else None
    tone = Tone.WARNING if share is not None and share >= NEARLY else Tone.PLAIN
    sign = f"{SIGNS[tone]} " if tone else ""
    return [
        _number(used, form, bold=True),
        *([] if state.kind == "node" else [_number(request, form)]),
        _number(limit, form),
        Span(UNKNOWN, Tone.DIM) if share is None else Span(f"{sign}{int(share * 100)}%", tone),
    ]


def _number(value: float | None, form: Callable[[float], str], *, bold: bool = False) -> Span:
    return Span(UNKNOWN, Tone.DIM) if value is None else Span(form(value), bold=bold)


def format_cores(cores: float) -> str:
    """Thousandths of a core, as kubectl has it: "12m"."""
    return f"{math.ceil(round(cores * 1000, 6))}m"


def format_mebibytes(size: float) -> str:
    """Mebibytes, as kubectl has it: "34Mi"."""
    return f"{int(size // MEBIBYTE)}Mi"


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _chart(state: UsageState, title: str, place: int, unit: str) -> Sequence[Block]:
    """One chart: of those that use most now."""
    most = sorted(state.history.items(), key=lambda pair: -pair[1][-1][place])[:MOST_CURVES]
    series = tuple(
        views.blocks.Series(key, tuple((point[0], point[place]) for point in points)) for key, points in most
    )
    chart = views.blocks.Chart("line", series, unit=unit, x="time", key=f"chart {title}", label=title)
    return Line.of(Span(title, bold=True), key=f"title {title}"), chart
