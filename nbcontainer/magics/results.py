"""How IPython draws what a magic or an API call returns.

Finished things are drawn when they are displayed; what was drawn while it ran stays silent the first time.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from IPython.core.displayhook import DisplayHook

from nbcontainer.interrupts import run_calmly

__all__ = ["DRAWN", "interrupted", "register"]

DRAWN = (
    ("nbcontainer.model.tables", "Table"),
    ("nbcontainer.model.tables", "Words"),
    ("nbcontainer.model.build", "BuildResult"),
    ("nbcontainer.model.images", "TransferResult"),
    ("nbcontainer.model.logs", "LogResult"),
    ("nbcontainer.model.containers", "RunResult"),
    ("nbcontainer.model.pods", "ExecResult"),
    ("nbcontainer.model.pods", "PodChange"),
    ("nbcontainer.model.pods", "PodChanges"),
    ("nbcontainer.model.pods", "Description"),
    ("nbcontainer.model.results", "Described"),
    ("nbcontainer.model.results", "Objects"),
    ("nbcontainer.model.results", "Report"),
    ("nbcontainer.settings", "NBContainer"),
)

# a cell's id → its last run, and what that shows live: running it again ends it
_following: dict[str, tuple[str, list[Any]]] = {}


def register(shell: Any) -> None:
    """Tell `shell` how our results look. Their modules load when one of them exists."""
    formatter = shell.display_formatter
    for module, name in DRAWN:
        in_kernel = hasattr(shell, "kernel")
        display = _guarded(_display) if in_kernel else _write
        formatter.ipython_display_formatter.for_type_by_name(module, name, display)
        if not in_kernel:  # what is in a list, or elsewhere, is drawn as well
            formatter.formatters["text/plain"].for_type_by_name(module, name, _guarded(_print))


def _guarded(draw: Callable[..., None]) -> Callable[..., None]:
    """The same, where an error shows as a magic's does: IPython would print its traceback."""

    @wraps(draw)
    def guarded(*arguments: Any) -> None:
        shown: Exception | None = None
        try:
            draw(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is
            from nbcontainer.magics.calls import presentable  # noqa: PLC0415 - seldom

            shown = presentable(error)
        if shown is not None:
            raise shown  # as a magic raises it

    return guarded


def interrupted() -> BaseException:
    """What a magic raises where it was interrupted."""
    from nbcontainer.magics import calls  # noqa: PLC0415 - loads with the first call

    return calls.interrupted()


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


def _display(result: Any) -> None:
    """Draw a result in a notebook."""
    run_calmly(partial(_draw, result), _interrupted_drawing)


def _draw(result: Any) -> None:
    from IPython.display import display  # noqa: PLC0415 - loads with the first result

    from nbcontainer.views.picture import as_html, as_text  # noqa: PLC0415 - as above
    from nbcontainer.views.results import picture_of  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import Notebook, choose_surface, was_shown  # noqa: PLC0415 - as above

    if was_shown(result):
        return
    surface = choose_surface()
    if isinstance(surface, Notebook) and getattr(result, "follow", None) is not None:
        _follow(surface, result)
        return
    picture = picture_of(result)
    display({"text/plain": as_text(picture), "text/html": as_html(picture)}, raw=True)


def _follow(surface: Any, table: Any) -> None:
    """Show a live table; it goes on after the cell has ended."""
    from nbcontainer.magics.preloading import wait_until_quiet  # noqa: PLC0415 - loads with the first result
    from nbcontainer.views.tables import TableView  # noqa: PLC0415 - as above

    def start() -> Any:
        wait_until_quiet()  # a watch loads more than a list
        return table.follow()

    cell, run = _cell()
    known_run, shown = _following.get(cell, (run, []))
    if known_run != run:  # the cell runs again: what it showed before is gone
        for old in shown:
            old.dismiss()
        shown = []
    name = f"watch of {table.state.title} in {table.state.where}"
    shown.append(surface.follow_later(name, table.state, start, TableView(wide=table.wide, verbs=table.verbs)))
    if cell:
        _following[cell] = run, shown


def _cell() -> tuple[str, str]:
    """The id of the cell that runs, as the page has it, and of this run of it."""
    from IPython import get_ipython  # noqa: PLC0415 - loads with the first result

    shell: Any = get_ipython()
    try:
        return str(shell.get_parent()["metadata"]["cellId"]), str(shell.get_parent()["header"]["msg_id"])
    except (AttributeError, LookupError, TypeError):
        return "", ""


def _write(result: Any) -> None:
    """Draw a result in a terminal, which may take its time: IPython would be interrupted while it writes."""
    from IPython import get_ipython  # noqa: PLC0415 - loads with the first result

    shell: Any = get_ipython()

    def write() -> None:
        data = {"text/plain": _text_of(result, cycle=False)}
        if _is_of_the_cell():
            shell.displayhook.write_format_data(data)
        else:
            shell.display_pub.publish(data)

    try:
        _guarded(partial(run_calmly, write, _interrupted_drawing))()
    except Exception as shown:  # noqa: BLE001 - of which IPython would make one more attempt, as text
        shell.showtraceback((type(shown), shown, shown.__traceback__))


def _print(result: Any, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's protocol
    """Draw a result in a terminal: whole, or as one line where it was drawn while it ran."""
    run_calmly(lambda: printer.text(_text_of(result, cycle=cycle)), _interrupted_drawing)


def _text_of(result: Any, *, cycle: bool) -> str:
    from nbcontainer.views.ansi import plain  # noqa: PLC0415 - as above
    from nbcontainer.views.picture import as_rich, as_text  # noqa: PLC0415 - as above
    from nbcontainer.views.results import picture_of  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import was_shown  # noqa: PLC0415 - as above

    if cycle or was_shown(result):
        return plain(repr(result))
    picture = picture_of(result)
    if not sys.stdout.isatty():
        return as_text(picture)
    if type(result).__name__ == "Table":
        return _table(picture)
    from nbcontainer.views.terminal import console_of_terminal  # noqa: PLC0415 - loads with the first picture

    console = console_of_terminal()
    with console.capture() as captured:
        console.print(as_rich(picture))
    return captured.get().rstrip("\n")


def _table(picture: Any) -> str:
    """A table, which may have thousands of rows, for the terminal."""
    import os  # noqa: PLC0415 - loads with the first table
    import shutil  # noqa: PLC0415 - as above

    from nbcontainer.views.terminal_table import table_lines  # noqa: PLC0415 - as above

    colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in {"dumb", "unknown"}
    return "\n".join(table_lines(picture, shutil.get_terminal_size().columns, colours=colours))
