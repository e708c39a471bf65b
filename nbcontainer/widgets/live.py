"""A live widget: the kernel's side of the frame in frontend/src/{wire,live}.ts.

Messages to the page go through one queue per widget and one thread for all widgets, in batches, at most 20 a second:
Jupyter Server and ZeroMQ silently drop bursts of messages. The page acknowledges batches; as long as acknowledgements
arrive, several batches may be in flight, and if they do not (some kernels receive messages from the page only when the
cell has finished), batches are sent less often. Each batch has a sequence number: a page that missed one, or was
opened later, gets a snapshot.

A widget with a lease learns whether anybody looks at it: while one of its views is visible, the page says so, four
times in each term of the lease.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anywidget
import traitlets

from nbcontainer.errors import NbcontainerError
from nbcontainer.interrupts import interrupts_deferred

PROTOCOL = 1  # as in frontend/src/wire.ts
INTERVAL = 0.05  # seconds between two batches of one widget
SLOW_INTERVAL = 0.1  # the same while no acknowledgements arrive
WINDOW = 8  # unacknowledged batches in flight
WINDOW_BYTES = 8_000_000  # of binary buffers in flight
HEARTBEAT = 5.0  # seconds between two heartbeats while nothing changes
ACKNOWLEDGE_SECONDS = 1.0  # seconds to wait for an acknowledgement
QUEUE_LENGTH = 500  # waiting messages; if there are more, a snapshot replaces them
IDLE_SECONDS = 5.0  # after which the thread that sends ends, if there is nothing to send
STATIC = Path(__file__).parent.parent / "static"

Message = Mapping[str, object]


class LiveWidget(anywidget.AnyWidget):
    """A widget that follows something running.

    A subclass names its page (`_esm`, `_css`). Its owner calls `emit` with what has changed whenever `pause` is 0,
    and `finish` once. What the user does in the page is passed to the function given to `on_action`.

    Args:
        snapshot: everything that the page shows, as JSON.
    """

    # `snapshot` and `sequence` are computed on demand: see get_state
    snapshot = traitlets.Dict().tag(sync=True)
    sequence = traitlets.Int(0).tag(sync=True)
    protocol = traitlets.Int(PROTOCOL).tag(sync=True)
    finished = traitlets.Bool(default_value=False).tag(sync=True)
    stopped = traitlets.Bool(default_value=False).tag(sync=True)
    # seconds that it stays live although nobody looks at it, 0 for as long as it runs; since when it sleeps, 0 if awake
    lease = traitlets.Float(0.0).tag(sync=True)
    asleep = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, snapshot: Message | None = None, **traits: object) -> None:
        self._lock = threading.RLock()
        self._queue: deque[tuple[Message, Sequence[bytes]]] = deque()
        self._in_flight: deque[tuple[int, int, float]] = deque()  # sequence, bytes, when
        self._sent = 0  # the sequence number of the last batch
        self._sent_at = 0.0
        self._is_acknowledged = True
        self._overflown = False
        initial = dict(snapshot or {})
        self._whole: Callable[[], Message] = lambda: initial
        self._action: Callable[[Message], Message | None] | None = None
        self._seen: Callable[[], None] = lambda: None
        self._text, self._html = "", ""
        super().__init__(**traits)
        self.on_msg(self._receive)
        if hasattr(self.comm, "_reply_subshell_for"):
            # ipykernel 7.4 hands a page's messages to the subshell of the last kernel-side sender, which is the busy
            # one; with the default, Stop arrives while a cell runs
            self.comm._reply_subshell_for = lambda _data, default: default  # noqa: SLF001 - there is no public way

    # --- called by the widget's owner

    @property
    def pause(self) -> float:
        """Seconds until a message would be sent immediately, 0 if now: the moment to find out what has changed."""
        with self._lock:
            if self._queue or self._overflown:
                return INTERVAL
            return max(0.0, self._wait_time(time.monotonic()))

    def emit(
        self, message: Message, buffers: Sequence[bytes] = (), *, whole: Callable[[], Message] | None = None
    ) -> None:
        """Send `message` to the page, in order, batched with other waiting messages. Returns immediately.

        Args:
            message: what changed, as JSON.
            buffers: binary data that goes with it.
            whole: returns a snapshot of exactly the state after `message`, for a page that is opened now;
                None if the message does not change the snapshot.
        """
        with self._lock:
            if whole is not None:
                self._whole = whole
            self._queue.append((message, buffers))
            if len(self._queue) > QUEUE_LENGTH:
                self._queue.clear()
                self._overflown = True
        _sender.wake(self)

    def heartbeat(self) -> None:
        """Tell the page that the kernel still follows, unless something was sent recently. To be called regularly."""
        with self._lock:
            if time.monotonic() - self._sent_at > HEARTBEAT:
                self._sent_at = time.monotonic()
                self.send({"type": "here", "now": time.time()})

    def finish(self, snapshot: Message, *, stopped: bool = False) -> None:
        """Send the last snapshot. `stopped` says that the user stopped what was followed."""
        last = dict(snapshot)
        with self._lock:
            self._queue.clear()  # `snapshot` has them all
            self._overflown = False
            self._whole = lambda: last
            self._sent += 1
            with self.hold_sync():
                self.stopped, self.finished = stopped, True
                self._states_to_send.update(("snapshot", "sequence"))

    def on_action(self, call: Callable[[Message], Message | None]) -> None:
        """Call `call` with each action of the page, {"type": "stop", …}, on any thread; its result is the reply."""
        self._action = call

    def on_seen(self, call: Callable[[], None]) -> None:
        """Call `call` whenever the page says that a view is visible, on any thread. Needs a `lease`."""
        self._seen = call

    def set_static(self, *, text: str, html: str) -> None:
        """Set what a front end without widgets, and the saved notebook, show instead of the widget."""
        self._text, self._html = text, html

    # --- called by Jupyter

    def _repr_mimebundle_(self, **options: object) -> tuple[dict[str, object], dict[str, object]] | None:
        bundle = super()._repr_mimebundle_(**options)  # type: ignore[arg-type] # the type hint describes one option, not all of them
        if bundle is None:
            return None
        data, metadata = bundle
        still = {"text/plain": self._text, "text/html": self._html}
        return {**data, **{kind: text for kind, text in still.items() if text}}, metadata

    def get_state(self, key: str | Sequence[str] | None = None, drop_defaults: bool = False) -> dict[str, object]:  # noqa: FBT001, FBT002 - ipywidgets' own signature
        """The traits as sent to the page, with the current snapshot."""
        state: dict[str, object] = super().get_state(key=key, drop_defaults=drop_defaults)
        wanted = self.keys if key is None else (key,) if isinstance(key, str) else tuple(key)
        if "snapshot" in wanted:
            with self._lock:
                self._send_queue()  # otherwise these messages would be sent again after the snapshot that contains them
                state["snapshot"], state["sequence"] = dict(self._whole()), self._sent
        return state

    # --- messages from the page

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        match content.get("type"):
            case "acknowledge":
                self._acknowledged(content.get("sequence"))
            case "seen":
                self._seen()
            case "hello" | "resync":
                self._is_acknowledged = True
                if content.get("sequence") != self._sent:
                    self._send_snapshot()
                else:
                    self.send({"type": "here", "now": time.time()})
            case "action" if isinstance(content.get("name"), str):
                action = {**content, "type": content["name"]}
                reply = self._action(action) if self._action is not None else None
                self.send({"type": "reply", "id": content.get("id"), "value": reply})

    def _acknowledged(self, sequence: object) -> None:
        if not isinstance(sequence, int):
            return
        with self._lock:
            self._is_acknowledged = True
            while self._in_flight and self._in_flight[0][0] <= sequence:
                self._in_flight.popleft()
            waiting = bool(self._queue)
        if waiting:
            _sender.wake(self)

    # --- sending

    def _wait_time(self, now: float) -> float:
        """Seconds until the next batch may be sent. Called with the lock held."""
        if self._in_flight and now - self._in_flight[0][2] > ACKNOWLEDGE_SECONDS:
            self._is_acknowledged = False
            self._in_flight.clear()
        if len(self._in_flight) >= WINDOW or sum(size for _, size, _ in self._in_flight) >= WINDOW_BYTES:
            return max(INTERVAL, self._in_flight[0][2] + ACKNOWLEDGE_SECONDS - now)
        return self._sent_at + (INTERVAL if self._is_acknowledged else SLOW_INTERVAL) - now

    def flush(self) -> float | None:
        """Send waiting messages if possible; return the seconds until the next try, or None if nothing is waiting."""
        with self._lock:
            if not self._queue and not self._overflown:
                return None
            wait = self._wait_time(time.monotonic())
            if wait > 0:
                return wait
            if self._overflown:
                self._send_snapshot()
            else:
                self._send_queue()
            return None

    def _send_queue(self) -> None:
        if not self._queue:
            return
        items = [message for message, _ in self._queue]
        counts = [len(group) for _, group in self._queue]
        buffers = [buffer for _, group in self._queue for buffer in group]
        self._queue.clear()
        self._sent += 1
        self._sent_at = time.monotonic()
        self._in_flight.append((self._sent, sum(map(len, buffers)), self._sent_at))
        batch = {"type": "batch", "sequence": self._sent, "items": items, "buffers": counts, "now": time.time()}
        self.send(batch, buffers or None)

    def _send_snapshot(self) -> None:
        with self._lock:
            self._queue.clear()  # the snapshot has them all
            self._overflown = False
            self._in_flight.clear()
            self._sent += 1
            self._sent_at = time.monotonic()
            state = dict(self._whole())
            self.send({"type": "snapshot", "sequence": self._sent, "state": state, "now": time.time()})


@functools.cache
def widget_class(page: str, base: type[LiveWidget] | None = None) -> type[LiveWidget]:
    """The widget class whose page is PAGE.js and PAGE.css of the built front end.

    Args:
        page: the name of the files.
        base: a class with more traits.

    Raises:
        NbcontainerError: the front end was not built, for example in a clone that was never installed.
    """
    paths = {"_esm": STATIC / f"{page}.js", "_css": STATIC / f"{page}.css"}
    for path in paths.values():
        if not path.exists():
            raise NbcontainerError(f"The page's file {path.name} was not built.", cure="Run: pip install -e .")
    # as text: anywidget never releases a widget that was made from a path
    texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    return type(f"{page.title()}Widget", (base or LiveWidget,), {"__module__": __name__, **texts})


class _Sender:
    """The one thread that sends the queues of all widgets; it ends when there has been nothing to send for a while."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: dict[LiveWidget, float] = {}
        self._thread: threading.Thread | None = None

    def wake(self, widget: LiveWidget, wait: float = 0.0) -> None:
        """Have `widget` flushed in `wait` seconds, or sooner if an earlier call asked for that."""
        due = time.monotonic() + wait
        with interrupts_deferred(), self._condition:
            self._due[widget] = min(due, self._due.get(widget, due))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="nbcontainer: to the page")
                self._thread.start()
            self._condition.notify()

    def _take(self) -> list[LiveWidget]:
        """Wait until widgets are due, and return them; none if the thread is to end."""
        with self._condition:
            while True:
                now = time.monotonic()
                ready = [widget for widget, due in self._due.items() if due <= now]
                if ready:
                    for widget in ready:
                        del self._due[widget]
                    return ready
                wait = min(self._due.values()) - now if self._due else IDLE_SECONDS
                if not self._condition.wait(wait) and not self._due:
                    self._thread = None
                    return []

    def _run(self) -> None:
        while ready := self._take():
            for widget in ready:
                try:
                    wait = widget.flush()
                except Exception:
                    # a page that cannot be reached must not stop the others
                    widget.log.warning("nbcontainer: a widget could not be sent", exc_info=True)
                    wait = None
                if wait is not None:
                    self.wake(widget, wait)
            del widget, ready


_sender = _Sender()
