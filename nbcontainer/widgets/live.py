"""A live widget: the kernel's side of the frame in frontend/src/{wire,live}.ts.

Kernel to page goes through one queue for each widget and one thread for all, in batches, at most 20 a second: Jupyter
Server and ZeroMQ drop bursts of messages without a word. The page acknowledges batches; while acknowledgements come,
a window of them is in flight, and where they do not (some kernels hear the page only when the cell has ended) the
pace is lower. Each batch has a sequence number: a page that missed one, or was opened later, gets a snapshot.
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

__all__ = ["PROTOCOL", "LiveWidget", "widget_class"]

PROTOCOL = 1  # as in frontend/src/wire.ts
INTERVAL = 0.05  # seconds between two batches of one widget
SLOW_INTERVAL = 0.1  # the same while the page is not heard
WINDOW = 8  # batches on their way without an acknowledgement
WINDOW_BYTES = 8_000_000  # of binary buffers
BEAT = 5.0  # seconds between two signs of life while nothing changes
PATIENCE = 1.0  # seconds without an acknowledgement after which the page counts as not heard
QUEUE_LENGTH = 500  # messages that wait; beyond, a snapshot takes their place
STATIC = Path(__file__).parent.parent / "static"

Message = Mapping[str, object]


class LiveWidget(anywidget.AnyWidget):
    """One widget that follows something running.

    A subclass names its page (`_esm`, `_css`). Whoever feeds it calls `tell` with what has changed whenever `room` is
    true, and `finish` once. What the person does in the page reaches the function given to `on_action`.

    Args:
        snapshot: the whole of what the page shows, as JSON.
    """

    # `snapshot` and `sequence` are made when somebody asks: see get_state
    snapshot = traitlets.Dict().tag(sync=True)
    sequence = traitlets.Int(0).tag(sync=True)
    protocol = traitlets.Int(PROTOCOL).tag(sync=True)
    finished = traitlets.Bool(default_value=False).tag(sync=True)
    stopped = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, snapshot: Message | None = None, **traits: object) -> None:
        self._lock = threading.RLock()
        self._queue: deque[tuple[Message, Sequence[bytes]]] = deque()
        self._in_flight: deque[tuple[int, int, float]] = deque()  # sequence, bytes, when
        self._sent = 0  # the sequence number of the last batch
        self._sent_at = 0.0
        self._heard = True
        self._overflown = False
        initial = dict(snapshot or {})
        self._whole: Callable[[], Message] = lambda: initial
        self._action: Callable[[Message], Message | None] | None = None
        self._text, self._html = "", ""
        super().__init__(**traits)
        self.on_msg(self._receive)
        if hasattr(self.comm, "_reply_subshell_for"):
            # ipykernel 7.4 hands a page's messages to the subshell of the last kernel-side sender, which is the busy
            # one; with the default, Stop arrives while a cell runs
            self.comm._reply_subshell_for = lambda _data, default: default  # noqa: SLF001 - there is no public way

    # --- what feeds it

    @property
    def room(self) -> bool:
        """Whether a message that is told now leaves at once: the moment to look what has changed."""
        with self._lock:
            return not self._queue and not self._overflown and self._wait_time(time.monotonic()) <= 0

    def tell(
        self, message: Message, buffers: Sequence[bytes] = (), *, whole: Callable[[], Message] | None = None
    ) -> None:
        """Send `message` to the page, in order, batched with what else waits. Returns at once.

        Args:
            message: what changed, as JSON.
            buffers: binary data that goes with it.
            whole: gives the snapshot of the very state that `message` leads to, for a page that is opened now;
                None where the message does not change what a snapshot holds.
        """
        with self._lock:
            if whole is not None:
                self._whole = whole
            self._queue.append((message, buffers))
            if len(self._queue) > QUEUE_LENGTH:
                self._queue.clear()
                self._overflown = True
        _sender.wake(self)

    def beat(self) -> None:
        """Say that it is still followed, if nothing else was said lately. Called now and then by whoever feeds it."""
        with self._lock:
            if time.monotonic() - self._sent_at > BEAT:
                self._sent_at = time.monotonic()
                self.send({"type": "here", "now": time.time()})

    def finish(self, snapshot: Message, *, stopped: bool = False) -> None:
        """Say that nothing more will come. `snapshot` is the last one; `stopped` says that a person ended it."""
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
        """Call `call` with each action of the page, {"type": "stop", …}, on any thread; what it returns is replied."""
        self._action = call

    def set_static(self, *, text: str, html: str) -> None:
        """What a front end without widgets, and the saved notebook, show in place of the widget."""
        self._text, self._html = text, html

    # --- what Jupyter asks

    def _repr_mimebundle_(self, **options: object) -> tuple[dict[str, object], dict[str, object]] | None:
        bundle = super()._repr_mimebundle_(**options)  # type: ignore[arg-type] # its hint is of one option, not of all
        if bundle is None:
            return None
        data, metadata = bundle
        still = {"text/plain": self._text, "text/html": self._html}
        return {**data, **{kind: text for kind, text in still.items() if text}}, metadata

    def get_state(self, key: str | Sequence[str] | None = None, drop_defaults: bool = False) -> dict[str, object]:  # noqa: FBT001, FBT002 - ipywidgets' own signature
        """The traits as the page gets them, with the snapshot as it is now."""
        state: dict[str, object] = super().get_state(key=key, drop_defaults=drop_defaults)
        wanted = self.keys if key is None else (key,) if isinstance(key, str) else tuple(key)
        if "snapshot" in wanted:
            with self._lock:
                self._send_queue()  # so that what the snapshot holds is not sent once more after it
                state["snapshot"], state["sequence"] = dict(self._whole()), self._sent
        return state

    # --- what the page says

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        match content.get("type"):
            case "acknowledge":
                self._acknowledged(content.get("sequence"))
            case "hello" | "resync":
                self._heard = True
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
            self._heard = True
            while self._in_flight and self._in_flight[0][0] <= sequence:
                self._in_flight.popleft()
            waiting = bool(self._queue)
        if waiting:
            _sender.wake(self)

    # --- sending

    def _wait_time(self, now: float) -> float:
        """Seconds until the next batch may leave. Called with the lock held."""
        if self._in_flight and now - self._in_flight[0][2] > PATIENCE:
            self._heard = False
            self._in_flight.clear()
        if len(self._in_flight) >= WINDOW or sum(size for _, size, _ in self._in_flight) >= WINDOW_BYTES:
            return max(INTERVAL, self._in_flight[0][2] + PATIENCE - now)
        return self._sent_at + (INTERVAL if self._heard else SLOW_INTERVAL) - now

    def flush(self) -> float | None:
        """Send what waits, if it may leave; give the seconds until the next try, None where nothing waits."""
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
def widget_class(page: str) -> type[LiveWidget]:
    """The class of the widgets whose page is the built files PAGE.js and PAGE.css of the front end.

    Raises:
        NbcontainerError: the front end was not built, as in a clone that was never installed.
    """
    files = {"_esm": STATIC / f"{page}.js", "_css": STATIC / f"{page}.css"}
    for path in files.values():
        if not path.exists():
            raise NbcontainerError(f"The page's file {path.name} was not built.", cure="Run: pip install -e .")
    return type(f"{page.title()}Widget", (LiveWidget,), {"__module__": __name__, **files})


class _Sender:
    """The one thread that sends what widgets have in their queues."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: dict[LiveWidget, float] = {}
        self._thread: threading.Thread | None = None

    def wake(self, widget: LiveWidget, wait: float = 0.0) -> None:
        """Have `widget` flushed in `wait` seconds, or sooner if that was asked for."""
        due = time.monotonic() + wait
        with interrupts_deferred(), self._condition:
            self._due[widget] = min(due, self._due.get(widget, due))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="nbcontainer: to the page")
                self._thread.start()
            self._condition.notify()

    def _take(self) -> list[LiveWidget]:
        """Wait until widgets are due, and give them."""
        with self._condition:
            while True:
                now = time.monotonic()
                ready = [widget for widget, due in self._due.items() if due <= now]
                if ready:
                    for widget in ready:
                        del self._due[widget]
                    return ready
                self._condition.wait(min(self._due.values()) - now if self._due else None)

    def _run(self) -> None:
        while True:
            for widget in self._take():
                try:
                    wait = widget.flush()
                except Exception:
                    # a page that cannot be reached must not silence the others
                    widget.log.warning("nbcontainer: a widget could not be sent", exc_info=True)
                    wait = None
                if wait is not None:
                    self.wake(widget, wait)
            del widget


_sender = _Sender()
