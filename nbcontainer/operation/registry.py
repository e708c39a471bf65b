"""All running operations, so that none outlives the process."""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import TYPE_CHECKING

from nbcontainer.interrupts import interrupts_ignored

if TYPE_CHECKING:
    from nbcontainer.operation import AnyOperation

EXIT_SECONDS = 1.0  # how long the interpreter's exit waits for stopped operations

_lock = threading.Lock()
_running: set[AnyOperation] = set()  # not a WeakSet, whose callbacks swallow interrupts


def add(operation: AnyOperation) -> None:
    """Add an operation that has started."""
    with _lock:
        _running.add(operation)


def discard(operation: AnyOperation) -> None:
    """Remove an operation that has ended."""
    with _lock:
        _running.discard(operation)


def _all() -> list[AnyOperation]:
    with _lock:
        return list(_running)


def running() -> frozenset[AnyOperation]:
    """The operations that this thread has started and that are not done."""
    return frozenset(found for found in _all() if not found.done and found.started_by == threading.get_ident())


@atexit.register
def stop_all() -> None:
    """Stop every operation, when the kernel or the interpreter exits."""
    with interrupts_ignored():
        left = _all()
        for operation in left:
            operation.stop()
        deadline = time.monotonic() + EXIT_SECONDS
        for operation in left:
            operation.wait_until_gone(max(0.0, deadline - time.monotonic()))


def _forget() -> None:
    """Start over in a forked child, which has none of its parent's threads, so nothing runs in it."""
    global _lock  # noqa: PLW0603 - the old one may be held by a thread that the child does not have
    _lock = threading.Lock()
    _running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
