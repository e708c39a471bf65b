"""The queue of one `for` or `async for` over an operation's events."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from nbcontainer.interrupts import Bell
from nbcontainer.model.events import Missed

__all__ = ["Listener"]

Event = TypeVar("Event")

QUEUE_LENGTH = 10_000  # events that it may lag behind before it misses the oldest


class Listener(Generic[Event]):
    """A bounded queue of events.

    Args:
        wake: called when something has come, on any thread.
    """

    def __init__(self, wake: Callable[[], object] = lambda: None) -> None:
        self._events: deque[Event] = deque()
        self._missed = 0
        self._closed = False
        self._lock = threading.Lock()
        self._came = Bell()
        self._wake = wake

    def start(self, backlog: Iterable[Event], missed: int) -> None:
        """Begin with the past events, before which `missed` others are forgotten."""
        self._events.extend(backlog)
        self._missed = missed

    def put(self, event: Event) -> None:
        """Take one event; the oldest gives way where the queue is full."""
        with self._lock:
            if len(self._events) >= QUEUE_LENGTH:
                self._events.popleft()
                self._missed += 1
            self._events.append(event)
        self._ring()

    def close(self) -> None:
        """No event will follow."""
        self._closed = True
        self._ring()

    def _ring(self) -> None:
        self._came.ring()
        with contextlib.suppress(RuntimeError):  # the listener's event loop is closed: nobody is there to be woken
            self._wake()

    def take(self) -> tuple[list[Event | Missed], bool]:
        """All that waits, and whether that is the end."""
        with self._lock:
            batch: list[Event | Missed] = [Missed(self._missed)] if self._missed else []
            batch.extend(self._events)
            self._events.clear()
            self._missed = 0
            return batch, self._closed

    def events(self) -> Iterator[Event | Missed]:
        """The events as they come, until it is closed."""
        closed = False
        while not closed:
            self._came.wait(lambda: self._events or self._missed or self._closed)
            batch, closed = self.take()
            yield from batch
