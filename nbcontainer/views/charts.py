"""Charts, laid out once for all drawers: bars and Gantt charts are grids, a line chart is a plot."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Chart, Curve, Plot, Series
from nbcontainer.views.kit import SIGNS, Grid, Span
from nbcontainer.views.scales import Scale, format_value, scale_of

BAR_CELLS = 20
MOST_ROWS = 200  # bars of a chart, or of a Gantt chart
TABLE_ROWS = 12  # rows of a line chart's table
COLUMNS = 300  # places beside each other that a curve's points are reduced to
UNITS = 1000  # the width and height of a plot, in its own units
_FEW = 2 * COLUMNS  # points that are all drawn

Point = tuple[float, float]


def laid_out_chart(chart: Chart) -> Grid | Plot:
    """The chart as a grid, or a line chart as a plot. Points that are not finite are left out, or are gaps."""
    match chart.kind:
        case "bars":
            return _bars(chart)
        case "gantt":
            return _gantt(chart)
        case _:
            return _plot(chart)


# --- bars


def _bars(chart: Chart) -> Grid:
    found: dict[int, list[tuple[Series, float]]] = {}
    for series in chart.series:
        for place, value in series.points:
            if math.isfinite(place):
                found.setdefault(int(place), []).append((series, value))
    entries = [(place, series, value) for place in sorted(found) for series, value in found[place]]
    scale = scale_of([value for _, _, value in entries], chart.unit, zero=True)
    named = len(chart.series) > 1
    rows = []
    last = None
    for place, series, value in entries[:MOST_ROWS]:
        label = chart.labels[place] if 0 <= place < len(chart.labels) else format_value(place)
        rows.append(
            (
                Span(SIGNS.get(series.tone, ""), series.tone),
                Span("" if place == last else label),
                Span(series.name if named else "", Tone.DIM),
                _bar(scale, 0.0, value, series.tone),
                Span(format_value(value, chart.unit)),
            )
        )
        last = place
    return _grid(rows, len(entries), chart, right={4})


def _bar(scale: Scale, start: float, end: float, tone: Tone, *, least: int = 0) -> Span:
    if not (math.isfinite(start) and math.isfinite(end)):
        return Span("╌" * BAR_CELLS, Tone.DIM, bar=(0.0, 0.0))
    first, last = sorted((scale.share(start), scale.share(end)))
    left = min(BAR_CELLS - 1, round(first * BAR_CELLS))
    filled = min(BAR_CELLS - left, max(1, round(last * BAR_CELLS) - left)) if end != start else least
    text = "╌" * left + "━" * filled + "╌" * (BAR_CELLS - left - filled)
    return Span(text, tone, bar=(first, last))


def _grid(
    rows: Sequence[tuple[Span, ...]],
    count: int,
    chart: Chart,
    *,
    columns: tuple[str, ...] = (),
    right: AbstractSet[int],
    optional: AbstractSet[int] = frozenset(),
) -> Grid:
    """The rows, without columns that have no text, and a last row that says how many are left out."""
    kept = [index for index in range(len(rows[0])) if any(row[index].text for row in rows)] if rows else []
    shown = [tuple(row[index] for index in kept) for row in rows]
    if count > len(rows):
        more = Span(f"… {count - len(rows):,} more", Tone.DIM)
        place = next(at for at, index in enumerate(kept) if index > 0)
        shown.append(tuple(more if at == place else Span("") for at in range(len(kept))))
    return Grid(
        tuple(shown) or ((Span("no values", Tone.DIM),),),
        columns=tuple(columns[index] for index in kept) if columns and rows else (),
        right=frozenset(place for place, index in enumerate(kept) if index in right),
        flexible=kept.index(1) if 1 in kept else None,
        optional=frozenset(place for place, index in enumerate(kept) if index in optional),
        chart=True,
        key=chart.key,
        label=chart.label,
    )


# --- Gantt


def _gantt(chart: Chart) -> Grid:
    """A row for each span of time; one without an end goes on until the end of the axis."""
    entries = [
        (series, start, end, index == 0)
        for series in chart.series
        for index, (start, end) in enumerate(series.points)
        if math.isfinite(start)
    ]
    until = [chart.until] if chart.until else []
    scale = scale_of([*until, *(value for _, start, end, _ in entries for value in (start, end))], chart.x)
    length = "seconds" if chart.x == "time" else chart.x
    rows = []
    for series, start, end, first in entries[:MOST_ROWS]:
        open_ended = not math.isfinite(end)
        end = scale.high if open_ended else end  # noqa: PLW2901 - an open end is the axis' end
        rows.append(
            (
                Span(SIGNS.get(series.tone, ""), series.tone),
                Span(series.name if first else ""),
                Span(format_value(start, chart.x), Tone.DIM),
                _bar(scale, start, end, series.tone, least=1),
                Span(format_value(end - start, length) + (" so far" if open_ended else "")),
            )
        )
    axis = f"{format_value(scale.low, chart.x)} – {format_value(scale.high, chart.x)}"
    return _grid(rows, len(entries), chart, columns=("", "", "start", axis, "took"), right={2, 4}, optional={2})


# --- lines


def _plot(chart: Chart) -> Plot:
    series = [(each, sorted(point for point in each.points if math.isfinite(point[0]))) for each in chart.series]
    across = scale_of([x for _, points in series for x, _ in points], chart.x)
    upward = scale_of([y for _, points in series for _, y in points], chart.unit, zero=True)
    return Plot(
        curves=tuple(
            Curve(each.name, *_paths(points, across, upward), _latest(points, chart.unit), each.tone)
            for each, points in series
        ),
        across=tuple(across.ticks()) if any(points for _, points in series) else (),
        upward=tuple(upward.ticks()),
        table=_table(chart, [points for _, points in series]),
        note=_note(chart, [points for _, points in series]),
        key=chart.key,
        label=chart.label,
    )


def _latest(points: Sequence[Point], unit: str) -> str:
    return next((format_value(y, unit) for _, y in reversed(points) if math.isfinite(y)), "")


def _paths(points: Sequence[Point], across: Scale, upward: Scale) -> tuple[str, str]:
    """The curve as an SVG path, with y downwards, and its points that have no neighbours."""
    runs: list[list[str]] = [[]]
    for x, y in _reduced(points, across):
        if math.isfinite(y):
            runs[-1].append(f"{round(across.share(x) * UNITS)} {round((1 - upward.share(y)) * UNITS)}")
        elif runs[-1]:
            runs.append([])
    curve = "".join("M" + "L".join(run) for run in runs if len(run) > 1)
    return curve, "".join(f"M{run[0]}h0" for run in runs if len(run) == 1)


def _reduced(points: Sequence[Point], across: Scale) -> Iterable[Point]:
    """All points if they are few; else of each column the first, the lowest, the highest and the last."""
    return points if len(points) <= _FEW else _of_each_column(points, across)


def _of_each_column(points: Sequence[Point], across: Scale) -> Iterator[Point]:
    columns: dict[int, list[Point]] = {}
    for point in points:
        columns.setdefault(int(across.share(point[0]) * COLUMNS), []).append(point)
    for column in columns.values():
        known = [index for index, (_, y) in enumerate(column) if math.isfinite(y)]
        if not known:
            yield column[0]  # a gap
            continue
        ends = (known[0], known[-1])
        peaks = (min(known, key=lambda index: column[index][1]), max(known, key=lambda index: column[index][1]))
        yield from (column[index] for index in sorted({*ends, *peaks}))


def _table(chart: Chart, series: Sequence[Sequence[Point]]) -> Grid:
    """The values as a table: all of them, or some at even distances. With one series it has bars, too."""
    places = sorted({x for points in series for x, _ in points})
    if len(places) > TABLE_ROWS:
        last = len(places) - 1
        places = [places[round(index * last / (TABLE_ROWS - 1))] for index in range(TABLE_ROWS)]
    if not places:
        return Grid(((Span("no values", Tone.DIM),),), label=chart.label)
    values = [[_value_at(points, x) for points in series] for x in places]
    scale = scale_of([value for row in values for value in row], chart.unit, zero=True)
    step = (places[-1] - places[0]) / len(places)
    rows = []
    for x, row in zip(places, values, strict=True):
        cells = [Span(format_value(x, chart.x, step), Tone.DIM)]
        if len(row) == 1:
            cells.append(_bar(scale, 0.0, row[0], chart.series[0].tone))
        rows.append((*cells, *(Span(format_value(value, chart.unit)) for value in row)))
    bars = ("",) if len(series) == 1 else ()
    names = tuple(f"{SIGNS.get(each.tone, '')} {each.name or 'value'}".lstrip() for each in chart.series)
    columns = (chart.x or "x", *bars, *names)
    return Grid(
        tuple(rows),
        columns,
        right=frozenset(range(len(columns))) - ({1} if bars else set()),
        chart=True,
        label=chart.label,
    )


def _value_at(points: Sequence[Point], x: float) -> float:
    """The value at a place, or the last one before it."""
    index = bisect.bisect_right(points, x, key=lambda point: point[0])
    return points[index - 1][1] if index else math.nan


def _note(chart: Chart, series: Sequence[Sequence[Point]]) -> str:
    """What the table leaves out."""
    count = max(map(len, series), default=0)
    finite = [y for points in series for _, y in points if math.isfinite(y)]
    if count <= TABLE_ROWS or not finite:
        return ""
    least, most = (format_value(value, chart.unit) for value in (min(finite), max(finite)))
    return f"{TABLE_ROWS} of {count:,} points; the lowest value is {least}, the highest {most}"
