"""The one thread with an asyncio event loop, on which all asynchronous I/O of nbcontainer runs."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import TypeVar

from nbcontainer.interrupts import Bell, interrupts_deferred

Result = TypeVar("Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def background_loop() -> asyncio.AbstractEventLoop:
    """The event loop of the background thread, which is started on first use."""
    global _loop  # noqa: PLW0603 - one loop for the process, made on first use
    with interrupts_deferred(), _lock:
        if _loop is None or _loop.is_closed():
            loop = asyncio.new_event_loop()
            started = threading.Event()

            def run() -> None:
                asyncio.set_event_loop(loop)
                loop.call_soon(started.set)
                loop.run_forever()

            threading.Thread(target=run, daemon=True, name="nbcontainer-io").start()
            started.wait()
            _loop = loop
        return _loop


def run_soon(coroutine: Coroutine[object, object, Result]) -> Result:
    """Run a short coroutine on the background loop and wait for it; Ctrl-C cancels it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, background_loop())
    ended = Bell()
    future.add_done_callback(lambda _: ended.ring())
    try:
        ended.wait(future.done)
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        raise


def _forget() -> None:
    """Start over in a forked child, which has none of its parent's threads."""
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
