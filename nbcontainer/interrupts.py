"""Ctrl-C, which Python raises between any two bytecodes of the main thread.

An interrupt can leave anything half done, including `threading.Condition` and `Event`, whose waits then fail with
"release unlocked lock". So the main thread waits on a `Bell`, wraps what must not be cut in `interrupts_deferred()`,
and runs a magic with `run_interruptible`, which loses no interrupt and handles each the same way, whenever it arrives.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from nbcontainer.errors import Stopped

__all__ = ["Bell", "interrupts_deferred", "interrupts_ignored", "interrupts_redelivered", "run_interruptible"]

T = TypeVar("T")

AGAIN_SECONDS = 2.0  # after an interrupt was raised: its handling is not interrupted, unless it takes long
REDELIVERY_SECONDS = 0.01


class _State:
    """What is known of interrupts; the main thread's alone."""

    def __init__(self) -> None:
        self.held = 0  # how many `interrupts_deferred` are entered
        self.came = False  # whether one came that nothing has answered
        self.raised = float("-inf")  # when one was raised last


_state = _State()


def _handle(_number: int, _frame: object) -> None:
    _state.came = True
    if not _state.held and time.monotonic() - _state.raised >= AGAIN_SECONDS:
        _raise()


def _raise() -> None:
    _state.raised = time.monotonic()
    raise KeyboardInterrupt


def _is_installed() -> bool:
    return signal.getsignal(signal.SIGINT) is _handle


def _can_take_over() -> bool:
    """Whether this is the main thread and an interrupt is handled by Python's own handler, or by a kernel's."""
    if threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGINT)
    # in a cell with `await`, ipykernel's handler cancels what the event loop does next, and interrupts no magic
    return handler is signal.default_int_handler or str(getattr(handler, "__module__", "")).startswith("ipykernel")


@contextmanager
def _handler() -> Iterator[None]:
    before, unraisable = signal.getsignal(signal.SIGINT), sys.unraisablehook

    def ignored(found: sys.UnraisableHookArgs) -> None:
        if issubclass(found.exc_type, KeyboardInterrupt):
            _deliver_again(lambda: _state.came)
        else:
            unraisable(found)

    try:
        sys.unraisablehook = ignored
        signal.signal(signal.SIGINT, _handle)
        yield
    finally:
        sys.unraisablehook = unraisable
        signal.signal(signal.SIGINT, before)


def _deliver_again(is_due: Callable[[], bool] = lambda: True) -> None:
    def deliver() -> None:
        time.sleep(REDELIVERY_SECONDS)
        if is_due():
            _state.raised = float("-inf")
            if sys.platform == "win32":  # where `os.kill` would end the process
                _thread.interrupt_main()
            else:
                os.kill(os.getpid(), signal.SIGINT)

    _thread.start_new_thread(deliver, ())  # a Thread's start waits, which might be interrupted where that is swallowed


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Hold interrupts back until this is done; then one is raised, if any came. For what is soon done."""
    if threading.current_thread() is not threading.main_thread():
        yield
    elif _is_installed():
        _state.held += 1
        try:
            yield
        finally:
            _state.held -= 1
        if _state.came and not _state.held and time.monotonic() - _state.raised >= AGAIN_SECONDS:
            _raise()
    elif callable(signal.getsignal(signal.SIGINT)):
        _state.held, _state.came = 1, False
        with _handler():
            try:
                yield
            finally:
                _state.held = 0
        if _state.came:
            _state.came = False
            signal.raise_signal(signal.SIGINT)
    else:
        yield


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Answer an interrupt: those that come meanwhile ask for the same, and are not raised."""
    with interrupts_deferred():
        try:
            yield
        finally:
            if threading.current_thread() is threading.main_thread():
                _state.came = False


@contextmanager
def interrupts_redelivered() -> Iterator[None]:
    """Hold interrupts back where a caller would swallow them, and let them come once more when it has gone on."""
    came = False
    with interrupts_deferred():
        try:
            yield
        finally:
            came, _state.came = _state.came, False
    if came:
        _deliver_again()


def run_interruptible(work: Callable[[], T], answer: Callable[[], BaseException]) -> T:
    """Do `work`; an interrupt ends it, and what `answer` makes is raised.

    That also holds for an interrupt which Python loses, as it does those that come while a finalizer runs: it comes
    once more. What else swallows one only puts it off: the next wait raises it, or else the end.
    """
    interruption: BaseException | None = None
    try:
        if not _can_take_over():
            value = _done(work)
        else:
            _state.held, _state.came, _state.raised = 0, False, float("-inf")
            with _handler():
                try:
                    value = _done(work)
                except KeyboardInterrupt:
                    _state.came = True
                if _state.came:
                    with interrupts_ignored():
                        interruption = answer()
    except KeyboardInterrupt:  # where it is nobody's own, or between those steps
        interruption = interruption or answer()
    if interruption is not None:
        raise interruption
    return value


def _done(work: Callable[[], T]) -> T:
    try:
        return work()
    except Stopped:
        raise
    except Exception:
        # what an interrupt became on its way: where a class is made, Python 3.11 wraps it in a RuntimeError
        if _state.came and threading.current_thread() is threading.main_thread() and _is_installed():
            raise KeyboardInterrupt from None
        raise


class Bell:
    """Wakes whoever waits for something, by bare locks, which an interrupt cannot break."""

    def __init__(self) -> None:
        self._waiting: deque[_thread.LockType] = deque()

    def ring(self) -> None:
        """Let all who wait look again. What they wait for must be true before."""
        while self._waiting:
            with suppress(IndexError):  # another thread was quicker
                self._waiting.popleft().release()

    def wait(self, ready: Callable[[], object], timeout: float | None = None) -> bool:
        """Wait until `ready()`; False when `timeout` seconds passed."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not ready():
            left = -1.0 if deadline is None else deadline - time.monotonic()
            if deadline is not None and left <= 0:
                return False
            self._wait_once(ready, left)
        return True

    def _wait_once(self, ready: Callable[[], object], seconds: float) -> None:
        lock = threading.Lock()
        lock.acquire()
        self._waiting.append(lock)
        try:
            _raise_what_was_lost()
            if not ready():  # now that a ring would be heard
                lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
        finally:
            with suppress(ValueError):  # it has rung
                self._waiting.remove(lock)


def _raise_what_was_lost() -> None:
    if _state.came and not _state.held and threading.current_thread() is threading.main_thread() and _is_installed():
        _raise()
