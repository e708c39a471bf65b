"""How IPython draws what a magic or an API call returns.

Results are drawn when they are displayed; an operation that was drawn while it ran is not drawn again the first time.
"""

from __future__ import annotations

import inspect
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeAlias, cast

from IPython import get_ipython
from IPython.core.displayhook import DisplayHook

from nbcontainer import magics, model, views
from nbcontainer.drawn import Drawn, print_by
from nbcontainer.interrupts import interrupts_redelivered, run_interruptible
from nbcontainer.operation import Operation
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from IPython.core.formatters import DisplayFormatter
    from IPython.core.interactiveshell import InteractiveShell

    from nbcontainer.drawn import Printer
    from nbcontainer.model.tables import TableEvent, TableState
    from nbcontainer.views.live import LiveView
    from nbcontainer.views.notebook import Notebook

    Watch: TypeAlias = Operation[TableEvent, TableState, object]
    LiveTable: TypeAlias = LiveView[TableEvent, TableState]

# a cell's id → its last run, and the live tables that it shows
_following: dict[str, tuple[str, list[LiveTable]]] = {}

Arguments = ParamSpec("Arguments")


def register(shell: InteractiveShell) -> None:
    """Register how `shell` displays our results."""
    shell.events.register("post_execute", _after_a_cell)
    formatter = cast("DisplayFormatter", shell.display_formatter)  # exists once the shell does
    in_kernel = hasattr(shell, "kernel")
    formatter.ipython_display_formatter.for_type(Drawn, _display if in_kernel else _write)
    # what could not be drawn is not drawn a second time, by the result's own method
    formatter.mimebundle_formatter.for_type(Drawn, lambda _: None)
    if not in_kernel:  # results inside a list or another object are drawn as well
        print_by(_print)


def _guarded(draw: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """The same, but an error or an interrupt is shown as a magic's is: IPython would print its traceback."""

    @wraps(draw)
    def guarded(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        shown: BaseException | None = None
        try:
            run_interruptible(partial(draw, *arguments, **options), _interrupted_drawing)
        except KeyboardInterrupt as interruption:
            # one that came while interrupts were not handled yet would show our frames
            shown = interruption if hasattr(interruption, "_render_traceback_") else _interrupted_drawing()
        except Exception as error:  # noqa: BLE001 - all errors are shown alike
            shown = magics.presenting.presentable(error)
        if shown is not None:
            raise shown  # as a magic raises it

    return guarded


def interrupted() -> BaseException:
    """What a magic raises when it is interrupted."""
    return magics.presenting.interrupted()


def _interrupted_drawing() -> BaseException:
    """What an interrupted drawing of a result raises: a one-line error, after which IPython keeps the result.

    If the user's own code displays the result, that code must stop too, for which only a KeyboardInterrupt will do.
    """
    stopped = interrupted()
    if _is_of_the_cell():
        return stopped
    interruption = KeyboardInterrupt()
    interruption._render_traceback_ = stopped._render_traceback_  # type: ignore[attr-defined]
    return interruption


def _is_of_the_cell() -> bool:
    """Whether the value of the cell is being drawn, not something that the user's own code displays."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not DisplayHook.__call__.__code__:
        frame = frame.f_back
    return frame is not None


@_guarded
def _display(result: object) -> None:
    """Draw a result in a notebook."""
    if views.surfaces.was_shown(result):
        return
    surface = views.surfaces.choose_surface()
    for part in result if isinstance(result, model.tables.Tables) and result else [result]:
        if not isinstance(surface, views.notebook.Notebook):
            views.notebook.display_picture(views.results.picture_of(part))
        elif isinstance(part, model.tables.Table) and part.follow:
            _follow(surface, part, part.follow)
        elif isinstance(part, model.manifests.Manifests) and part.revealed:
            views.notebook.display_unsaved(views.manifests.revealed(part), saved=views.results.picture_of(part))
        elif isinstance(operation := getattr(part, "operation", None), Operation) and not operation.done:
            surface.follow_behind(operation, views.results.view_of(operation.state))
        else:
            views.notebook.display_result(views.results.picture_of(part))


def _follow(surface: Notebook, table: model.tables.Table, follow: Callable[[TableState], Watch]) -> None:
    """Show a live table, which stays live after the cell has finished, as long as somebody looks at it."""

    def start(state: TableState) -> Watch:
        magics.preloading.wait_until_quiet()  # a watch loads more than a list
        return follow(state)

    name = f"watch of {table.state.title} in {table.state.where}"
    view = views.tables.TableView(wide=table.wide, verbs=table.verbs)
    live = surface.follow_later(name, table.state, start, view, lease=settings.sleep_after)
    table.shown_by(live)
    cell, run = _cell()
    if cell:
        _forget_earlier_runs()
        _following.setdefault(cell, (run, []))[1].append(live)


@interrupts_redelivered  # IPython swallows an interrupt that comes while it calls this
def _after_a_cell() -> None:
    _forget_earlier_runs()


def _forget_earlier_runs() -> None:
    """Close the tables of the running cell's earlier runs, and let those of deleted cells sleep."""
    cell, run = _cell()
    if cell in _following and _following[cell][0] != run:
        for live in _following.pop(cell)[1]:
            live.dismiss()
    deleted = views.shell.current_request().get("metadata", {}).get("deletedCells")
    for cell in map(str, deleted if isinstance(deleted, list) else ()):
        for live in _following.get(cell, ("", []))[1]:
            live.end_lease()  # the deletion may be undone: then it is looked at, and wakes


def _cell() -> tuple[str, str]:
    """The id of the running cell in the page, and of this run of it."""
    request = views.shell.current_request()
    cell, run = request.get("metadata", {}).get("cellId"), request.get("header", {}).get("msg_id")
    return (str(cell), str(run)) if cell else ("", "")


def _write(result: object) -> None:
    """Draw a result in a terminal, which may be slow: an interrupt must not reach IPython while it writes."""
    try:
        _publish(result)
    except Exception as shown:  # noqa: BLE001 - IPython would try once more, as text
        get_ipython().showtraceback((type(shown), shown, shown.__traceback__))


@_guarded
def _publish(result: object) -> None:
    shell = get_ipython()
    data = {"text/plain": _text_of(result, cycle=False)}
    if _is_of_the_cell():
        shell.displayhook.write_format_data(data)
    else:
        shell.display_pub.publish(data)


@_guarded
def _print(result: object, printer: Printer, cycle: bool) -> None:  # noqa: FBT001 - IPython's protocol
    """Draw a result in a terminal: in full, or as one line if it was drawn while it ran."""
    printer.text(_text_of(result, cycle=cycle))


def _text_of(result: object, *, cycle: bool) -> str:
    if cycle or views.surfaces.was_shown(result):
        return views.ansi.plain(repr(result))
    if isinstance(result, model.manifests.Manifests):  # byte for byte, so that it can be copied
        return views.manifests.printed(result)
    picture = views.results.picture_of(result)
    if not sys.stdout.isatty():
        return views.text.as_text(picture)
    if isinstance(result, model.tables.Table):  # a table may have thousands of rows
        colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in views.surfaces.DUMB
        return "\n".join(views.text.text_lines(picture, shutil.get_terminal_size().columns, colours=colours))
    console = views.terminal.console_of_terminal()
    with console.capture() as captured:
        console.print(views.terminal.as_rich(picture))
    return captured.get().rstrip("\n")
