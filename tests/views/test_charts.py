"""Charts: what they say, whatever their points are."""

import math
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Chart, Plot, Series
from nbcontainer.views.kit import Grid, Picture
from nbcontainer.views.layout import laid_out
from nbcontainer.views.scales import format_value, scale_of
from nbcontainer.views.text import as_text
from tests.views.random_blocks import charts, numbers

MOMENT = time.mktime((2026, 11, 30, 10, 42, 7, 0, 0, -1))
NUMBER = re.compile(r"-?\d+")


def drawn(chart):
    return laid_out(Picture((chart,))).blocks[0]


def text(chart):
    block = drawn(chart)
    return as_text(Picture((block.table if isinstance(block, Plot) else block,))).splitlines()


def test_bars_are_in_proportion_and_say_their_values():
    sizes = Series("size", ((0, 1_200_000_000), (1, 300_000_000), (2, 0)))
    assert text(Chart("bars", (sizes,), unit="bytes", labels=("golang", "node", "scratch"))) == [
        "golang   ━━━━━━━━━━━━━━━━╌╌╌╌  1.2 GB",
        "node     ━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  300 MB",
        "scratch  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌     0 B",
    ]


def test_bars_of_several_series_have_their_names_and_a_tone_has_its_sign():
    used = Series("used", ((0, 3), (1, -1)), Tone.BAD)
    free = Series("free", ((0, 1), (1, math.nan)))
    assert text(Chart("bars", (used, free), labels=("cpu", "memory"))) == [
        "✕  cpu     used  ╌╌╌╌╌━━━━━━━━━━━━━━━   3",
        "           free  ╌╌╌╌╌━━━━━╌╌╌╌╌╌╌╌╌╌   1",
        "✕  memory  used  ━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  −1",
        "           free  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌   –",
    ]


def test_a_gantt_chart_has_when_and_how_long():
    rows = (
        Series("FROM golang", ((MOMENT, MOMENT + 1),), Tone.CACHED),
        Series("RUN go build", ((MOMENT + 1, MOMENT + 10), (MOMENT + 15, MOMENT + 20))),
        Series("push", ((MOMENT + 15, math.inf),), Tone.RUNNING),
    )
    assert text(Chart("gantt", rows, x="time")) == [
        "                    start  10:42:07 – 10:42:27           took",
        "●  FROM golang   10:42:07  ━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌         1.0 s",
        "   RUN go build  10:42:08  ╌━━━━━━━━━╌╌╌╌╌╌╌╌╌╌         9.0 s",
        "                 10:42:22  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌━━━━━         5.0 s",
        "◐  push          10:42:22  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌━━━━━  5.0 s so far",
    ]


def test_a_line_is_a_path_from_the_bottom_with_gaps_and_dots():
    plot = drawn(Chart("line", (Series("cpu", ((0, 0), (1, 2), (2, math.nan), (4, 4))),), x="seconds"))
    assert (plot.curves[0].path, plot.curves[0].dots) == ("M0 1000L250 500", "M1000 0h0")
    assert plot.curves[0].latest == "4"
    assert plot.across == ((0.0, "0 s"), (0.25, "1 s"), (0.5, "2 s"), (0.75, "3 s"), (1.0, "4 s"))
    assert plot.upward == ((0.0, "0"), (0.25, "1"), (0.5, "2"), (0.75, "3"), (1.0, "4"))


def test_a_line_is_a_table_in_text():
    series = (Series("cpu", ((0, 0.5), (2, math.nan))), Series("memory", ((0, 1), (1, 2)), Tone.WARNING))
    assert text(Chart("line", series, x="seconds")) == [
        "seconds  cpu  ! memory",
        "  0.0 s  0.5         1",
        "  1.0 s  0.5         2",
        "  2.0 s    –         2",
    ]


def test_many_points_are_reduced_without_losing_the_peaks():
    points = tuple((MOMENT + index, 1.0) for index in range(10_000))
    points = (*points[:4321], (MOMENT + 4321, 50.0), *points[4322:])
    plot = drawn(Chart("line", (Series("cpu", points),), x="time"))
    heights = [int(y) for y in re.findall(r" (\d+)", plot.curves[0].path)]
    assert len(plot.curves[0].path) < 20_000
    assert plot.upward[-1] == (1.0, "60")
    assert {min(heights), max(heights)} == {round(1000 - 50 / 60 * 1000), round(1000 - 1 / 60 * 1000)}
    assert len(plot.table.rows) == 12
    assert plot.note == "12 of 10,000 points; the lowest value is 1, the highest 50"


@pytest.mark.parametrize("kind", ["bars", "gantt", "line"])
@pytest.mark.parametrize("series", [(), (Series("empty", ()),), (Series("unknown", ((math.nan, math.nan),)),)])
def test_a_chart_without_values_says_so(kind, series):
    assert text(Chart(kind, series)) == ["no values"]


def test_too_many_bars_are_counted():
    bars = Series("", tuple((index, 1.0) for index in range(1_500)))
    lines = text(Chart("bars", (bars,)))
    assert len(lines) == 201
    assert lines[-1].strip() == "… 1,300 more"


def test_values_have_their_units():
    assert [format_value(value, "bytes") for value in (0, 999, 7_900_000, -1500, math.nan)] == [
        "0 B", "999 B", "7.9 MB", "−1.5 kB", "–",
    ]  # fmt: skip
    assert [format_value(value, "seconds") for value in (0, 0.05, 14.2, -3, 3725)] == [
        "0.0 s", "50 ms", "14.2 s", "−3.0 s", "1 h 02 min",
    ]  # fmt: skip
    assert [format_value(value) for value in (0, 1204, 0.5, 12.3456, 1e20, -2e-9)] == [
        "0", "1,204", "0.5", "12.35", "1e+20", "−2e-09",
    ]  # fmt: skip
    assert format_value(MOMENT, "time") == "10:42:07"
    assert format_value(1e300, "time") == "1e+300"


@given(
    values=st.lists(numbers, max_size=6),
    unit=st.sampled_from(["", "bytes", "seconds", "time"]),
    zero=st.booleans(),
)
@example(values=[1e15, 1e15 + 0.125], unit="", zero=False)
@example(values=[0.0, 5e-324], unit="", zero=False)
@example(values=[-1.7e308, 1.7e308], unit="", zero=True)
def test_every_value_has_a_place_on_its_scale(values, unit, zero):
    scale = scale_of(values, unit, zero=zero)
    ticks = scale.ticks()
    assert scale.low < scale.high
    assert len(ticks) <= 21
    places = [place for place, _ in ticks]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    finite = sorted(value for value in values if math.isfinite(value))
    shares = [scale.share(value) for value in finite]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)


@given(charts())
def test_a_chart_is_drawn_whatever_its_points_are(chart):
    block = drawn(chart)
    if isinstance(block, Plot):
        for curve in block.curves:
            assert re.fullmatch(r"(M\d+ \d+(L\d+ \d+)+)*", curve.path)
            assert re.fullmatch(r"(M\d+ \d+h0)*", curve.dots)
            assert all(int(number) <= 1000 for number in NUMBER.findall(curve.path + curve.dots))
        block = block.table
    assert isinstance(block, Grid)
    widths = {len(row) for row in block.rows}
    assert widths == {len(block.columns) or len(block.rows[0])}
    for row in block.rows:
        for span in row:
            assert span.bar is None or (0 <= span.bar[0] <= span.bar[1] <= 1)
