import time
from dataclasses import replace

import pytest

from nbcontainer.model.tables import (
    Column,
    Row,
    TableChanged,
    TableLive,
    TableReset,
    TableState,
    Tone,
    apply_table,
)
from nbcontainer.operation import Operation
from nbcontainer.views.html import as_html
from nbcontainer.views.tables import MOST_ROWS, TableView
from nbcontainer.views.tables_counts import StatusCounts
from nbcontainer.views.text import as_text

COLUMNS = (
    Column("Name"),
    Column("Status", "status"),
    Column("Restarts", "number"),
    Column("Memory", "bytes"),
    Column("Age", "age"),
    Column("Node", wide=True),
)
HOSTILE = "<script>alert(1)</script>\x1b[31mred\x1b[0m\u202egnp.exe\x07\n"


def row(key, name="web", status="Running", tone=Tone.PLAIN, **cells):
    created = time.time() - 250
    values = (name, status, cells.get("restarts", 0), cells.get("memory", 7_900_000), created, "node-1")
    return Row(key, values, tone, name=name, namespace="shop", labels={"app": "web"})


def state(*rows, **changes):
    listed = apply_table(TableState(), TableReset(COLUMNS, rows, "Pods", "kind / shop"))
    return TableState(**{name: getattr(listed, name) for name in TableState.__dataclass_fields__} | changes)


def test_a_picture_has_counts_and_aligned_columns():
    rows = [row("1"), row("2", "db-0", "Pending", Tone.WARNING), row("3", "cart", "CrashLoopBackOff", Tone.BAD)]
    text = as_text(TableView().render(state(*rows, note="no metrics")))
    assert text.splitlines() == [
        "Pods  kind / shop  3 · 1 running · 1 pending · 1 failing",
        "no metrics",
        "Name  Status            Restarts  Memory    Age",
        "web   Running                  0  7.9 MB  4m10s",
        "db-0  Pending                  0  7.9 MB  4m10s",
        "cart  CrashLoopBackOff         0  7.9 MB  4m10s",
    ]
    assert "Node" in as_text(TableView(wide=True).render(state(*rows)))


def test_with_too_many_rows_the_failing_ones_are_drawn():
    rows = [row(str(number), f"web-{number}") for number in range(10_000)]
    rows[9_000] = row("9000", "the-bad-one", "Error", Tone.BAD)
    text = as_text(TableView().render(state(*rows)))
    assert "the-bad-one" in text.splitlines()[2]
    assert text.splitlines()[-1] == "… and 9,500 more"
    assert len(text.splitlines()) == MOST_ROWS + 3


def test_with_too_many_events_the_newest_are_drawn():
    events = {str(number): Row(str(number), (number, f"event-{number}")) for number in range(10_000)}
    columns = (Column("LAST SEEN", "age"), Column("MESSAGE"))
    lines = as_text(TableView().render(TableState(columns=columns, rows=events))).splitlines()
    assert [lines[at].split()[-1] for at in (2, -2)] == [f"event-{10_000 - MOST_ROWS}", "event-9999"]
    assert lines[-1] == "… and 9,500 older"


def test_an_empty_table_and_one_that_reconnects():
    text = as_text(TableView().render(state(trouble="reconnecting: connection refused")))
    assert text.splitlines() == ["Pods  kind / shop  0", "◌ reconnecting: connection refused"]


def test_plain_lines_are_the_table_then_what_changes():
    view = TableView()
    listing = view.line(TableReset(COLUMNS, (row("1"), row("2", "db"))))
    assert listing.splitlines()[0].startswith("Name  Status")
    assert view.line(TableChanged((row("2", "db", "Error", Tone.BAD),))).split()[:2] == ["db", "Error"]
    assert view.line(TableChanged((), ("1",))) == "shop/web is gone"
    assert view.line(TableChanged()) is None
    assert view.line(TableLive(live=True)) is None
    assert view.line(TableLive(live=False, note="reconnecting")) == "reconnecting"


def test_hostile_text_stays_text_on_every_surface():
    nasty = row("1", HOSTILE, HOSTILE, Tone.BAD)
    drawn = TableView().render(state(nasty, title=HOSTILE, where=HOSTILE, note=HOSTILE, trouble=HOSTILE))
    text, html = as_text(drawn), as_html(drawn)
    line = TableView().line(TableReset(COLUMNS, (nasty,)))
    for shown in (text, html, line):
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
        assert "U+202E" in shown
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_wire_carries_only_changes():
    view = TableView()
    rows = [row(str(number), f"web-{number}") for number in range(100)]
    before = state(*rows)
    changed = row("7", "web-7", "Error", Tone.BAD)
    after = apply_table(before, TableChanged((changed, row("new", "web-new")), ("3",)))
    message = view.wire(before, after)
    assert [told[0] for told in message["rows"]] == ["7", "new"]
    assert message["gone"] == ["3"]
    assert set(message) == {"rows", "gone", "counts"}
    assert view.wire(after, after) is None
    assert view.wire(after, apply_table(after, TableLive(live=True))) == {"live": True}
    assert len(view.wire(None, after)["rows"]) == 100


