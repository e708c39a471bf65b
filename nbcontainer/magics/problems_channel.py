"""The channel on which a page asks for the problems of the cells that are typed in it.

The kernel opens it with the first cell that a page runs, for frontend/src/lab/problems.ts; a page that is loaded again
finds it by its name. The page sends the text of a cell with a number; the reply has the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import comm

from nbcontainer import magics
from nbcontainer.interrupts import interrupts_redelivered
from nbcontainer.views.shell import current_request

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

TARGET = "nbcontainer:problems"  # as in frontend/src/lab/problems.ts


def register(shell: InteractiveShell) -> Callable[[], None]:
    """Open the channel once a page runs a cell; returns what closes it."""
    channels: list[comm.base_comm.BaseComm] = []

    @interrupts_redelivered  # IPython swallows an interrupt that comes while it calls this
    def after_a_cell(*_: object) -> None:
        if not channels and "cellId" in current_request().get("metadata", {}):
            channel = comm.create_comm(target_name=TARGET)
            channel.on_msg(lambda message: channel.send(_reply(message["content"]["data"], shell.user_ns)))
            channels.append(channel)

    def end() -> None:
        shell.events.unregister("post_run_cell", after_a_cell)
        for channel in channels:
            channel.close()

    shell.events.register("post_run_cell", after_a_cell)
    return end


def _reply(asked: Mapping[str, Any], namespace: Mapping[str, object]) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    with suppress(Exception):  # it would be a traceback under whatever cell is running
        found = magics.problems.problems_of(str(asked.get("text", "")), namespace)
    return {"number": asked.get("number"), "problems": found}
