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


def stream(operation: Operation[Event, State, object], view: View[Event, State], *, coloured: bool) -> None:
    """Write the view's lines as they come. No line is lost: a slow terminal only falls behind."""
    while True:
        done, revision = operation.done, operation.revision
        text = view.fresh(operation.state, coloured=coloured)
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
        elif done:
            return
        else:
            operation.wait(1.0, revision=revision)
            operation.wait(0 if operation.done else FRAME_SECONDS)
