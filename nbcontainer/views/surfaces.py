"""Where a running thing is drawn: a notebook's page, a terminal, or plain lines.

`show(operation, view)` draws while it runs and returns what came of it; failures are raised here, never in a display
hook, which would swallow them. Nothing is drawn twice: what was drawn while it ran is marked as shown, and the first
display of its result in that same cell stays silent (`was_shown`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from nbcontainer import views
from nbcontainer.errors import NbcontainerError, Stopped
from nbcontainer.interrupts import held_back
from nbcontainer.model.events import Missed
from nbcontainer.model.tables import Tone
from nbcontainer.settings import settings
from nbcontainer.views.picture import Line, Span
from nbcontainer.views.streaming import FRAME_SECONDS, stream
from nbcontainer.views.text import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import DisplayHandle

    from nbcontainer.operation import AnyOperation, Operation
    from nbcontainer.views.picture import Picture
    from nbcontainer.views.view import View
    from nbcontainer.widgets.live import LiveWidget

__all__ = ["Notebook", "Plain", "Surface", "choose_surface", "in_kernel", "show", "was_shown"]

Event = TypeVar("Event")
State = TypeVar("State")
Result = TypeVar("Result")

EMPTY_SECONDS = 1.0  # how long a page waits for something to show before it shows an empty frame
STILL_SECONDS = 0.25  # between two whole pictures, where there is no widget
NOTHING = {"text/plain": "", "text/html": ""}  # takes the place of an empty frame
DUMB = ("dumb", "unknown")  # what TERM is where the cursor does not move
MISSED_LINE = "… {} events were too fast for these lines; the picture at the end has them …"


class Surface(Protocol):
    """A place where running things are drawn."""

    name: str

    def draw(self, operation: Operation[Event, State, object], view: View[Event, State]) -> None:
        """Draw until the operation is done. Raises nothing of the operation's."""


def show(
    operation: Operation[Event, State, Result], view: View[Event, State], surface: Surface | None = None
) -> Result:
    """Draw `operation` until it is done, and return its result.

    Raises:
        Stopped: Ctrl-C or a Stop button ended it, and it is not endless.
        NbcontainerError: whatever it failed with.
    """
    surface = surface or choose_surface()
    try:
        surface.draw(operation, view)
    except KeyboardInterrupt:
        operation.interrupt()
        if not operation.endless:  # even one that was through just now: what comes after it shall not run
            error = operation.error
            raise error if isinstance(error, Stopped) else Stopped(f"The {operation.name} was stopped.") from None
    except BaseException:
        operation.stop()  # a surface that breaks leaves nothing running
        raise
    result = operation.result()
    _mark_shown(result, surface)
    return result


# --- choosing


def choose_surface() -> Surface:
    """The surface for whoever runs the current cell.

    A live front end (JupyterLab, Notebook, VS Code) sends the cell's id with each request to execute; nbclient and
    papermill, which run notebooks without a page, do not.
    """
    wanted = settings.surface
    if wanted == "auto":
        if in_kernel():
            wanted = "notebook" if "cellId" in request_of(_shell()).get("metadata", {}) else "plain"
        else:
            wanted = "terminal" if sys.stdout.isatty() and os.environ.get("TERM") not in DUMB else "plain"
    if wanted == "terminal":
        return views.terminal.Terminal()
    return Notebook() if wanted == "notebook" else Plain()


def _shell() -> InteractiveShell | None:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def in_kernel() -> bool:
    """Whether this is a Jupyter kernel, and no terminal and no script."""
    return hasattr(_shell(), "kernel")


def request_of(shell: object) -> Mapping[str, Mapping[str, object]]:
    """The message by which a front end had the current cell executed; empty where there is none."""
    try:
        found: Mapping[str, Mapping[str, object]] = shell.get_parent()  # type: ignore[attr-defined] # only kernels have it
    except (AttributeError, LookupError):
        return {}
    return found


# --- what was drawn already

_shown: weakref.WeakValueDictionary[int, object] = weakref.WeakValueDictionary()
_shown_in: dict[int, int] = {}  # the same keys → the number of the cell that drew it


def _mark_shown(result: object, surface: Surface) -> None:
    del surface
    try:
        _shown[id(result)] = result
        _shown_in[id(result)] = _cell_number()
        weakref.finalize(result, _shown_in.pop, id(result), None)
    except TypeError:  # a result that cannot be referred to weakly is simply drawn when it is displayed
        return


def _cell_number() -> int:
    return int(getattr(_shell(), "execution_count", 0))


def was_shown(result: object) -> bool:
    """Whether `result` was drawn while it ran, in this very cell, and is displayed for the first time. True once."""
    return _shown.pop(id(result), None) is result and _shown_in.pop(id(result), -1) == _cell_number()


# --- plain lines


