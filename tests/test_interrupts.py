"""Ctrl-C at any moment: waits stay intact, steps stay atomic, and no interrupt is lost."""

import _imp
import _thread
import os
import random
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from nbcontainer import interrupts, loading
from nbcontainer.byte_stream import Stream
from nbcontainer.errors import Stopped
from nbcontainer.interrupts import (
    Bell,
    interrupts_deferred,
    interrupts_ignored,
    interrupts_redelivered,
    run_interruptible,
)
from tests.test_operation import counter


def interrupt():
    signal.raise_signal(signal.SIGINT)


def answer():
    return Stopped("Interrupted.")


def talk(progress):
    """Work that emits as fast as it can until it is stopped."""
    ended = threading.Event()
    progress.on_stop(ended.set)
    while not ended.is_set():
        progress.emit(1)
    raise ConnectionError


@pytest.mark.parametrize("seed", range(3))
def test_no_interrupt_breaks_a_wait_or_leaves_anything_running(seed):
    moments = random.Random(seed)
    for _ in range(100):
        running = counter().start_thread(talk)
        sender = threading.Timer(moments.random() / 200, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - whatever the moment is
            sender.start()
            while True:
                running.wait(1, revision=running.revision)
        running.interrupt()
        assert running.done
        sender.join()


def test_a_bell_wakes_all_waiters_and_checks_the_condition_first():
    bell, ready, woken = Bell(), [], []
    assert bell.wait(lambda: True)
    assert not bell.wait(lambda: False, 0.01)
    waiting = [threading.Thread(target=lambda: woken.append(bell.wait(lambda: ready, 30))) for _ in range(5)]
    for thread in waiting:
        thread.start()
    ready.append(1)
    bell.ring()
    for thread in waiting:
        thread.join(5)
    assert woken == [True] * 5
    assert not bell._waiting


@pytest.mark.parametrize("waits_for", ["a bell", "a stream", "a stream that probes"])
def test_an_interrupt_that_arrives_just_before_a_wait_ends_it(waits_for):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = Stream(ours)
        if "probes" in waits_for:
            stream.when_silent(lambda: None, 30)
        wait = stream.recv if "stream" in waits_for else lambda: Bell().wait(lambda: False, 30)
        # this sets the signal's flag, as its handler in C does, and interrupts no system call
        sender = threading.Timer(0.1, _thread.interrupt_main)
        sender.start()
        began = time.monotonic()
        with pytest.raises(Stopped):
            run_interruptible(wait, answer)
        assert time.monotonic() - began < 10
        sender.join()


def test_a_deferred_interrupt_is_raised_after_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the end of the block raises it
        with interrupts_deferred():
            interrupt()
            done.append("outer")
            with interrupts_deferred():
                interrupt()
                done.append("inner")
            done.append("end")
        done.append("never")
    assert done == ["outer", "inner", "end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_users_own_handler_gets_the_deferred_interrupt():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with interrupts_deferred():
            interrupt()
            assert not heard
        assert heard == [1]
        assert run_interruptible(lambda: interrupt() or "done", answer) == "done"
        assert heard == [1, 1]
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_defer_nothing():
    def work():
        with interrupts_deferred(), interrupts_ignored():
            seen.append(signal.getsignal(signal.SIGINT))

    seen = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_an_interrupt_ends_the_work_with_one_answer():
    with pytest.raises(Stopped) as caught:
        run_interruptible(lambda: interrupt() or time.sleep(30), answer)
    assert caught.value.__context__ is None
    assert run_interruptible(lambda: "done", answer) == "done"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_a_finalizer_swallows_is_delivered_again():
    class Swallows:
        def __del__(self):
            interrupt()

    def work():
        Swallows()
        time.sleep(30)

    began = time.monotonic()
    with pytest.raises(Stopped):
        run_interruptible(work, answer)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("then", [lambda: Bell().wait(lambda: False, 30), lambda: None], ids=["wait", "end"])
def test_a_swallowed_interrupt_is_raised_by_the_next_wait_or_at_the_end(then):
    def work():
        with suppress(BaseException):
            interrupt()
        then()

    began = time.monotonic()
    with pytest.raises(Stopped):
        run_interruptible(work, answer)
    assert time.monotonic() - began < 1


def test_an_interrupt_that_became_another_error_still_counts():
    class Names:
        def __set_name__(self, owner, name):
            interrupt()

    with pytest.raises(Stopped):
        run_interruptible(lambda: type("Made", (), {"name": Names()}), answer)
    with pytest.raises(Stopped, match="not changed"):
        run_interruptible(decline, answer)
    with pytest.raises(ZeroDivisionError):
        run_interruptible(lambda: 1 / 0, answer)


def decline():
    """A question that Ctrl-C answers."""
    try:
        interrupt()
    except KeyboardInterrupt:
        raise Stopped("It was not changed.") from None


def test_further_interrupts_do_not_break_the_answer_to_the_first():
    after = []

    def work():
        running = counter().start_thread(talk)
        try:
            interrupt()
        finally:
            interrupt()  # a key that repeats
            running.interrupt()
            after.append(running.done)

    with pytest.raises(Stopped):
        run_interruptible(work, answer)
    assert after == [True]


def test_a_handled_interrupt_is_not_raised_again():
    def work():
        try:
            interrupt()
        except KeyboardInterrupt:
            with interrupts_ignored():
                interrupt()
        return "the last view"

    assert run_interruptible(work, answer) == "the last view"


def test_the_kernels_handler_for_cells_with_await_is_replaced():
    def cancels_later(*_):
        raise AssertionError

    cancels_later.__module__ = "ipykernel.ipkernel"
    before = signal.signal(signal.SIGINT, cancels_later)
    try:
        with pytest.raises(Stopped):
            run_interruptible(interrupt, answer)
        assert signal.getsignal(signal.SIGINT) is cancels_later
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("early", [False, True], ids=["during it", "before it could be deferred"])
def test_an_interrupt_that_a_caller_would_swallow_is_delivered_after_it_returns(monkeypatch, early):
    monkeypatch.setattr(interrupts, "REDELIVERY_SECONDS", 0.05)
    done = []

    @contextmanager
    def late():
        interrupt()
        yield

    @interrupts_redelivered
    def callback():
        if not early:
            interrupt()
        done.append("callback")

    if early:
        monkeypatch.setattr(interrupts, "interrupts_deferred", late)
    callback()
    done.append("gone on")
    with pytest.raises(KeyboardInterrupt):
        time.sleep(30)
    assert done == ["callback", "gone on"]


def test_an_interrupt_of_an_import_leaves_no_lock(monkeypatch):
    def interrupted(_name):
        _imp.acquire_lock()  # as importlib does, without a `finally` that an interrupt could not skip
        signal.raise_signal(signal.SIGINT)
        _imp.release_lock()

    monkeypatch.setattr(loading, "import_module", interrupted)
    held = True
    try:
        with pytest.raises(KeyboardInterrupt):
            loading.modules_on_use("nbcontainer.engines")("volumes")
        held = _imp.lock_held()
    finally:
        if _imp.lock_held():
            _imp.release_lock()
    assert not held
