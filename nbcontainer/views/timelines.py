"""A timeline: periods as a Gantt chart, the log's lines over the same time, and what happened, in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbcontainer.model.tables import Tone
from nbcontainer.model.timelines import Moment, Timeline
from nbcontainer.views.blocks import Action, Actions, Chart, Series
from nbcontainer.views.kit import SIGNS, Grid, Line, Picture, Span
from nbcontainer.views.quantities import format_age
from nbcontainer.views.registry import draws
from nbcontainer.views.scales import format_value

if TYPE_CHECKING:
    from nbcontainer.model.log_fields import LogCounts
    from nbcontainer.views.blocks import Block

MOST_MOMENTS = 200  # that are shown: of more, the newest
MOST_ACTIONS = 4
BEFORE = 2  # seconds of a log before the moment that it is opened at


@draws(Timeline)
def _timeline(timeline: Timeline) -> Picture:
    head = (Span(f"timeline of {timeline.kind}/{timeline.name}", bold=True), Span("  "))
    blocks: list[Block] = [Line((*head, Span(timeline.where, Tone.DIM, chip=True)), head=True)]
    if timeline.periods:
        series = [Series(f"{one.subject}  {one.state}", ((one.start, one.end),), one.tone) for one in timeline.periods]
        chart = Chart("gantt", tuple(series), x="time", until=timeline.time, key="periods", label="states over time")
        blocks.append(chart)
    if timeline.lines is not None and timeline.lines.counts:
        blocks += [Line.of(Span(f"log lines in {timeline.lines.step:g} s", Tone.DIM)), _lines(timeline.lines)]
    hidden = len(timeline.moments) - MOST_MOMENTS
    if hidden > 0:
        blocks.append(Line.of(Span(f"… {hidden:,} earlier", Tone.DIM)))
    if timeline.moments:
        blocks.append(_moments(timeline.moments[-MOST_MOMENTS:]))
    actions = _actions(timeline)
    return Picture(
        (*blocks, Actions(actions, key="logs")) if actions else tuple(blocks), label=f"timeline of {timeline.name}"
    )


def _lines(counts: LogCounts) -> Chart:
    series = [
        Series(name, tuple((counts.start + at * counts.step, float(value)) for at, value in enumerate(values)))
        for name, values in counts.counts.items()
    ]
    return Chart("line", tuple(series), x="time", key="lines", label="log lines")


def _moments(moments: tuple[Moment, ...]) -> Grid:
    rows = []
    for one in moments:
        times = f" ×{one.count} in {format_age(one.time - one.first)}" if one.count > 1 and one.first else ""
        rows.append(
            (
                Span(SIGNS.get(one.tone, ""), one.tone),
                Span(format_value(one.time, "time"), Tone.DIM),
                Span(one.reason + times, one.tone),
                Span(one.subject),
                Span(one.message),
            )
        )
    return Grid(tuple(rows), flexible=4, wraps=True, key="moments", label="what happened")


def _actions(timeline: Timeline) -> tuple[Action, ...]:
    """The log from shortly before the last moments at which something went wrong."""
    found: dict[str, Action] = {}
    for one in reversed(timeline.moments):
        if one.tone is not Tone.WARNING or not one.pod or one.pod in found:
            continue
        since = datetime.fromtimestamp(one.time - BEFORE, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        values = {"pod": [one.pod], "since_time": since, "timestamps": True, "namespace": timeline.namespace}
        words = f"Log of {one.pod} at {format_value(one.time, 'time')}"
        found[one.pod] = Action(words, "kpod", ("logs",), values)
    return tuple(found.values())[:MOST_ACTIONS]
