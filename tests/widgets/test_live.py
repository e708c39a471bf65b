"""The protocol between kernel and page, from the kernel's side."""

import gc
import threading
import time
import weakref

import pytest

from nbcontainer.widgets import live
from nbcontainer.widgets.live import LiveWidget


class Wire:
    """Records what a widget sends, in place of a page."""

    def __init__(self, widget):
        self.widget = widget
        self.sent = []
        self.condition = threading.Condition()
        widget.send = self._send

    def _send(self, content, buffers=None):
        with self.condition:
            self.sent.append((content, buffers, time.monotonic()))
            self.condition.notify_all()

    def wait(self, count, timeout=10.0):
        with self.condition:
            assert self.condition.wait_for(lambda: len(self.sent) >= count, timeout), self.sent

    def items(self):
        return [item for content, _, _ in self.sent for item in content.get("items", ())]

    def receive(self, **content):
        self.widget._receive(self.widget, content, [])


@pytest.fixture
def widget():
    made = LiveWidget({"start": True})
    yield made
    made.close()


def test_messages_arrive_in_order_and_batched(widget):
    wire = Wire(widget)
    for number in range(100):
        widget.emit({"number": number}, whole=lambda number=number: {"last": number})
    deadline = time.monotonic() + 10
    while len(wire.items()) < 100 and time.monotonic() < deadline:
        wire.wait(len(wire.sent))
        if wire.sent:
            wire.receive(type="acknowledge", sequence=wire.sent[-1][0]["sequence"])
    assert [item["number"] for item in wire.items()] == list(range(100))
    assert len(wire.sent) < 20
    assert [content["sequence"] for content, _, _ in wire.sent] == list(range(1, len(wire.sent) + 1))


def test_no_more_than_twenty_batches_a_second(widget):
    wire = Wire(widget)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        widget.emit({}, whole=dict)
        for content, _, _ in list(wire.sent):
            wire.receive(type="acknowledge", sequence=content["sequence"])
        time.sleep(0.001)  # a source that never pauses
    assert 2 <= len(wire.sent) <= 22


def test_without_acknowledgements_the_pace_slows_after_a_window(widget, monkeypatch):
    monkeypatch.setattr(live, "ACKNOWLEDGE_SECONDS", 0.5)
    wire = Wire(widget)
    for number in range(live.WINDOW):
        widget.emit({"number": number}, whole=dict)
        wire.wait(number + 1)
    assert widget.pause
    blocked = time.monotonic()
    widget.emit({"number": "late"}, whole=dict)
    wire.wait(live.WINDOW + 1)
    assert wire.sent[-1][2] - wire.sent[0][2] >= 0.5
    assert wire.sent[-1][2] - blocked <= 5
    assert not widget._is_acknowledged


def test_buffers_stay_with_their_message(widget):
    wire = Wire(widget)
    with widget._lock:  # to send all in one batch
        widget.emit({"n": 1}, [b"a", b"b"], whole=dict)
        widget.emit({"n": 2}, whole=dict)
        widget.emit({"n": 3}, [b"c"], whole=dict)
    wire.wait(1)
    content, buffers, _ = wire.sent[0]
    assert content["buffers"] == [2, 0, 1]
    assert buffers == [b"a", b"b", b"c"]


def test_a_page_that_opens_late_gets_the_state_as_it_is(widget):
    wire = Wire(widget)
    widget.emit({"n": 1}, whole=lambda: {"n": 1})
    wire.wait(1)
    state = widget.get_state()
    assert state["snapshot"] == {"n": 1}
    assert state["sequence"] == wire.sent[-1][0]["sequence"]


def test_a_snapshot_includes_pending_messages_which_are_not_sent_again(widget):
    wire = Wire(widget)
    widget.emit({"n": 1}, whole=lambda: {"n": 1})
    wire.wait(1)
    widget.emit({"n": 2}, whole=lambda: {"n": 2})
    state = widget.get_state()
    assert state["snapshot"] == {"n": 2}
    assert [content["sequence"] for content, _, _ in wire.sent][-1] == state["sequence"]
    assert [item["n"] for item in wire.items()] == [1, 2]


@pytest.mark.parametrize("kind", ["hello", "resync"])
def test_a_page_that_missed_something_gets_a_snapshot(widget, kind):
    wire = Wire(widget)
    widget.emit({"n": 1}, whole=lambda: {"n": 1})
    wire.wait(1)
    wire.receive(type=kind, sequence=1)
    assert wire.sent[-1][0]["type"] == "here"  # it has all
    wire.receive(type=kind, sequence=0)
    assert wire.sent[-1][0]["type"] == "snapshot"
    assert wire.sent[-1][0]["state"] == {"n": 1}
    assert wire.sent[-1][0]["sequence"] == 2


def test_a_page_that_is_too_slow_gets_a_snapshot_instead_of_a_long_queue(widget):
    wire = Wire(widget)
    with widget._lock:
        for number in range(live.QUEUE_LENGTH + 1):
            widget.emit({"n": number}, whole=lambda number=number: {"n": number})
        assert len(widget._queue) <= live.QUEUE_LENGTH
    wire.wait(1)
    assert wire.sent[0][0]["type"] == "snapshot"
    assert wire.sent[0][0]["state"] == {"n": live.QUEUE_LENGTH}


def test_actions_reach_the_callback_and_are_answered(widget):
    wire = Wire(widget)
    seen = []
    widget.on_action(lambda action: seen.append(action["type"]) or {"found": action.get("query")})
    wire.receive(type="action", id=7, name="search", query="x")
    assert seen == ["search"]
    assert wire.sent[-1][0] == {"type": "reply", "id": 7, "value": {"found": "x"}}


@pytest.mark.parametrize(
    "content",
    [None, 7, [], {}, {"type": "action"}, {"type": "action", "name": 5}, {"type": "acknowledge", "sequence": "x"}],
)
def test_malformed_messages_of_a_page_do_nothing(widget, content):
    wire = Wire(widget)
    widget._receive(widget, content, [])
    assert wire.sent == []


def test_the_end_is_in_the_saved_state_and_in_the_output(widget):
    widget.set_static(text="plain", html="<b>html</b>")
    widget.finish({"end": True}, stopped=True)
    state = widget.get_state()
    assert (state["snapshot"], state["finished"], state["stopped"]) == ({"end": True}, True, True)
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == "plain"
    assert data["text/html"] == "<b>html</b>"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_many_threads_feed_one_widget_without_loss(widget):
    wire = Wire(widget)

    def feed(name):
        for number in range(50):
            widget.emit({"from": name, "number": number}, whole=dict)

    threads = [threading.Thread(target=feed, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deadline = time.monotonic() + 10
    while len(wire.items()) < 400 and time.monotonic() < deadline:
        if wire.sent:
            wire.receive(type="acknowledge", sequence=wire.sent[-1][0]["sequence"])
        time.sleep(0.01)  # wait for the sender's next batch
    for name in range(8):
        assert [item["number"] for item in wire.items() if item["from"] == name] == list(range(50))


@pytest.mark.parametrize("page", ["tables", "logs", "picture"])
def test_a_closed_widget_is_released(page):
    made = live.widget_class(page)({"rows": []})
    made.close()
    known = weakref.ref(made)
    del made
    gc.collect()
    assert known() is None
