"""Structured logs: fields and levels of JSON, logfmt and other lines; which lines, and how many over time."""

import pytest

from nbcontainer.errors import UsageError
from nbcontainer.model.log_fields import fields_of, level_of
from nbcontainer.model.log_lines import LogLine, chunks_of
from nbcontainer.model.logs import LogLines, LogResult, LogState, apply_logs
from nbcontainer.views.html import as_html
from nbcontainer.views.log_fields import render
from nbcontainer.views.text import as_text

NOON = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"level":"error","msg":"no"}', "error"),
        ('{"ts": 1, "Level" : "info"}', ""),
        ('{"msg":"hi","severity": "WARNING"}', "warning"),
        ('{"level":50,"msg":"pino"}', "error"),
        ('{"level":10}', "trace"),
        ('{"@l":"Fatal"}', "fatal"),
        ("time=now level=warn msg=x", "warning"),
        ('lvl="dbug" lvl=eror', ""),
        ("I1123 10:42:07.113200       1 main.go:5] started", "info"),
        ("E1123 10:42:07.113200       1 main.go:5] failed", "error"),
        ("2026-11-23 10:42:07,113 ERROR [main] it failed", "error"),
        ("\x1b[33mWARN\x1b[0m it is late", "warning"),
        ("[10:42:07] [info] nothing", "info"),
        ("no error here", ""),
        ("an ERROR far away from the beginning", ""),
        ("GET /error 200", ""),
        ("", ""),
    ],
)
def test_levels(text, level):
    assert level_of(text) == level


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"a": 1, "http": {"status": 500, "ok": false}, "l": [1], "e": {}}',
         {"a": 1, "http.status": 500, "http.ok": False, "l": [1], "e": {}}),
        ('  {"a": 1}  \r', {"a": 1}),
        ('{"a": 1', {}),
        ("[1, 2]", {}),
        ('level=info msg="hello \\"you\\"" took=1.5 n=-3 empty= id=007', {
            "level": "info", "msg": 'hello "you"', "took": 1.5, "n": -3, "empty": "", "id": "007"}),
        ("a single pair=1 is chance", {}),
        ("but two=1 are=2", {"two": 1, "are": 2}),
        ("first=1", {"first": 1}),
        ("GET /?a=1&b=2", {}),
        ("{" * 100_000, {}),
    ],
)  # fmt: skip
def test_fields(text, fields):
    assert fields_of(text) == fields


def result_of(*lines):
    state = apply_logs(LogState("web"), LogLines(tuple(chunks_of(lines))))
    return LogResult(state)


@pytest.fixture
def result():
    """A log of two pods."""
    return result_of(
        LogLine("web-1", '{"level":"info","status":200,"path":"/a"}', NOON),
        LogLine("web-2", "level=error status=500 path=/b", NOON + 30),
        LogLine("web-1", '{"level":"warn","status":"500","user":{"name":"ann"}}', NOON + 31),
        LogLine("web-1", "plain", NOON + 32),
    )


def test_which_lines(result):
    assert [line.time - NOON for line in result.where(level="error")] == [30]
    assert [line.time - NOON for line in result.where(level=["ERR", "warning"])] == [30, 31]
    both = result.where(status=500)
    assert len(both) == 2
    assert both[0].source == "web-2"
    assert both[-1:] == (result[2],)
    assert list(both.where(source="web-1")) == [result[2]]
    assert list(both.where(status=200)) == []
    assert list(result.where(**{"user.name": "ann"})) == [result[2]]
    assert repr(both) == "LogMatches(web where status=500, 2 of 4 lines)"
    with pytest.raises(UsageError, match="There is no level 'loud'"):
        result.where(level="loud")
    assert result.levels == {"info": 1, "warning": 1, "error": 1, "": 1}


def test_records_have_each_field(result):
    first, second, third, last = result.records()
    assert first == {
        "time": NOON, "source": "web-1", "level": "info", "status": 200, "path": "/a", "text": result[0].text,
    }  # fmt: skip
    assert (second["level"], second["status"], third["user.name"], last["level"]) == ("error", 500, "ann", "")
    (own,) = result_of(LogLine("web", '{"time": "12:00", "source": "x", "level": "info"}', NOON)).records()
    assert (own["time"], own["time_"], own["source"], own["source_"]) == (NOON, "12:00", "web", "x")


def test_lines_over_time(result):
    counts = result.chart()
    assert (counts.start, counts.step) == (NOON, 0.5)
    assert {name: sum(values) for name, values in counts.counts.items()} == {
        "info": 1, "warning": 1, "error": 1, "no level": 1,
    }  # fmt: skip
    assert counts.counts["error"][60] == 1
    assert set(result.chart("source").counts) == {"web-1", "web-2"}
    assert set(result.chart("status").counts) == {"200", "500", "no status"}
    text = as_text(render(counts))
    assert text.startswith("lines over time  web  4 lines by level, each 0.5 s")
    assert "error" in text
    assert "<svg" in as_html(render(counts))


def test_times_of_lines_that_have_only_their_own():
    times = ['{"ts": 1790000000}', '{"ts": 1790000001000}', "time=2026-09-21T14:13:22Z a=1", "no time"]
    counts = result_of(*(LogLine("web", text) for text in times)).chart()
    assert (counts.start, sum(counts.counts["no level"]), counts.undated) == (NOON, 3, 1)
    nothing = result_of(LogLine("web", "no time")).chart()
    assert "1 line without a time: read the log with timestamps=True" in as_text(render(nothing))


def test_many_values_are_together_from_the_ninth_on():
    counts = result_of(*(LogLine(f"web-{number}", "x", NOON) for number in range(20))).chart("source")
    assert len(counts.counts) == 8
    assert counts.counts["others"] == (13,)


def test_matches_are_drawn(result):
    shown = result._repr_mimebundle_()["text/plain"], result.where(level="error")._repr_mimebundle_()["text/plain"]
    assert "plain" in shown[0]
    assert "web where level=error  1 of 4 lines" in shown[1]
    assert "plain" not in shown[1]
