"""Views that live on after their cell: they sleep while nobody looks, and the clock stands still while a cell runs."""

import threading
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbcontainer.operation import Operation, registry
from nbcontainer.views.lease import IdleClock, Lease
from nbcontainer.views.live import LiveView

SECONDS = 10.0


class Screen:
    """What a `LiveView` shows; records what happens to it."""

    def __init__(self):
        self.happened = []
        self.changed = threading.Condition()
        self._look = None

    def note(self, word):
        with self.changed:
            self.happened.append(word)
            self.changed.notify_all()

    def wait(self, *words):
        with self.changed:
            assert self.changed.wait_for(lambda: self.happened == list(words), SECONDS), self.happened

    def follow(self, operation, lease=None):
        operation.wait(revision=0)
        self.note(f"live at {operation.state}")
        while not operation.done and not (lease is not None and lease.is_over):
            operation.wait(0.01)

    def finish(self, operation):
        self.note(f"finished at {operation.state}")

    def sleep(self, state):
        self.note(f"asleep at {state}")

    def wake(self):
        self.note("awake")

    def dismiss(self):
        self.note("closed")

    def on_seen(self, call):
        self._look = call

    def look(self):
        self._look()


def counting(state):
    """An operation that adds one and runs on."""

    def work(progress):
        progress.emit(1)
        while not progress.stopping:
            time.sleep(0.005)

    made = Operation("counting", state, lambda last, event: last + event, endless=True)
    return made.start_thread(work)


def threads():
    return [thread.name for thread in threading.enumerate() if "counting" in thread.name]


@pytest.fixture
def screen():
    yield Screen()
    for operation in tuple(registry._running):
        operation.stop()
    assert gone()


def gone():
    deadline = time.monotonic() + SECONDS
    while threads() and time.monotonic() < deadline:
        time.sleep(0.005)
    return not threads()


def test_an_unseen_view_sleeps_without_a_thread_and_wakes_from_its_last_state(screen):
    LiveView("counting", 5, counting, lambda: screen, Lease(0.05))
    screen.wait("live at 6", "asleep at 6")
    assert gone()
    assert not registry.running()
    screen.look()
    screen.wait("live at 6", "asleep at 6", "awake", "live at 7", "asleep at 7")


def test_a_view_that_is_looked_at_stays_awake(screen):
    lease = Lease(0.5)
    live = LiveView("counting", 5, counting, lambda: screen, lease)
    for _ in range(20):
        time.sleep(0.05)
        screen.look()
    assert not lease.is_over
    screen.wait("live at 6")
    live.end_lease()
    screen.wait("live at 6", "asleep at 6")


def test_a_look_while_it_falls_asleep_is_not_lost(screen):
    def stop_slowly(state):
        operation = counting(state)
        operation.on_stop(screen.look)
        return operation

    live = LiveView("counting", 5, stop_slowly, lambda: screen, Lease(3600))
    live.end_lease()
    screen.wait("live at 6", "live at 7")
    live.dismiss()
    screen.wait("live at 6", "live at 7", "closed")


@pytest.mark.parametrize("asleep", [True, False])
def test_a_dismissed_view_is_closed_and_does_not_wake(screen, asleep):
    live = LiveView("counting", 5, counting, lambda: screen, Lease(0.05 if asleep else 3600))
    before = ["live at 6", "asleep at 6"] if asleep else ["live at 6"]
    screen.wait(*before)
    live.dismiss()
    screen.wait(*before, "closed")
    screen.look()
    assert gone()
    screen.wait(*before, "closed")


@pytest.mark.parametrize("lease", [None, 3600.0])
def test_a_view_whose_operation_was_stopped_has_ended(screen, lease):
    operation = counting(5)
    LiveView("counting", 5, lambda _: operation, lambda: screen, Lease(lease) if lease else None)
    screen.wait("live at 6")
    operation.stop()
    screen.wait("live at 6", "finished at 6")
    screen.look()
    assert gone()


@pytest.fixture
def shell(monkeypatch):
    made = InteractiveShell()
    monkeypatch.setattr("nbcontainer.views.lease.current_shell", lambda: made)
    yield made
    made.history_manager.end_session()


def test_the_clock_stands_still_while_a_cell_runs(shell):
    clock = IdleClock()
    clock.attach()
    clock.attach()
    shell.user_ns["now"] = clock.now
    before = time.monotonic(), clock.now()
    shell.run_cell("import time\nbegan = now()\nget_ipython().run_cell('1;')\ntime.sleep(0.3)\ntook = now() - began")
    assert shell.user_ns["took"] == 0
    assert time.monotonic() - before[0] - (clock.now() - before[1]) >= 0.3
    assert len(shell.events.callbacks["pre_execute"]) == len(set(shell.events.callbacks["pre_execute"]))
    began = clock.now()
    time.sleep(0.01)
    assert clock.now() > began


def test_the_clock_stands_still_in_a_cell_that_was_running_already(shell, monkeypatch):
    request = {"header": {"msg_type": "execute_request"}}
    monkeypatch.setattr("nbcontainer.views.lease.current_request", lambda: request)
    clock = IdleClock()
    clock.attach()
    began = clock.now()
    time.sleep(0.01)
    assert clock.now() == began
    shell.events.trigger("post_execute")
    time.sleep(0.01)
    assert clock.now() > began
