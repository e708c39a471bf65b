import json
import re
import time
from contextlib import closing

import pytest

from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.events import SpoolCut
from nbcontainer.model.log_lines import LogLine, chunks_of
from nbcontainer.model.logs import LogEnded, LogLines, LogSource, LogState, apply_logs
from nbcontainer.operation import Operation
from nbcontainer.settings import settings
from nbcontainer.views.html import as_html
from nbcontainer.views.logs import MOST_CHARACTERS, RANGE_LINES, TAIL_LINES, LogView
from nbcontainer.views.text import as_text

HOSTILE = "<script>alert(1)</script>\x1b]8;;http://evil\x07link\x1b]8;;\x07 \x1b[31mred\u202egnp.exe\x00"


def lines(count, first=0, source="web"):
    return [LogLine(source, f"line {number}", 1_790_000_000.0 + number) for number in range(first, first + count)]


def event(*given):
    """The event of some lines."""
    return LogLines(tuple(chunks_of(given)))


def events(count, first=0, size=500):
    """The events of so many lines, in chunks of `size`."""
    return [event(*lines(min(size, first + count - at), at)) for at in range(first, first + count, size)]


def written(*given):
    """The path of a log's file with these lines."""
    with closing(LogWriter("log")) as writer:
        write(writer, given)
    return writer.path


