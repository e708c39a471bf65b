"""A view that stays live in the page after its cell has finished, and sleeps while nobody looks at it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from nbcontainer.interrupts import interrupts_deferred

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbcontainer.operation import Operation
    from nbcontainer.views.lease import Lease
    from nbcontainer.widgets.live import LiveWidget

Event = TypeVar("Event")
State = TypeVar("State")


class Shown(Protocol):
    """What is displayed: a widget, or a picture."""

    @property
    def widget(self) -> LiveWidget | None:
        """The widget; None if it is a picture."""

    def follow(self, operation: Operation[Any, Any, Any], lease: Lease | None = None) -> None:
        """Keep it up to date until the operation is done, or the lease is over."""

    def finish(self, operation: Operation[Any, Any, Any]) -> None:
        """Show the last state, or nothing if the operation failed with nothing to show."""

    def dismiss(self) -> None:
        """Close it: its output is gone."""

    def sleep(self, state: Any) -> None:
        """Show the last state, and since when it is not up to date."""

    def wake(self) -> None:
        """Show that it is about to be up to date again."""

    def on_seen(self, call: Callable[[], None]) -> None:
        """Call `call` whenever somebody looks at it."""


class LiveView(Generic[Event, State]):
    """A view that an operation keeps up to date after its cell has finished.

    If it has a lease and that is over, it sleeps: the operation is stopped, and no thread is left. When somebody looks
    at it, another operation is started from the state that it shows.

    Args:
        name: the operation's name.
        state: the state that is shown at first.
        start: starts an operation that brings a state up to date, and keeps it so. Called on a thread.
        display: returns what is displayed. Called on that thread, once.
        lease: how long it stays live although nobody looks at it; None for as long as the operation runs.
    """

    def __init__(
        self,
        name: str,
        state: State,
        start: Callable[[State], Operation[Event, State, object]],
        display: Callable[[], Shown],
        lease: Lease | None = None,
    ) -> None:
        self._name, self._state, self._start, self._display, self._lease = name, state, start, display, lease
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._operation: Operation[Event, State, object] | None = None
        self._asleep = False
        self._dismissed = False
        self._start_thread()

    @property
    def widget(self) -> LiveWidget | None:
        """The widget; None if the page shows a picture, perhaps only because widgets are still being loaded."""
        return self._shown.widget if self._shown is not None else None

    @property
    def state(self) -> State:
        """What it shows now."""
        operation = self._operation
        return operation.state if operation is not None else self._state

    def dismiss(self) -> None:
        """Stop it, now or as soon as it has started: its output is gone, so nobody sees its last state."""
        with interrupts_deferred():
            with self._lock:
                self._dismissed = True
                operation, shown = self._operation, self._shown if self._asleep else None
                self._asleep = False
            if operation is not None:
                operation.stop()
            if shown is not None:
                shown.dismiss()

    def end_lease(self) -> None:
        """Let it sleep, unless somebody still looks at it."""
        if self._lease is not None:
            self._lease.end()

    def _start_thread(self) -> None:
        with interrupts_deferred():
            threading.Thread(target=self._run, daemon=True, name=f"nbcontainer view: {self._name}").start()

    def _run(self) -> None:
        operation = self._start(self._state)
        if self._shown is None:
            self._shown = self._display()
            self._shown.on_seen(self._look)
        with self._lock:
            self._operation = operation
        if self._dismissed:
            operation.stop()
        try:
            self._shown.follow(operation, self._lease)
        finally:
            self._leave(operation, self._shown)

    def _leave(self, operation: Operation[Event, State, object], shown: Shown) -> None:
        """Finish, or sleep if the operation could go on."""
        has_ended = operation.done or self._lease is None
        operation.stop()
        operation.wait()
        with self._lock:
            self._operation, self._state = None, operation.state
            if self._dismissed:
                shown.dismiss()
            elif has_ended:
                shown.finish(operation)
            elif self._lease is not None and self._lease.is_over:
                self._asleep = True
                shown.sleep(self._state)
            else:  # somebody has just looked
                self._start_thread()

    def _look(self) -> None:
        if self._lease is None:
            return
        with interrupts_deferred(), self._lock:
            self._lease.renew()
            if self._asleep and self._shown is not None:
                self._asleep = False
                self._shown.wake()
                self._start_thread()
