"""Prints a log on standard output, line by line as it comes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from nbcontainer.operation import Operation
    from nbcontainer.views.view import View

Event = TypeVar("Event")
State = TypeVar("State")

FRAME_SECONDS = 0.05  # at most 20 pictures a second
REMEMBERED = 1024 * 1024  # characters that IPython may keep in memory


def stream(
    operation: Operation[Event, State, object],
    view: View[Event, State],
    *,
    coloured: bool,
    fitted: Callable[[str], str] | None = None,
) -> None:
    """Write the view's lines as they come. No line is lost: a slow terminal only falls behind.

    Args:
        operation: writes the lines.
        view: what they look like.
        coloured: whether they may have colours.
        fitted: makes a line that has not ended yet fit into one row of the terminal, where it is shown as it is now;
            None where a row cannot be written again.
    """
    written, last_line = 0, ""
    try:
        while True:
            done, revision = operation.done, operation.revision
            text = view.fresh(operation.state, coloured=coloured)
            # what is written next may be only a part of the lines before it
            now = fitted(view.unfinished(operation.state)) if fitted and not text else ""
            if text:
                _write(_erased(last_line) + text, remember=written < REMEMBERED)
                written, last_line = written + len(text), ""
            elif now != last_line:
                _write(_erased(last_line) + now, remember=False)
                last_line = now
            elif done:
                return
            else:
                operation.wait(1.0, revision=revision)
                operation.wait(0 if operation.done else FRAME_SECONDS)
    finally:
        if last_line:
            _write("\n", remember=False)


def _erased(line: str) -> str:
    return "\r\x1b[K" if line else ""


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
