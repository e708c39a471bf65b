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
from functools import wraps
from typing import ParamSpec, TypeVar

from nbcontainer.errors import Stopped

T = TypeVar("T")
Arguments = ParamSpec("Arguments")

AGAIN_SECONDS = 2.0  # how long after a KeyboardInterrupt no second one is raised, so that its handler can finish
REDELIVERY_SECONDS = 0.01
STEP_SECONDS = 0.2  # how long one blocking call of the main thread may take


class _State:
    """What is known of interrupts; only the main thread uses it."""

    def __init__(self) -> None:
        self.depth = 0  # how many `interrupts_deferred` are entered
        self.pending = False  # whether an interrupt arrived that nothing has handled yet
        self.raised = float("-inf")  # when the last one was raised


_state = _State()


def _handle(_number: int, _frame: object) -> None:
    _state.pending = True
    if not _state.depth and time.monotonic() - _state.raised >= AGAIN_SECONDS:
        _raise()


def _raise() -> None:
    _state.raised = time.monotonic()
    raise KeyboardInterrupt


def _is_installed() -> bool:
    return signal.getsignal(signal.SIGINT) is _handle


def _can_take_over() -> bool:
    """Whether this is the main thread, and SIGINT has Python's default handler or a kernel's."""
    if threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGINT)
    # in a cell with `await`, ipykernel's own handler cancels the event loop's next task, and no magic is interrupted
    return handler is signal.default_int_handler or str(getattr(handler, "__module__", "")).startswith("ipykernel")


@contextmanager
def _handler() -> Iterator[None]:
    before, unraisable = signal.getsignal(signal.SIGINT), sys.unraisablehook

    def ignored(found: sys.UnraisableHookArgs) -> None:
        if issubclass(found.exc_type, KeyboardInterrupt):
            _deliver_again(lambda: _state.pending)
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
            if sys.platform == "win32":  # where `os.kill` would terminate the process
                _thread.interrupt_main()
            else:
                os.kill(os.getpid(), signal.SIGINT)

    # Thread.start() waits for the new thread, and an interrupt of that wait could be swallowed as well
    _thread.start_new_thread(deliver, ())


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Defer interrupts until the block ends; then raise one, if any arrived. For short blocks."""
    if threading.current_thread() is not threading.main_thread():
        yield
    elif _is_installed():
        _state.depth += 1
        try:
            yield
        finally:
            _state.depth -= 1
        if _state.pending and not _state.depth and time.monotonic() - _state.raised >= AGAIN_SECONDS:
            _raise()
    elif callable(signal.getsignal(signal.SIGINT)):
        _state.depth, _state.pending = 1, False
        with _handler():
            try:
                yield
            finally:
                _state.depth = 0
        if _state.pending:
            _state.pending = False
            signal.raise_signal(signal.SIGINT)
    else:
        yield


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Handle an interrupt: more that arrive meanwhile ask for the same thing, and are dropped."""
    with interrupts_deferred():
        try:
            yield
        finally:
            if threading.current_thread() is threading.main_thread():
                _state.pending = False


def interrupts_redelivered(work: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Decorate a callback whose caller would swallow an interrupt: it is delivered again once the caller goes on."""

    @wraps(work)
    def call(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        ended = False
        try:
            with interrupts_deferred():
                work(*arguments, **options)
                ended = True
        except KeyboardInterrupt:  # it is raised after the work, or came before it could be deferred
            _state.pending = False
            _deliver_again()
            if not ended:
                work(*arguments, **options)

    return call


def run_interruptible(work: Callable[[], T], answer: Callable[[], BaseException]) -> T:
    """Run `work`; an interrupt ends it, and the exception that `answer` returns is raised.

    Python loses an interrupt that arrives while a finalizer runs: it is delivered again. Where other code swallows
    one, the next wait raises it, or the end of `work` does.
    """
    interruption: BaseException | None = None
    try:
        if not _can_take_over():
            value = _done(work)
        else:
            _state.depth, _state.pending, _state.raised = 0, False, float("-inf")
            with _handler():
                try:
                    value = _done(work)
                except KeyboardInterrupt:
                    _state.pending = True
                if _state.pending:
                    with interrupts_ignored():
                        interruption = answer()
    except KeyboardInterrupt:  # our handler is not installed, or it arrived between those steps
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
        # it may be an interrupt in disguise: while a class is created, Python 3.11 wraps it in a RuntimeError
        if _state.pending and threading.current_thread() is threading.main_thread() and _is_installed():
            raise KeyboardInterrupt from None
        raise


def wait_in_steps(wait: Callable[[float], object], seconds: float) -> bool:
    """Call `wait(seconds)`, but in short steps on the main thread; False if it returned nothing true in that time.

    A signal that arrives just before a blocking system call does not interrupt that call, and Python handles it only
    afterwards. It often arrives then if another thread sends it, for which the main thread has just released the GIL.
    """
    if threading.current_thread() is not threading.main_thread():
        return bool(wait(seconds))
    deadline = time.monotonic() + seconds
    while not wait(min(seconds, STEP_SECONDS)):
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            return False
    return True


class Bell:
    """Wakes the threads that wait for something. It uses bare locks, which an interrupt cannot break."""

    def __init__(self) -> None:
        self._waiting: deque[_thread.LockType] = deque()

    def ring(self) -> None:
        """Let all waiting threads check again. What they wait for must be true before this is called."""
        while self._waiting:
            with suppress(IndexError):  # another thread was quicker
                self._waiting.popleft().release()

    def wait(self, ready: Callable[[], object], timeout: float | None = None) -> bool:
        """Wait until `ready()`; False when `timeout` seconds passed."""
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        while not ready():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._wait_once(ready, left)
        return True

    def _wait_once(self, ready: Callable[[], object], seconds: float) -> None:
        lock = threading.Lock()
        lock.acquire()
        self._waiting.append(lock)
        try:
            _raise_pending()
            if not ready():  # checked again: a ring before the append above went unnoticed
                wait_in_steps(lambda step: lock.acquire(timeout=min(step, threading.TIMEOUT_MAX)), seconds)
        finally:
            with suppress(ValueError):  # ring() has removed it
                self._waiting.remove(lock)


def _raise_pending() -> None:
    if (
        _state.pending
        and not _state.depth
        and threading.current_thread() is threading.main_thread()
        and _is_installed()
    ):
        _raise()
