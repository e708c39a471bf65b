"""One running thing: events, state, result, stop; from threads, loops and signals."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from nbcontainer import operation as module
from nbcontainer.errors import NotFound, Stopped
from nbcontainer.model.events import Missed
from nbcontainer.operation import Operation


def counter(**options):
    """An operation that sums its events; its result is (sum, the work's result)."""
    return Operation("count", 0, lambda state, event: state + event, conclude=lambda s, v: (s, v), **options)


def emitting(*events):
    def work(progress):
        for event in events:
            progress.emit(event)
        return "end"

    return work


def until_stopped(progress):
    """Blocking work that ends when it is cut off, like a closed stream."""
    cut = threading.Event()
    progress.on_stop(cut.set)
    progress.emit(1)
    cut.wait()
    raise ConnectionError("the stream was closed")


async def endless(progress):
    while True:
        progress.emit(1)
        await asyncio.sleep(0.001)


def test_events_state_and_result_from_a_thread():
    running = counter().start_thread(emitting(1, 2, 3))
    assert list(running) == [1, 2, 3]
    assert running.result() == (6, "end")
    assert running.state == 6
    assert running.done


def test_the_state_is_folded_without_a_listener():
    running = counter().start_thread(emitting(*range(1000)))
    assert running.result() == (sum(range(1000)), "end")


def test_a_late_listener_gets_the_backlog():
    running = counter(backlog=3).start_thread(emitting(1, 2, 3, 4, 5))
    running.result()
    assert list(running) == [Missed(2), 3, 4, 5]


def test_a_slow_listener_blocks_nothing_and_its_queue_is_bounded(monkeypatch):
    monkeypatch.setattr(module.listener, "QUEUE_LENGTH", 10)
    begun, go_on = threading.Event(), threading.Event()

    def work(progress):
        progress.emit(0)
        begun.wait()
        for event in range(1, 101):
            progress.emit(event)
        go_on.set()

    running = counter().start_thread(work)
    events = iter(running)
    assert next(events) == 0
    begun.set()
    go_on.wait()
    running.wait()
    assert list(events) == [Missed(90), *range(91, 101)]
    assert running.state == sum(range(101))


def test_async_for_and_await_in_a_running_loop():
    async def main():
        running = counter().start_thread(emitting(1, 2, 3))
        seen = [event async for event in running]
        return seen, await running

    assert asyncio.run(main()) == ([1, 2, 3], (6, "end"))


def test_a_task_runs_while_the_callers_loop_is_blocked():
    async def main():
        async def work(progress):
            await asyncio.sleep(0)
            progress.emit(5)
            return "ok"

        return counter().start_task(work).result(timeout=10)  # blocks this loop, as a magic in a cell does

    assert asyncio.run(main()) == (5, "ok")


def test_an_error_crosses_threads_and_is_raised_by_result():
    def work(progress):
        progress.emit(1)
        raise NotFound("no such image", status=404)

    running = counter().start_thread(work)
    with pytest.raises(NotFound, match="no such image"):
        running.result()
    with pytest.raises(NotFound):
        list(running)
    assert isinstance(running.error, NotFound)
    assert running.state == 1


def test_stop_cuts_the_work_off():
    running = counter().start_thread(until_stopped)
    running.wait(revision=0)
    started = time.monotonic()
    running.stop()
    with pytest.raises(Stopped, match="count was stopped"):
        running.result()
    assert time.monotonic() - started < 1


def test_stop_before_the_work_starts():
    running = counter()
    running.stop()
    running.start_task(endless)
    with pytest.raises(Stopped):
        running.result(timeout=10)


def test_on_stop_after_the_stop_calls_at_once():
    def work(progress):
        stopped.wait()
        progress.on_stop(called.set)
        raise ConnectionError

    stopped, called = threading.Event(), threading.Event()
    running = counter().start_thread(work)
    running.stop()
    stopped.set()
    running.wait()
    assert called.is_set()


def test_work_that_returns_after_a_stop_counts_as_done():
    def work(progress):
        cut = threading.Event()
        progress.on_stop(cut.set)
        cut.wait()
        return "finished all the same"

    running = counter().start_thread(work)
    running.stop()
    assert running.result() == (0, "finished all the same")


@pytest.mark.parametrize("endless", [True, False])
def test_stop_returns_within_a_second_though_the_server_is_silent_and_the_work_goes_on(endless):
    """The last event gives its state; the work cleans up, and only the interpreter's exit waits for it."""
    answered, ended = threading.Event(), []

    def work(progress):
        progress.emit(1)
        answered.wait()  # ignores the stop
        progress.emit(1)
        ended.append(progress.stopping)
        raise ConnectionError

    running = counter(endless=endless, final_event=lambda: 100).start_thread(work)
    running.wait(revision=0)
    assert running in module.running()
    started = time.monotonic()
    running.stop()
    if endless:
        assert running.result() == (101, None)
    else:
        with pytest.raises(Stopped, match="in the background"):
            running.result()
    assert time.monotonic() - started < 1
    assert (running.done, running.gone) == (True, False)
    assert running not in module.running()
    answered.set()
    assert running.wait_until_gone(5)
    assert (ended, running.state) == ([True], 101)


def test_an_endless_operation_stops_with_its_last_view():
    running = counter(endless=True).start_task(endless)
    running.wait(revision=0)
    running.stop()
    total, value = running.result()
    assert total >= 1
    assert value is None


def test_leaving_a_loop_leaves_the_operation_running():
    running = counter(endless=True).start_task(endless)
    for _ in running:
        break
    assert not running.done
    running.stop()
    running.result()


@pytest.mark.parametrize("start", ["result", "iterate"])
def test_ctrl_c_stops_it_within_a_second(start):
    running = counter(endless=start == "iterate").start_thread(until_stopped)
    running.wait(revision=0)
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        running.result() if start == "result" else list(running)
    assert time.monotonic() - started < 1
    assert running.done


def test_a_timeout_leaves_it_running():
    running = counter().start_thread(until_stopped)
    with pytest.raises(TimeoutError, match="still runs"):
        running.result(timeout=0.01)
    assert not running.done
    running.interrupt()
    assert running.done


def test_a_failing_conclusion_is_the_operations_error():
    def conclude(*_):
        raise NotFound("no digest")

    running = Operation("x", 0, lambda s, _: s, conclude=conclude).start_thread(emitting(1))
    with pytest.raises(NotFound):
        running.result()


def test_nothing_is_emitted_after_the_end():
    kept = []
    running = counter().start_thread(kept.append)
    running.result()
    kept[0].emit(7)
    assert running.state == 0


def test_repr_shows_the_status():
    running = counter().start_thread(until_stopped)
    assert repr(running) == "<Operation count: running>"
    running.interrupt()
    assert repr(running) == "<Operation count: stopped>"


def test_finished_operations_are_not_kept_alive():
    running = counter().start_thread(emitting(1))
    running.result()
    gc.collect()
    assert running not in module.registry._running


def test_all_stop_when_the_interpreter_exits():
    code = """
import threading
from nbcontainer.operation import Operation
def work(progress):
    cut = threading.Event()
    progress.on_stop(cut.set)
    progress.emit(1)
    cut.wait()
    print("the server was notified", flush=True)
    raise ConnectionError
running = Operation("x", 0, lambda s, e: s).start_thread(work)
running.wait(revision=0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "the server was notified\n"
    assert done.stderr == ""


def test_a_listener_with_a_closed_loop_is_not_woken():
    running = counter().start_thread(until_stopped)

    async def impatient():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running, 0.05)

    asyncio.run(impatient())
    assert not running.done
    running.stop()
    with pytest.raises(Stopped):
        running.result()


def test_a_traceback_does_not_grow_with_each_call():
    def work(progress):
        del progress
        raise NotFound("gone", status=404)

    def frames():
        with pytest.raises(NotFound) as caught:
            running.result()
        return [entry.name for entry in caught.traceback]

    running = counter().start_thread(work)
    first = frames()
    assert "work" in first
    assert frames() == frames() == first


FORK = """
import asyncio, os, sys
from nbcontainer.operation import Operation

async def work(progress):
    await asyncio.sleep(0)
    return "done"

def run():
    return Operation("count", 0, lambda state, event: state, conclude=lambda s, v: v).start_task(work).result(10)

hanging = Operation("hang", 0, lambda state, event: state).start_task(lambda progress: asyncio.sleep(60))
print(run(), flush=True)
if os.fork() == 0:
    print("child", run(), flush=True)
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]), hanging.stopping)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_a_loop_of_its_own():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert ended.stdout.splitlines() == ["done", "child done", "0 False"]
