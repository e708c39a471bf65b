"""Prints a log on standard output, line by line as it comes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from nbcontainer.operation import Operation
    from nbcontainer.views.view import View

Event = TypeVar("Event")
State = TypeVar("State")

FRAME_SECONDS = 0.05  # at most 20 pictures a second
REMEMBERED = 1024 * 1024  # characters that IPython may keep in memory


def stream(operation: Operation[Event, State, object], view: View[Event, State], *, coloured: bool) -> None:
    """Write the view's lines as they come. No line is lost: a slow terminal only falls behind."""
    written = 0
    while True:
        done, revision = operation.done, operation.revision
        text = view.fresh(operation.state, coloured=coloured)
        if text:
            _write(text, remember=written < REMEMBERED)
            written += len(text)
        elif done:
            return
        else:
            operation.wait(1.0, revision=revision)
            operation.wait(0 if operation.done else FRAME_SECONDS)


def _write(text: str, *, remember: bool) -> None:
    """Write on standard output; unless it is to remember it, past the `write` in which IPython keeps all of a cell's.

    IPython's `%notebook` saves what it keeps; the memory is never freed, and a log may be gigabytes long.
    """
    output = sys.stdout
    if remember:
        output.write(text)
    else:
        type(output).write(output, text)
    output.flush()