class Plain:
    """Lines on standard output, and in a kernel without a page the final picture at the end.

    Where the whole cell is ours, the lines, which are for those who watch a log, give way to the picture.

    Args:
        only: whether the lines are all that is wanted: they stay, and there is no picture.
    """

    name = "plain"

    def __init__(self, *, only: bool = False) -> None:
        self._only = only

    def draw(self, operation: Operation[Event, State, object], view: View[Event, State]) -> None:
        """Print a line for each event that is worth one."""
        shell = _shell()
        kernel = in_kernel() and not self._only
        if view.streams and not kernel:
            stream(operation, view, coloured=False)
            return
        alone = kernel and shell is not None and _owns_cell(shell)
        printing = alone or not kernel
        worth_a_line = False
        try:
            for event in _events(operation):
                line = MISSED_LINE.format(event.count) if isinstance(event, Missed) else view.line(event)
                worth_a_line = worth_a_line or line is not None
                if line is not None and printing:
                    print(line, flush=True)  # noqa: T201 - this is the surface that prints
        except KeyboardInterrupt:
            operation.interrupt()
            raise
        finally:
            if kernel:
                operation.wait(0 if operation.done else 1)
                if worth_a_line or operation.error is None:  # what was refused at once has no picture but its error
                    with held_back():
                        display_picture(view.render(operation.state), clear=alone)


def _events(operation: Operation[Event, State, object]) -> Iterator[Event | Missed]:
    try:
        yield from operation
    except KeyboardInterrupt:
        raise
    except Exception:  # noqa: BLE001 - it is raised by show(), after the picture
        return


def _owns_cell(shell: InteractiveShell) -> bool:
    """Whether the running cell holds one magic of ours and nothing else that could have written an output."""
    code = str(request_of(shell).get("content", {}).get("code", "")).strip()
    sign = "%%" if code.startswith("%%") else "%"
    if not code.startswith("%") or (sign == "%" and "\n" in code):
        return False
    name = code.removeprefix(sign).split(None, 1)[0]
    found = shell.find_cell_magic(name) if sign == "%%" else shell.find_line_magic(name)
    return str(getattr(found, "__module__", "")).startswith("nbcontainer.")


def display_picture(picture: Picture, *, clear: bool = False) -> None:
    """Display a picture in a kernel; with `clear` in the place of what the cell has put out so far."""
    from IPython.display import clear_output, display  # noqa: PLC0415 - only where there is an IPython

    if clear:
        clear_output(wait=True)
    display(_bundle(picture), raw=True)


def _bundle(picture: Picture) -> dict[str, str]:
    return {"text/plain": as_text(picture), "text/html": views.html.as_html(picture)}


# --- a notebook's page


class Notebook:
    """A live widget; its output also holds the state as text and as HTML, for when there is no kernel."""

    name = "notebook"

    def draw(self, operation: Operation[Event, State, object], view: View[Event, State]) -> None:
        """Show the widget and keep it up to date until the operation is done."""
        if _is_refused(operation, view):
            return  # the error says it all
        follower = None
        try:
            with held_back():
                follower = _open(operation.state, view)
            follower.follow(operation)
        except KeyboardInterrupt:
            operation.interrupt()
            raise
        finally:
            if follower is not None:
                with held_back():
                    follower.finish(operation)

    def follow_behind(self, operation: Operation[Event, State, object], view: View[Event, State]) -> Behind:
        """Display the widget and keep it up to date on a thread, after the cell has ended."""
        return self.follow_later(operation.name, operation.state, lambda: operation, view)

    def follow_later(
        self, name: str, state: State, start: Callable[[], Operation[Event, State, object]], view: View[Event, State]
    ) -> Behind:
        """Display the widget with `state`; what keeps it up to date, `name`, is started on a thread beside the cell.

        Where what widgets need has not been loaded yet, the picture is displayed at once and the widget takes its
        place.
        """
        early = _Still(state, view, height=view.page_height(state)) if "anywidget" not in sys.modules else None
        opened = None if early is not None else _open(state, view)
        behind = Behind()

        def run() -> None:
            operation = start()
            follower = opened or _open(state, view, early)
            behind.started(operation)
            try:
                follower.follow(operation)
            finally:
                if behind.dismissed:
                    follower.dismiss()
                else:
                    follower.finish(operation)

        with held_back():
            threading.Thread(target=run, daemon=True, name=f"nbcontainer view: {name}").start()
        return behind


def _is_refused(operation: Operation[Event, State, object], view: View[Event, State]) -> bool:
    """Wait until there is something to show; whether it failed before there was."""
    operation.wait(FRAME_SECONDS, revision=0)
    if operation.error is not None and operation.revision == 1:
        return True
    deadline = time.monotonic() + EMPTY_SECONDS
    while view.is_empty(operation.state) and not operation.done and (left := deadline - time.monotonic()) > 0:
        operation.wait(left, revision=operation.revision)
    return operation.error is not None and view.is_empty(operation.state)


def _is_empty_failure(operation: Operation[Event, State, object], view: View[Event, State]) -> bool:
    """Whether it failed by itself with nothing to show: the error says it all."""
    failed = operation.error is not None and not isinstance(operation.error, Stopped)
    return failed and view.is_empty(operation.state)