def write(writer, given):
    for line in given:
        writer.channel(line.source, line.stream).feed(f"{line.text}\n".encode(), line.time)
    writer.flush()


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """The folder of the logs' files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "spool_directory", str(tmp_path_factory.mktemp("spool")))
        yield


def folded(*events, **changes):
    state = LogState(title="deploy/web", **changes)
    for event in events:
        state = apply_logs(state, event)
    return state


def test_plain_lines_name_the_source_only_where_there_are_several():
    view = LogView()
    assert view.line(event(*lines(2))) == "line 0\nline 1"
    assert view.line(event(*lines(1, source="db"))) == "db | line 0"
    assert view.line(LogSource("db", open=True)) is None
    assert view.line(LogSource("db", open=True, note="restarted")) == "— db: restarted —"
    assert view.line(LogSource("db", open=False, note="db was deleted")) == "— db was deleted —"
    assert view.line(LogLines(())) is None
    assert view.line(LogEnded()) is None


def test_a_picture_has_the_last_lines_and_says_where_the_rest_is():
    state = folded(*events(1_500), spool="/spool/web.log", followed=True)
    text = as_text(LogView().render(state)).splitlines()
    assert text[0] == "Logs  deploy/web  1,500 lines · 13.9 kB  ● following"
    assert text[1] == "… 1,300 lines before these; all of them are in /spool/web.log"
    assert text[2].endswith("line 1300")
    assert text[-1].endswith("line 1499")


def test_a_picture_of_several_sources_has_them_in_a_column():
    sources = [LogSource("web-1", open=True), LogSource("db", open=True)]
    state = folded(*sources, event(LogLine("web-1", "a"), LogLine("db", "b")))
    text = as_text(LogView().render(state)).splitlines()
    assert text[1:] == ["  │ web-1 | a", "  │ db    | b"]


def test_a_terminal_gets_each_line_once_even_those_only_in_the_spool_file():
    path = written(*lines(5_001))  # the file may be ahead of the state
    state = folded(*events(5_000), spool=path)
    assert state.chunks[0].lines[0].text == "line 3000"
    view, printed = LogView(), ""
    while text := view.fresh(state, coloured=False):
        printed += text
    assert printed.splitlines() == [f"line {number}" for number in range(5_000)]
    state = apply_logs(apply_logs(state, event(*lines(1, first=5_000))), LogSource("", open=True, note="the end"))
    assert view.fresh(state, coloured=False) == "line 5000\n— the end —\n"


def test_a_terminal_shows_notes_between_the_lines_where_they_were_made():
    joined, left = LogSource("db", open=True, note="db joined"), LogSource("web", open=False, note="web was deleted")
    state = folded(event(*lines(1)), joined, event(*lines(1, source="db")), left)
    view = LogView()
    told = view.fresh(state, coloured=False).splitlines()
    assert [text.partition(" | ")[2] or text for text in told] == [
        "line 0",
        "— db joined —",
        "line 0",
        "— web was deleted —",
    ]
    for number in range(60):  # more than the state keeps
        state = apply_logs(state, LogSource("", open=True, note=f"note {number}"))
    assert view.fresh(state, coloured=False).splitlines() == [f"— note {number} —" for number in range(10, 60)]
    assert view.fresh(state, coloured=False) == ""


def test_without_the_spool_file_a_terminal_gets_the_lines_in_memory(tmp_path):
    state = folded(*events(5_000), spool=str(tmp_path / "gone.log"))
    printed = LogView().fresh(state, coloured=False).splitlines()
    assert printed == [
        "— 3,000 lines skipped: not saved to a file —",
        *(f"line {number}" for number in range(3_000, 5_000)),
    ]


def test_a_terminal_names_the_sources_where_there_are_several_each_in_its_colour():
    sources = [LogSource("web-1", open=True), LogSource("db", open=True)]
    state = folded(*sources, event(LogLine("web-1", "\x1b[31mred\x1b[0m"), LogLine("db", "b")))
    assert LogView().fresh(state, coloured=False) == "web-1 | red\ndb    | b\n"
    assert LogView().fresh(state, coloured=True) == (
        "\x1b[36mweb-1 |\x1b[0m \x1b[31mred\x1b[0m\n\x1b[35mdb    |\x1b[0m b\n"
    )


def test_hostile_lines_stay_text_on_every_surface():
    hostile = event(LogLine(HOSTILE, HOSTILE), LogLine("web", HOSTILE))
    state = folded(hostile, LogSource(HOSTILE, open=True, note=HOSTILE), where=HOSTILE)
    drawn = LogView().render(state)
    coloured = LogView().fresh(state, coloured=True)
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(re.sub(r"\x1b\[[0-9;]*m", "", coloured))
    text, html, line = as_text(drawn), as_html(drawn), LogView().line(hostile)
    for shown in (text, html, line, LogView().fresh(state, coloured=False)):
        assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(shown)
        assert "U+202E" in shown
    assert "<script" not in html


# --- the page


def test_the_page_gets_the_newest_lines_however_many_there_are():
    view = LogView()
    before = folded(event(*lines(10)))
    few = apply_logs(before, event(*lines(3, 10)))
    message = view.wire(before, few)
    assert (message["first"], message["total"], message["names"]) == (10, 13, ["web"])
    assert [line[1] for line in message["lines"]] == ["line 10", "line 11", "line 12"]
    flood = before
    for start in range(10, 50_010, 1_000):
        flood = apply_logs(flood, event(*lines(1_000, start)))
    message = view.wire(before, flood)
    assert (message["first"], message["total"]) == (50_010 - TAIL_LINES, 50_010)
    assert len(message["lines"]) == TAIL_LINES
    assert view.wire(flood, flood) is None


def test_the_page_gets_changes_of_sources():
    view = LogView()
    before = folded(event(*lines(1)), LogSource("web", open=True, note="one"), followed=True)
    after = apply_logs(apply_logs(before, LogSource("web", open=True, note="two")), LogEnded())
    assert view.wire(before, after) == {"ending": ["✓ ended", "dim"], "sources": {"web": False}, "notes": [[1, "two"]]}
    for number in range(60):  # the state keeps fifty
        before, after = after, apply_logs(after, LogSource("web", open=True, note=f"note {number}"))
        assert view.wire(before, after)["notes"] == [[1, f"note {number}"]]


def test_a_message_is_bounded():
    nasty = LogLine("we\udc80b", "x" * 1_000_000 + "\ud800", stream="stderr")
    message = LogView().wire(None, folded(event(nasty, LogLine("web", "\ud800"))))
    json.dumps(message, ensure_ascii=False).encode()
    assert len(message["lines"][0][1]) < MOST_CHARACTERS + 60
    assert message["lines"][0][1].endswith("… 995,001 more characters")
    assert message["lines"][0][3] == 1


# --- ranges and search, over a real spool file


@pytest.fixture(scope="module")
def spooled():
    """An operation whose log has 30,000 lines; the state holds the last 2,000."""
    writer = LogWriter("web")
    operation = LogOperation("log", LogState(title="web", spool=writer.path, followed=True), endless=True)

    def work(progress):
        writer.report_to(progress)
        for start in range(0, 30_000, 500):
            write(writer, lines(500, start, source=f"web-{start % 3}"))
        writer.close()
        while not progress.stopping:
            time.sleep(0.01)

    operation.start_thread(work)
    while operation.state.total < 30_000:
        operation.wait(5, revision=operation.revision)
    yield operation
    operation.stop()
    operation.wait(5)


@pytest.mark.parametrize("first", [0, 1, 255, 4_321, 27_999, 28_000, 29_990, 29_999])
def test_any_range_of_lines_can_be_requested(spooled, first):
    answer = LogView().act(spooled, {"type": "lines", "first": first, "count": 300})
    assert answer["first"] == first
    expected = [f"line {number}" for number in range(first, min(30_000, first + 300))]
    assert [line[1] for line in answer["lines"]] == expected
    assert answer["names"][answer["lines"][0][0]] == f"web-{first // 500 * 500 % 3}"
    assert answer["lines"][0][2] == 1_790_000_000.0 + first


def test_an_absurd_range_gets_a_bounded_reply(spooled):
    view = LogView()
    assert len(view.act(spooled, {"type": "lines", "first": 0, "count": 10**9})["lines"]) == RANGE_LINES
    assert view.act(spooled, {"type": "lines", "first": 10**12, "count": 5})["lines"] == []
    assert view.act(spooled, {"type": "lines", "first": "x", "count": None})["lines"] == []
    assert view.act(spooled, {"type": "lines", "first": -5, "count": 1})["lines"][0][1] == "line 0"


def search(view, operation, query, **options):
    found, first = [], 0
    while True:
        answer = view.act(operation, {"type": "search", "query": query, "first": first, **options})
        assert "trouble" not in answer
        found += answer["found"]
        first = answer["until"]
        if first >= answer["total"]:
            return found


@pytest.mark.parametrize(
    ("query", "regex", "expected"),
    [
        ("line 12345", False, [12345]),
        ("LINE 12345", False, []),
        ("line 7 OR line 29999", False, [7, *range(70, 80), *range(700, 800), *range(7000, 8000), 29999]),
        (r"^line \d$", True, list(range(10))),
        (r"\D29998$", True, [29998]),
        ("web-2", False, [number for number in range(30_000) if number // 500 * 500 % 3 == 2]),
        ("1790000000", False, []),  # times are not searched
        ("stdout", False, []),
    ],
)
def test_search_covers_the_whole_log(spooled, query, regex, expected):
    assert search(LogView(), spooled, query, regex=regex) == expected


def test_an_invalid_expression_is_reported(spooled):
    answer = LogView().act(spooled, {"type": "search", "query": "(", "regex": True, "first": 0})
    assert answer["trouble"].startswith("not a valid regular expression: ")


def test_colours_do_not_split_words():
    texts = ["\x1b[31mERR\x1b[1mOR\x1b[0m here", "31m", "no"]
    path = written(*(LogLine("web", text) for text in texts))
    operation = Operation("log", LogState(spool=path, total=3), apply_logs)
    assert LogView().act(operation, {"type": "search", "query": "ERROR", "first": 0})["found"] == [0]
    assert LogView().act(operation, {"type": "search", "query": "31m", "first": 0})["found"] == [1]


def test_very_long_lines_and_a_line_that_is_being_written():
    texts = ["short", "x" * 60_000 + "needle" + "x" * 3_000_000, "after", "y" * 200_000]
    data = "\n".join([*texts, "not yet compl"]).encode()
    with closing(LogWriter("web")) as writer:
        channel = writer.channel("web")
        for at in range(0, len(data), 100_000):
            channel.feed(data[at : at + 100_000])
    view = LogView()
    operation = Operation("log", LogState(spool=writer.path, total=4), apply_logs)
    assert search(view, operation, "needle") == [1]
    assert search(view, operation, "after") == [2]
    assert search(view, operation, "compl") == []
    answer = view.act(operation, {"type": "lines", "first": 2, "count": 9})
    assert [line[1][:5] for line in answer["lines"]] == ["after", "yyyyy"]


def test_frames_of_a_line_each_are_searched_together():
    """Lines of several sources in turn, stamped and not; one has no line end, one is very long."""
    with closing(LogWriter("web")) as writer:
        channels = [writer.channel("web-1", stamped=True), writer.channel("web-2", stamped=True), writer.channel("db")]
        for number in range(300):
            stamp = b"" if number % 3 == 2 else b"2026-11-23T10:42:07.113200000Z "
            channels[number % 3].feed(stamp + b"GET /%d\n" % number)
        channels[2].feed(b"db says GET /7")
        channels[2].finish()
        channels[1].feed(b"2026-11-23T10:42:07.113200000Z GET /7 " + b"x" * 100_000)
        channels[1].feed(b"x\n")
        channels[0].feed(b"2026-11-23T10:42:07.113200000Z GET /7\n")
    operation = Operation("log", LogState(spool=writer.path, total=303), apply_logs)
    sevens = [number for number in range(300) if f"GET /{number}".startswith("GET /7")]
    assert search(LogView(), operation, "GET /7") == [*sevens, 300, 301, 302]
    assert search(LogView(), operation, "get /7$", regex=True) == [7, 300, 302]
    assert search(LogView(), operation, "db") == [*range(2, 300, 3), 300]
    assert search(LogView(), operation, "2026") == []
    answer = LogView().act(operation, {"type": "search", "query": "GET /29", "first": 295})
    assert answer["found"] == [295, 296, 297, 298, 299]


def test_without_a_spool_file_the_window_is_what_there_is(tmp_path):
    operation = Operation("log", folded(event(*lines(50))), apply_logs)
    assert LogView().act(operation, {"type": "lines", "first": 40, "count": 99})["lines"][-1][1] == "line 49"
    assert search(LogView(), operation, "line 4") == [4, *range(40, 50)]
    gone = Operation("log", LogState(spool=str(tmp_path / "gone"), total=9), apply_logs)
    assert LogView().act(gone, {"type": "lines", "first": 0, "count": 9})["lines"] == []
    trouble = LogView().act(gone, {"type": "search", "query": "x", "first": 0})["trouble"]
    assert trouble.startswith("the spool file cannot be read")


def test_a_line_with_carriage_returns_looks_as_in_a_terminal():
    bar = "  0% [    ]\r 50% [==  ]\r100% [====]\rdone"
    windows = "as Windows ends it\r"
    coloured = "\x1b[32m 10%\x1b[0m\r\x1b[32m100%\x1b[0m\r"
    view = LogView()
    bars = event(*(LogLine("web", text) for text in (bar, windows, coloured)))
    shown = ["done [====]", "as Windows ends it", "100%"]
    assert view.line(bars).splitlines() == shown
    state = folded(bars)
    assert view.fresh(state, coloured=False).splitlines() == shown
    assert as_text(view.render(state)).splitlines()[-3:] == [f"  {line}".rstrip() for line in shown] or all(
        line in as_text(view.render(state)) for line in shown
    )
    assert [line[1] for line in view.wire(None, state)["lines"]][:2] == shown[:2]
    assert state.lines[0].text == bar, "the state, the result and the file keep the whole"


# --- an incomplete file


def test_lines_beyond_a_truncated_file_come_from_memory():
    state = folded(*events(1_000), spool=written(*lines(1_000)), followed=True)
    view = LogView()
    assert view.fresh(state, coloured=False).count("\n") == 1_000
    state = apply_logs(state, SpoolCut("the disk is full"))
    for more in events(5_000):
        state = apply_logs(state, more)
    text = view.fresh(state, coloured=False)
    assert text.startswith("— the disk is full —\n— 3,000 lines skipped: not saved to a file —\n")
    assert text.count("\n") == 2 + 2_000
    assert view.fresh(state, coloured=False) == ""
    assert (state.gaps, state.spool_note) == (("the disk is full",), "the disk is full")
    assert view.wire(None, state)["spool"] == ""
    assert "all of them" not in as_text(view.render(state))


def test_a_search_skips_lines_missing_from_the_file():
    path = written(*lines(10))
    state = folded(event(*lines(10)), SpoolCut("the disk is full"), *events(4_000, first=10), spool=path)
    found = search(LogView(), Operation("log", state, apply_logs), "line 7 OR line 100 OR line 4009")
    assert found == [7, 4009]  # line 100 is in neither
