"""How errors and warnings of a magic are shown: a line or two, without a Python traceback."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbcontainer import magics, views
from nbcontainer.errors import InsecureConnection, NbcontainerError, Stopped


def interrupted() -> Stopped:
    """What a magic raises instead of Python's KeyboardInterrupt."""
    stopped = Stopped("Interrupted.")
    quiet(stopped)
    return stopped


def presentable(error: Exception) -> NbcontainerError:
    """The error that the user is shown: ours as it is; for any other, one line that names the traceback file."""
    if isinstance(error, NbcontainerError):
        return quiet(error)
    return quiet(magics.faults.internal_error(error))


def quiet(error: NbcontainerError) -> NbcontainerError:
    """Make IPython show only the error's own lines instead of a traceback."""
    name = type(error).__name__
    sign = "■" if isinstance(error, Stopped) else "✕"

    def render() -> list[str]:
        first, *more = [*error.message.splitlines(), *error.cure.splitlines()] or [""]
        head = f"\x1b[31m{sign} {name}:\x1b[0m" if _has_colours() else f"{sign} {name}:"
        return [f"{head} {safe(first)}", *(f"  {safe(line)}" for line in more)]

    error.__context__ = None  # with an exception group as its context, IPython would show Python's whole traceback
    error.keep_magics()
    error._render_traceback_ = render
    return error


def _has_colours() -> bool:
    """Whether the error is shown in colour: in pages, and in terminals unless NO_COLOR is set, but not in files."""
    if views.shell.in_kernel():
        return True
    console = views.terminal.console_of_terminal()
    return console.color_system is not None and not console.no_color


def safe(text: str) -> str:
    """A text that may be a server's, without what would move the cursor or colour the terminal."""
    return views.ansi.plain(text)


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Show nbcontainer's own warnings as one line, without the place in its code."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **named: Any) -> None:
        if issubclass(category, InsecureConnection):
            print(f"⚠ {safe(str(message))}", file=sys.stderr)  # noqa: T201 - where warnings are shown
        else:
            before(message, category, *place, **named)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before