class Behind:
    """What goes on in the page after its cell has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operation: AnyOperation | None = None
        self.dismissed = False

    def started(self, operation: AnyOperation) -> None:
        """It runs."""
        with self._lock:
            self._operation = operation
        if self.dismissed:
            operation.stop()

    def dismiss(self) -> None:
        """End it, now or as soon as it has started: its output is gone, and nobody sees its last state."""
        with self._lock:
            self.dismissed = True
            operation = self._operation
        if operation is not None:
            operation.stop()


def _open(
    state: State, view: View[Event, State], early: _Still[Event, State] | None = None
) -> _Follower[Event, State] | _Still[Event, State]:
    """Display the view's widget, or, where it has none or its page was not built, its picture.

    Args:
        state: what it begins with.
        view: how it looks.
        early: a picture that is displayed already, whose place is taken.
    """
    try:
        widget = view.widget(state)
    except NbcontainerError:
        widget = None
    if widget is None:
        return early or _Still(state, view)
    return _Follower(state, view, widget, early.handle if early is not None else None)


class _Still(Generic[Event, State]):
    """Keeps one displayed picture in step with one operation, by drawing it anew."""

    def __init__(self, state: State, view: View[Event, State], *, height: int | None = None) -> None:
        from IPython.display import DisplayHandle  # noqa: PLC0415 - only where there is an IPython

        self._view = view
        self._height = height
        self.handle = DisplayHandle()
        self._is_displayed = False
        self._draw(state)

    def _draw(self, state: State) -> None:
        bundle = _bundle(self._view.render(state))
        if self._height is not None:
            bundle["text/html"] = f'<div style="height: {self._height}px; overflow: auto">{bundle["text/html"]}</div>'
        if self._is_displayed:
            self.handle.update(bundle, raw=True)
        else:
            self.handle.display(bundle, raw=True)
        self._is_displayed = True

    def follow(self, operation: Operation[Event, State, object]) -> None:
        revision = operation.revision
        while not operation.done:
            if operation.wait(1.0, revision=revision) and not operation.done:
                revision = operation.revision
                with held_back():
                    self._draw(operation.state)
                operation.wait(STILL_SECONDS)

    def finish(self, operation: Operation[Event, State, object]) -> None:
        if _is_empty_failure(operation, self._view):
            self.handle.update(NOTHING, raw=True)
        else:
            self._draw(operation.state)

    def dismiss(self) -> None:
        """Nothing is left to be closed."""


class _Follower(Generic[Event, State]):
    """Keeps one displayed widget in step with one operation."""

    def __init__(
        self, state: State, view: View[Event, State], widget: LiveWidget, handle: DisplayHandle | None = None
    ) -> None:
        from IPython.display import display  # noqa: PLC0415 - only where there is an IPython

        self._view = view
        self._sent = state  # the widget was made of it
        self._widget = widget
        self._keep_still(state)
        self._handle = handle
        if handle is None:
            self._handle = display(self._widget, display_id=True)
        else:
            handle.update(self._widget)

    def _keep_still(self, state: State, *, running: bool = True) -> None:
        picture = self._view.render(state)
        if running:  # saved while it runs, it must not pretend to run when it is opened again
            moment = Line.of(Span(f"as of {time.strftime('%H:%M:%S')}; it goes on where its kernel does", Tone.DIM))
            picture = replace(picture, blocks=(*picture.blocks, moment))
        self._widget.set_static(text=as_text(picture), html=views.html.as_html(picture))

    def follow(self, operation: Operation[Event, State, object]) -> None:
        self._widget.on_action(lambda action: self._view.act(operation, action))
        revision = -1
        while not operation.done:
            if operation.wait(1.0, revision=revision) and not operation.done:
                with held_back():
                    if self._widget.room:
                        revision = operation.revision
                        self._send(operation.state)
                operation.wait(FRAME_SECONDS)
            with held_back():
                self._widget.beat()

    def _send(self, state: State) -> None:
        if state is not self._sent:
            message = self._view.wire(self._sent, state)
            self._sent = state
            if message is not None:
                self._widget.tell(message, whole=lambda: self._view.wire(None, state) or {})

    def dismiss(self) -> None:
        """Let go of the page's side."""
        self._widget.close()

    def finish(self, operation: Operation[Event, State, object]) -> None:
        """Send the last state, and leave it in the saved output; of what failed before anything came, nothing."""
        if _is_empty_failure(operation, self._view) and self._handle is not None:
            self._handle.update(NOTHING, raw=True)
            self._widget.close()
            return
        stopped = isinstance(operation.error, Stopped) or (operation.endless and operation.stopping)
        self._widget.finish(self._view.wire(None, operation.state) or {}, stopped=stopped)
        self._keep_still(operation.state, running=False)
        if self._handle is not None:
            self._handle.update(self._widget)
