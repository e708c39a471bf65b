"""Lines of a log over time as a chart."""

from __future__ import annotations

from nbcontainer.model.log_fields import LogCounts
from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import one_line
from nbcontainer.views.blocks import Block, Chart, Series
from nbcontainer.views.kit import Line, Picture, Span
from nbcontainer.views.quantities import format_lines
from nbcontainer.views.registry import draws

TONES = {
    "fatal": Tone.BAD,
    "error": Tone.BAD,
    "warning": Tone.WARNING,
    "info": Tone.RUNNING,
    "debug": Tone.DIM,
    "trace": Tone.DIM,
}
_OTHERS = (Tone.RUNNING, Tone.GOOD, Tone.CACHED, Tone.PLAIN, Tone.DIM)


@draws(LogCounts)
def render(counts: LogCounts) -> Picture:
    """A line for each level, source or value, above the time; and how many lines have no time."""
    total = sum(map(sum, counts.counts.values()))
    seconds = f"{counts.step:g} s"
    heading = [Span("lines over time", bold=True), Span("  "), Span(one_line(counts.title, 80), Tone.DIM, chip=True)]
    heading.append(Span(f"  {format_lines(total)} by {one_line(counts.by)}, each {seconds}", Tone.DIM))
    blocks: list[Block] = [Line(tuple(heading), head=True)]
    if counts.counts:
        series = [_series(counts, name, number) for number, name in enumerate(counts.counts)]
        blocks.append(Chart("line", tuple(series), x="time", key="chart", label=f"lines in {seconds}"))
    if counts.undated:
        note = f"{format_lines(counts.undated)} without a time"
        cure = "" if counts.counts else ": read the log with timestamps=True"
        blocks.append(Line.of(Span(f"{note}{cure}", Tone.DIM)))
    return Picture(tuple(blocks), label=f"lines over time of {one_line(counts.title, 80)}")


def _series(counts: LogCounts, name: str, number: int) -> Series:
    values = counts.counts[name]
    points = [(counts.start + at * counts.step, float(value)) for at, value in enumerate(values)]
    if len(points) == 1:  # a line needs two
        points.append((counts.start + counts.step, points[0][1]))
    return Series(one_line(name, 40), tuple(points), TONES.get(name, _OTHERS[number % len(_OTHERS)]))
