"""The queue of one `for` or `async for` over an operation's events."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from nbcontainer.interrupts import Bell
from nbcontainer.model.events import Missed

Event = TypeVar("Event")

QUEUE_LENGTH = 10_000  # events by which it may lag behind before it misses the oldest


class Listener(Generic[Event]):
    """A bounded queue of events.

    Args:
        wake: called on any thread when something has arrived.
    """

    def __init__(self, wake: Callable[[], object] = lambda: None) -> None:
        self._events: deque[Event] = deque()
        self._missed = 0
        self._closed = False
        self._lock = threading.Lock()
        self._news = Bell()
        self._wake = wake

    def start(self, backlog: Iterable[Event], missed: int) -> None:
        """Start with the past events; `missed` earlier ones are no longer kept."""
        self._events.extend(backlog)
        self._missed = missed

    def put(self, event: Event) -> None:
        """Add one event; if the queue is full, the oldest is dropped."""
        with self._lock:
            if len(self._events) >= QUEUE_LENGTH:
                self._events.popleft()
                self._missed += 1
            self._events.append(event)
        self._ring()

    def close(self) -> None:
        """Mark the end: no event will follow."""
        self._closed = True
        self._ring()

    def _ring(self) -> None:
        self._news.ring()
        with contextlib.suppress(RuntimeError):  # the listener's event loop is closed: nobody is waiting
            self._wake()

    def take(self) -> tuple[list[Event | Missed], bool]:
        """All waiting events, and whether they are the last."""
        with self._lock:
            batch: list[Event | Missed] = [Missed(self._missed)] if self._missed else []
            batch.extend(self._events)
            self._events.clear()
            self._missed = 0
            return batch, self._closed

    def events(self) -> Iterator[Event | Missed]:
        """The events as they arrive, until it is closed."""
        closed = False
        while not closed:
            self._news.wait(lambda: self._events or self._missed or self._closed)
            batch, closed = self.take()
            yield from batch