def test_the_wire_says_whether_rows_are_ordered_by_key():
    view = TableView()
    before = state(row("b"))
    after = apply_table(before, TableReset(before.columns, (row("b"),), by_key=True))
    assert view.wire(None, before)["by_key"] is False
    assert view.wire(None, after)["by_key"] is True
    assert view.wire(before, after)["by_key"] is True


def test_changed_columns_are_sent_as_a_whole():
    before = state(row("1"))
    after = apply_table(before, TableReset((Column("Image"),), (Row("a", ("busybox",)),)))
    message = TableView().wire(before, after)
    assert message["reset"] is True
    assert message["columns"] == [["Image", "text", False]]


def test_the_wire_carries_what_json_cannot():
    odd = Row("\udc80", (float("nan"), 2**60, "\ud800x", None))
    told = TableView().wire(None, state(odd))["rows"][0]
    assert told[0] == "⟨U+DC80⟩"
    assert told[1] == ["nan", str(2**60), "⟨U+D800⟩x", None]


def test_a_delta_of_ten_thousand_rows_is_cheap():
    view = TableView()
    before = state(*(row(str(number)) for number in range(10_000)))
    after = apply_table(before, TableChanged((row("5", status="Error"),)))
    took = []
    for _ in range(7):
        started = time.process_time()
        view.wire(before, after)
        took.append(time.process_time() - started)
    assert sorted(took)[3] < 0.025  # half of the time between two pictures; measured: 0.002


@pytest.fixture
def operation():
    running = Operation("watch", state(row("1"), row("2")), apply_table, endless=True)

    def work(progress):
        progress.on_stop(lambda: None)
        while not progress.stopping:
            time.sleep(0.01)

    yield running.start_thread(work)
    running.stop()
    running.wait(5)


def test_stop_comes_from_the_page(operation):
    TableView().act(operation, {"type": "stop"})
    assert operation.wait(5)


def test_rows_are_counted_by_their_state():
    counts = StatusCounts()
    rows = [row("1"), row("2"), row("3", status="Pending", tone=Tone.WARNING), row("4", status="Error", tone=Tone.BAD)]
    first = state(*rows)
    assert counts.of(first) == [
        ("running", Tone.PLAIN, 2), ("pending", Tone.WARNING, 1), ("failing", Tone.BAD, 1)
    ]  # fmt: skip
    later = apply_table(first, TableChanged((row("3"), row("5", status="Up 3 hours", tone=Tone.GOOD)), ("2", "4")))
    assert counts.of(later) == StatusCounts().of(later) == [("up", Tone.GOOD, 1), ("running", Tone.PLAIN, 2)]
    assert counts.of(first) == StatusCounts().of(first)
    assert StatusCounts().of(replace(first, columns=(Column("Image"),))) == []


def test_the_page_gets_the_counts_with_the_rows():
    view, first = TableView(), state(row("1"), row("2"))
    assert view.wire(None, first)["counts"] == [["running", "", 2]]
    assert view.wire(first, apply_table(first, TableChanged((), ("2",))))["counts"] == [["running", "", 1]]
    assert "counts" not in view.wire(first, replace(first, note="slow"))
    assert "counts" not in view.wire(first, apply_table(first, TableChanged((row("2", "other"),))))


def test_of_many_rows_a_page_is_sent_the_first_at_once_and_then_the_others_in_order():
    rows = {f"/{number:05}": Row(f"/{number:05}", (number,), name=f"{number:05}") for number in range(1_200)}
    state = TableState(columns=(Column("NAME"),), rows=rows, by_key=True)
    view = TableView()
    first = view.first(state)
    assert view.first(first) is first, "few rows are sent at once"
    begun = view.wire(None, first)
    rest = view.wire(first, state)
    assert begun["reset"]
    assert len(begun["rows"]) == 500
    assert rest.keys() == {"rows"}
    assert [row[0] for row in (*begun["rows"], *rest["rows"])] == [*rows]
    events = TableState(columns=(Column("LAST SEEN", "age"),), rows=rows)
    assert view.first(events) is events, "their newest, which a page shows first, are at the end"
