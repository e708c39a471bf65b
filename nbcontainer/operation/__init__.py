"""One running thing: a build, a push, a watch, a followed log.

The work runs beside the caller, on a thread of its own or on the one background asyncio thread. There its events are
folded into `state`, once, whether or not anyone listens. Each listener gets the events through a queue of its own, so
a slow one cannot block the work. Views read `state` and `revision` and draw at their own pace.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar, cast

from nbcontainer.errors import Stopped
from nbcontainer.interrupts import Bell, interrupts_deferred, interrupts_ignored
from nbcontainer.model.events import Missed
from nbcontainer.operation import registry
from nbcontainer.operation.background import background_loop, run_soon
from nbcontainer.operation.listener import Listener
from nbcontainer.operation.progress import Progress
from nbcontainer.operation.registry import running, stop_all

__all__ = ["AnyOperation", "Operation", "Progress", "background_loop", "run_soon", "running", "stop_all"]

Event = TypeVar("Event")
State = TypeVar("State", covariant=True)  # noqa: PLC0105 - reads better than State_co
Result = TypeVar("Result", covariant=True)  # noqa: PLC0105 - reads better than Result_co

BACKLOG = 1_000  # events that a late listener still gets
STOP_SECONDS = 0.7  # how long a stop waits for the server before the caller gets control back
UNANSWERED = "The server has not confirmed it yet: the work is being ended in the background."


AnyOperation: TypeAlias = "Operation[Any, object, object]"


class Operation(Generic[Event, State, Result]):
    """One running thing, with live events, a state, and a result.

    Iterate it with `for` or `async for` to get its events, the latest past ones first; read `.state` at any time;
    `.result()` waits and returns the result, or raises the server's error; `.stop()` ends it. Leaving a loop over its
    events leaves the operation running; Ctrl-C while waiting for it stops it.

    The work raises when it is cut off by a stop; if it returns, it counts as done, even after a stop. If the server
    does not answer a stop, the operation is done after `STOP_SECONDS` all the same, and its work cleans up in the
    background; `gone` says when it has finished.

    Args:
        name: what runs, in a few words, for messages ("build of web:1").
        state: the state before the first event.
        apply: the fold: (state, event) → state.
        conclude: makes the result from the last state and the work's return value.
        endless: a watch or a followed log: stopping it is its normal end, and its result is its last view.
        backlog: how many past events are kept for late listeners.
        final_event: makes the last event if the server has not answered a stop.
    """

    def __init__(
        self,
        name: str,
        state: State,
        apply: Callable[[State, Event], State],
        *,
        endless: bool = False,
        conclude: Callable[[State, Any], Result] | None = None,
        backlog: int = BACKLOG,
        final_event: Callable[[], Event] | None = None,
    ) -> None:
        self.name = name
        self.endless = endless
        self.started = time.time()
        self.finished: float | None = None
        self._state = state
        self._apply = apply
        self._conclude = conclude
        self._final_event = final_event
        self._revision = 0
        self._lock = threading.Lock()
        self._changed = Bell()
        self._listeners: list[Listener[Event]] = []
        self._backlog: deque[Event] = deque(maxlen=backlog)
        self._emitted = 0
        self._cancels: list[Callable[[], None]] = []
        self._stopping = False
        self._stop_timer: threading.Timer | None = None
        self._done = False
        self._gone = False
        self.started_by = threading.get_ident()
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._when_done: list[Callable[[], object]] = []
        self._task: asyncio.Task[None] | None = None

    # --- starting

    def start_thread(self, work: Callable[[Progress[Event]], object]) -> Self:
        """Run blocking `work` on a daemon thread. Returns self."""

        def run() -> None:
            try:
                value = work(self)
            except BaseException as error:  # noqa: BLE001 - it is raised again where result() is called
                self._end(error=error)
            else:
                self._end(value)

        with interrupts_deferred():
            registry.add(self)
            threading.Thread(target=run, daemon=True, name=f"nbcontainer: {self.name}").start()
        return self

    def start_task(self, work: Callable[[Progress[Event]], Coroutine[object, object, object]]) -> Self:
        """Run the coroutine `work` on the background loop; a stop cancels its task. Returns self."""

        async def run() -> None:
            self._task = asyncio.current_task()
            if self._stopping:
                self._end(error=asyncio.CancelledError())
                return
            try:
                value = await work(self)
            except BaseException as error:  # noqa: BLE001 - it is raised again where result() is called
                self._end(error=error)
            else:
                self._end(value)

        def cancel() -> None:
            if self._task is not None:
                loop.call_soon_threadsafe(self._task.cancel)

        with interrupts_deferred():
            registry.add(self)
            loop = background_loop()
            self._cancels.append(cancel)
            asyncio.run_coroutine_threadsafe(run(), loop)
        return self

    # --- the work's side (Progress)

    def emit(self, event: Event) -> None:
        """Fold one event into the state and pass it to the listeners. Called by the work."""
        with self._lock:
            if self._done:
                return
            self._state = self._apply(self._state, event)
            self._revision += 1
            self._emitted += 1
            self._backlog.append(event)
            for listener in self._listeners:
                listener.put(event)
        self._changed.ring()

    def on_stop(self, cancel: Callable[[], None]) -> None:
        """Call `cancel` when the operation is stopped (at once, if it already is)."""
        with self._lock:
            if not self._stopping:
                self._cancels.append(cancel)
                return
        cancel()

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._stopping

    def _end(self, value: object = None, error: BaseException | None = None) -> None:
        """Record that the work has finished."""
        registry.discard(self)
        self._gone = True
        self._task = None  # a page that shows the operation keeps it, but need not keep its task
        self._changed.ring()
        if not self._done:
            self._finish(value, error)

    def _give_up(self) -> None:
        """Finish although the server has not answered a stop; the work cleans up in the background."""
        if self._final_event is not None:
            self.emit(self._final_event())
        self._finish(None, asyncio.CancelledError(), cure=UNANSWERED)

    def _finish(self, value: object, error: BaseException | None, *, cure: str = "") -> None:
        if error is not None and (self._stopping or isinstance(error, asyncio.CancelledError)):
            # whatever the work raises after it was cut off is a consequence of the stop
            error = None if self.endless else Stopped(f"The {self.name} was stopped.", cure=cure)
        result = value
        if error is None and self._conclude is not None:
            try:
                result = self._conclude(self._state, value)
            except Exception as fault:  # noqa: BLE001 - it is raised again where result() is called
                error = fault
        with self._lock:
            if self._done:
                return
            self._result, self._error, self._done = cast("Result", result), error, True
            self._traceback = error.__traceback__ if error is not None else None
            self.finished = time.time()
            self._revision += 1
            self._cancels.clear()
            if self._stop_timer is not None:
                self._stop_timer.cancel()
                self._stop_timer = None  # the caller would finalize it with the operation, and that loses interrupts
            listeners, self._listeners = tuple(self._listeners), []
            when_done, self._when_done = self._when_done, []
        self._changed.ring()
        for listener in listeners:
            listener.close()
        for call in when_done:
            call()

    # --- the caller's side

    @property
    def state(self) -> State:
        """The fold of all events so far."""
        return self._state

    @property
    def revision(self) -> int:
        """Grows whenever `state` or `done` changes."""
        return self._revision

    @property
    def done(self) -> bool:
        """Whether it has ended: finished, failed or stopped."""
        return self._done

    @property
    def gone(self) -> bool:
        """Whether its work has finished too, which takes longer if the server does not answer a stop."""
        return self._gone

    def wait_until_gone(self, timeout: float | None = None) -> bool:
        """Wait until its work has finished; False when `timeout` seconds passed."""
        return self._changed.wait(lambda: self._gone, timeout)

    @property
    def error(self) -> BaseException | None:
        """What it failed with, or None; `result()` raises it."""
        return self._error

    def wait(self, timeout: float | None = None, *, revision: int | None = None) -> bool:
        """Wait until it is done, or until its revision differs from `revision`; False when `timeout` seconds passed."""

        def ready() -> bool:
            return self._done or (revision is not None and self._revision != revision)

        return self._changed.wait(ready, timeout)

    def when_done(self, call: Callable[[], object]) -> None:
        """Call `call` once it is done (at once, if it already is), on the thread that ended it."""
        with self._lock:
            if not self._done:
                self._when_done.append(call)
                return
        call()

    def result(self, timeout: float | None = None) -> Result:
        """Wait for its end and return the result.

        An endless operation returns its last view when stopped.

        Raises:
            TimeoutError: it is still running after `timeout` seconds (and goes on).
            Stopped: it was stopped, and it is not endless.
            KeyboardInterrupt: Ctrl-C while waiting; it is stopped, and done within a second.
            NbcontainerError: the server refused or failed.
        """
        try:
            if not self.wait(timeout):
                raise TimeoutError(f"The {self.name} still runs after {timeout:g} s.")
        except KeyboardInterrupt:
            self.interrupt()
            raise
        self._raise_error()
        return self._result  # type: ignore[return-value] # set with done

    def stop(self) -> None:
        """Request a stop, and return at once. It reaches the server; `result()` waits at most `STOP_SECONDS` for it."""
        with interrupts_deferred():
            with self._lock:
                if self._stopping or self._done:
                    return
                self._stopping = True
                self._stop_timer = timer = threading.Timer(STOP_SECONDS, self._give_up)
                timer.daemon = True
                cancels = tuple(self._cancels)
            with contextlib.suppress(RuntimeError):  # at the interpreter's exit no thread can be started
                timer.start()
            for cancel in cancels:
                try:
                    cancel()
                except Exception:  # noqa: BLE001, S112 - the other servers must be told all the same
                    continue

    def stop_after(self, duration: float) -> None:
        """Stop it after so many seconds, if it still runs then; 0 for never."""
        if duration > 0:
            timer = threading.Timer(duration, self.stop)
            timer.daemon = True
            timer.start()
            self.when_done(timer.cancel)

    def interrupt(self) -> None:
        """Stop it, and wait until it is done, which takes less than a second. Further interrupts change nothing."""
        with interrupts_ignored():
            self.stop()
            self.wait(registry.EXIT_SECONDS)

    def __iter__(self) -> Iterator[Event | Missed]:
        """As `events`."""
        return self.events()

    def __aiter__(self) -> AsyncIterator[Event | Missed]:
        """As `events_async`."""
        return self.events_async()

    def events(self) -> Iterator[Event | Missed]:
        """Yield the events, the backlog first; raises the operation's error at the end, if there is one."""
        listener: Listener[Event] = Listener()
        self._listen(listener)
        try:
            yield from listener.events()
        except KeyboardInterrupt:
            self.interrupt()
            raise
        finally:
            self._forget(listener)
        self._raise_error(unless=Stopped)

    async def events_async(self) -> AsyncIterator[Event | Missed]:
        """Yield the events, the backlog first, on the caller's own event loop."""
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()
        listener: Listener[Event] = Listener(lambda: loop.call_soon_threadsafe(wake.set))
        self._listen(listener)
        try:
            while True:
                wake.clear()
                batch, closed = listener.take()
                for event in batch:
                    yield event
                if closed:
                    break
                if not batch:
                    await wake.wait()
        finally:
            self._forget(listener)
        self._raise_error(unless=Stopped)

    def __await__(self) -> Generator[object, None, Result]:
        """Wait for the result without blocking the caller's event loop."""
        return self._wait_async().__await__()

    async def _wait_async(self) -> Result:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the waiter's event loop is closed: nobody is waiting
                loop.call_soon_threadsafe(ended.set)

        self.when_done(wake)
        await ended.wait()
        return self.result()

    def __repr__(self) -> str:
        """Its name and its status."""
        if not self._done:
            how = "stopping" if self._stopping else "running"
        elif self._error is not None:
            how = "stopped" if isinstance(self._error, Stopped) else "failed"
        else:
            how = "done"
        return f"<Operation {self.name}: {how}>"

    def _listen(self, listener: Listener[Event]) -> None:
        with self._lock:
            listener.start(self._backlog, self._emitted - len(self._backlog))
            if not self._done:
                self._listeners.append(listener)
                return
        listener.close()

    def _forget(self, listener: Listener[Event]) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _raise_error(self, *, unless: type[BaseException] | tuple[()] = ()) -> None:
        if self._error is not None and not isinstance(self._error, unless):
            # reset each time: otherwise the traceback would grow with every call that raises the same error
            raise self._error.with_traceback(self._traceback)
