"""How IPython draws what a magic or an API call returns.

Finished things are drawn when they are displayed; what was drawn while it ran stays silent the first time.
"""

from __future__ import annotations

import inspect
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeAlias, cast

from IPython import get_ipython
from IPython.core.displayhook import DisplayHook

from nbcontainer import magics, model, views
from nbcontainer.interrupts import run_interruptible

if TYPE_CHECKING:
    from IPython.core.formatters import DisplayFormatter
    from IPython.core.interactiveshell import InteractiveShell

    from nbcontainer.model.tables import TableEvent, TableState
    from nbcontainer.operation import Operation
    from nbcontainer.views.notebook import Behind, Notebook

    Watch: TypeAlias = Operation[TableEvent, TableState, object]

__all__ = ["DRAWN", "interrupted", "register"]

DRAWN = (
    ("nbcontainer.model.tables", "Table"),
    ("nbcontainer.model.tables", "Words"),
    ("nbcontainer.model.build", "BuildResult"),
    ("nbcontainer.model.images", "TransferResult"),
    ("nbcontainer.model.logs", "LogResult"),
    ("nbcontainer.model.containers", "RunResult"),
    ("nbcontainer.model.pods", "ExecResult"),
    ("nbcontainer.model.changes", "Change"),
    ("nbcontainer.model.changes", "Changes"),
    ("nbcontainer.model.pods", "Description"),
    ("nbcontainer.model.results", "Described"),
    ("nbcontainer.model.results", "Objects"),
    ("nbcontainer.model.results", "Report"),
    ("nbcontainer.settings", "NBContainer"),
)

# a cell's id → its last run, and what that shows live: running it again ends it
_following: dict[str, tuple[str, list[Behind]]] = {}

Arguments = ParamSpec("Arguments")


class Printer(Protocol):
    """What IPython gives to write a representation to."""

    def text(self, text: str) -> None:
        """Write."""


def register(shell: InteractiveShell) -> None:
    """Tell `shell` how our results look. Their modules load when one of them exists."""
    formatter = cast("DisplayFormatter", shell.display_formatter)  # which is there once the shell is
    for module, name in DRAWN:
        in_kernel = hasattr(shell, "kernel")
        display = _guarded(_display) if in_kernel else _write
        formatter.ipython_display_formatter.for_type_by_name(module, name, display)
        if not in_kernel:  # what is in a list, or elsewhere, is drawn as well
            formatter.formatters["text/plain"].for_type_by_name(module, name, _guarded(_print))


def _guarded(draw: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """The same, where an error shows as a magic's does: IPython would print its traceback."""

    @wraps(draw)
    def guarded(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        shown: Exception | None = None
        try:
            draw(*arguments, **options)
        except Exception as error:  # noqa: BLE001 - whatever it is
            shown = magics.calls.presentable(error)
        if shown is not None:
            raise shown  # as a magic raises it

    return guarded


def interrupted() -> BaseException:
    """What a magic raises where it was interrupted."""
    return magics.calls.interrupted()


def _interrupted_drawing() -> BaseException:
    """What the drawing of a result raises: an error of a line, after which IPython goes on and keeps the result.

    Where the user's own code displays it, that code must end, which a KeyboardInterrupt alone does.
    """
    stopped = interrupted()
    if _is_of_the_cell():
        return stopped
    interruption = KeyboardInterrupt()
    interruption._render_traceback_ = stopped._render_traceback_  # type: ignore[attr-defined]
    return interruption


def _is_of_the_cell() -> bool:
    """Whether what is drawn is the value of a cell, and nothing that the user's own code displays."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not DisplayHook.__call__.__code__:
        frame = frame.f_back
    return frame is not None


def _display(result: object) -> None:
    """Draw a result in a notebook."""
    run_interruptible(partial(_draw, result), _interrupted_drawing)


def _draw(result: object) -> None:
    if views.surfaces.was_shown(result):
        return
    surface = views.surfaces.choose_surface()
    if isinstance(surface, views.notebook.Notebook) and isinstance(result, model.tables.Table) and result.follow:
        _follow(surface, result, result.follow)
    else:
        views.notebook.display_picture(views.results.picture_of(result))


def _follow(surface: Notebook, table: model.tables.Table, follow: Callable[[], Watch]) -> None:
    """Show a live table; it goes on after the cell has ended."""

    def start() -> Watch:
        magics.preloading.wait_until_quiet()  # a watch loads more than a list
        return follow()

    cell, run = _cell()
    known_run, shown = _following.get(cell, (run, []))
    if known_run != run:  # the cell runs again: what it showed before is gone
        for old in shown:
            old.dismiss()
        shown = []
    name = f"watch of {table.state.title} in {table.state.where}"
    view = views.tables.TableView(wide=table.wide, verbs=table.verbs)
    shown.append(surface.follow_later(name, table.state, start, view))
    if cell:
        _following[cell] = run, shown


def _cell() -> tuple[str, str]:
    """The id of the cell that runs, as the page has it, and of this run of it."""
    request = views.surfaces.request_of(get_ipython())
    cell, run = request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id")
    return (str(cell), str(run)) if cell else ("", "")


def _write(result: object) -> None:
    """Draw a result in a terminal, which may take its time: IPython would be interrupted while it writes."""
    shell = get_ipython()

    def write() -> None:
        data = {"text/plain": _text_of(result, cycle=False)}
        if _is_of_the_cell():
            shell.displayhook.write_format_data(data)
        else:
            shell.display_pub.publish(data)

    try:
        _guarded(partial(run_interruptible, write, _interrupted_drawing))()
    except Exception as shown:  # noqa: BLE001 - of which IPython would make one more attempt, as text
        shell.showtraceback((type(shown), shown, shown.__traceback__))


def _print(result: object, printer: Printer, cycle: bool) -> None:  # noqa: FBT001 - IPython's protocol
    """Draw a result in a terminal: whole, or as one line where it was drawn while it ran."""
    run_interruptible(lambda: printer.text(_text_of(result, cycle=cycle)), _interrupted_drawing)


def _text_of(result: object, *, cycle: bool) -> str:
    if cycle or views.surfaces.was_shown(result):
        return views.ansi.plain(repr(result))
    picture = views.results.picture_of(result)
    if not sys.stdout.isatty():
        return views.text.as_text(picture)
    if isinstance(result, model.tables.Table):  # which may have thousands of rows
        colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in views.surfaces.DUMB
        return "\n".join(views.text.text_lines(picture, shutil.get_terminal_size().columns, colours=colours))
    console = views.terminal.console_of_terminal()
    with console.capture() as captured:
        console.print(views.terminal.as_rich(picture))
    return captured.get().rstrip("\n")
