"""Where an operation is drawn: a notebook's page, a terminal, or plain lines.

`show(operation, view)` draws an operation while it runs and returns its result; failures are raised here, never in a
display hook, which would swallow them. Nothing is drawn twice: a result that was drawn while it ran is marked as
shown, and its first display in the same cell is skipped (`was_shown`).
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING, Protocol, TypeVar

from nbcontainer import views
from nbcontainer.errors import Stopped
from nbcontainer.interrupts import interrupts_deferred
from nbcontainer.model.events import Missed
from nbcontainer.settings import settings
from nbcontainer.views.shell import current_request, current_shell, in_kernel
from nbcontainer.views.streaming import stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from nbcontainer.operation import Operation
    from nbcontainer.views.view import View

Event = TypeVar("Event")
State = TypeVar("State")
Result = TypeVar("Result")

DUMB = ("dumb", "unknown")  # values of TERM for terminals that cannot move the cursor
MISSED_LINE = "… {} events came too fast to be printed; they are included in the picture at the end …"


class Surface(Protocol):
    """A place where operations are drawn."""

    name: str

    def draw(self, operation: Operation[Event, State, object], view: View[Event, State]) -> None:
        """Draw until the operation is done. Does not raise the operation's error."""


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
        if not operation.endless:  # even if it has just finished: nothing after it must run
            error = operation.error
            raise error if isinstance(error, Stopped) else Stopped(f"The {operation.name} was stopped.") from None
    except BaseException:
        operation.stop()  # if the surface fails, leave nothing running
        raise
    result = operation.result()
    _mark_shown(result)
    return result


# --- choice of the surface


def choose_surface() -> Surface:
    """The surface for the current cell.

    A live front end (JupyterLab, Notebook, VS Code) sends the cell's id with each execute request; nbclient and
    papermill, which run notebooks without a page, do not. A message to a widget, as a slider sends one, comes from a
    page too.
    """
    wanted = settings.surface
    if wanted == "auto":
        if in_kernel():
            wanted = "notebook" if _has_page(current_request()) else "plain"
        else:
            wanted = "terminal" if sys.stdout.isatty() and os.environ.get("TERM") not in DUMB else "plain"
    if wanted == "terminal":
        return views.terminal.Terminal()
    return views.notebook.Notebook() if wanted == "notebook" else Plain()


def _has_page(request: Mapping[str, Mapping[str, object]]) -> bool:
    return "cellId" in request.get("metadata", {}) or request.get("header", {}).get("msg_type") == "comm_msg"


# --- results that have been drawn already

_shown: weakref.WeakValueDictionary[int, object] = weakref.WeakValueDictionary()
_shown_in: dict[int, int] = {}  # the same keys → the number of the cell that drew it


def _mark_shown(result: object) -> None:
    try:
        _shown[id(result)] = result
        _shown_in[id(result)] = _cell_number()
        weakref.finalize(result, _shown_in.pop, id(result), None)
    except TypeError:  # a result without weak references is simply drawn when it is displayed
        return


def _cell_number() -> int:
    return int(getattr(current_shell(), "execution_count", 0))


def was_shown(result: object) -> bool:
    """Whether `result` was drawn while it ran, in this cell, and is being displayed for the first time. True once."""
    return _shown.pop(id(result), None) is result and _shown_in.pop(id(result), -1) == _cell_number()


# --- plain lines


class Plain:
    """Lines on standard output, and in a kernel without a page the final picture at the end.

    If the cell is nothing but our magic, the picture replaces the lines, which are meant for watching a log.

    Args:
        only: whether only the lines are wanted: they stay, and there is no picture.
    """

    name = "plain"

    def __init__(self, *, only: bool = False) -> None:
        self._only = only

    def draw(self, operation: Operation[Event, State, object], view: View[Event, State]) -> None:
        """Print a line for each event that has one."""
        shell = current_shell()
        kernel = in_kernel() and not self._only
        if view.streams and not kernel:
            stream(operation, view, coloured=False)
            return
        alone = kernel and shell is not None and _owns_cell(shell)
        printing = alone or not kernel
        worth_a_line = False
        try:
            for event in _events(operation):
                if worth_a_line and not printing:
                    continue
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
                if worth_a_line or operation.error is None:  # if refused immediately, only the error is shown
                    with interrupts_deferred():
                        views.notebook.display_picture(view.render(operation.state), clear=alone)


def _events(operation: Operation[Event, State, object]) -> Iterator[Event | Missed]:
    try:
        yield from operation.events()
    except KeyboardInterrupt:
        raise
    except Exception:  # noqa: BLE001 - show() raises it, after the picture
        return


def _owns_cell(shell: InteractiveShell) -> bool:
    """Whether the running cell is one of our magics and nothing else that could have written output."""
    code = str(current_request().get("content", {}).get("code", "")).strip()
    sign = "%%" if code.startswith("%%") else "%"
    if not code.startswith("%") or (sign == "%" and "\n" in code):
        return False
    name = code.removeprefix(sign).split(None, 1)[0]
    found = shell.find_cell_magic(name) if sign == "%%" else shell.find_line_magic(name)
    return str(getattr(found, "__module__", "")).startswith("nbcontainer.")
