"""Loads what the first calls need, in the background, without slowing down running cells.

Because of the GIL, an import slows down a running cell. So imports are done one by one, each at a moment when no cell
is running, or when a cell has been running for so long that it does not matter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer.interrupts import Bell, interrupts_deferred, interrupts_redelivered

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

PAUSE = 0.05  # seconds after a cell in which the next one may start, as with "Run all"
PATIENCE = 2.0  # seconds after which a running cell is a long one


class Quiet:
    """Knows when no cell is running.

    Args:
        shell: IPython, whose events are used.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._changed = Bell()
        self._due = time.monotonic() + PAUSE
        shell.events.register("pre_run_cell", self._began)
        shell.events.register("post_run_cell", self._ended)

    def close(self) -> None:
        """Unregister from the shell's events."""
        self._shell.events.unregister("pre_run_cell", self._began)
        self._shell.events.unregister("post_run_cell", self._ended)

    def wait(self) -> None:
        """Wait for a quiet moment."""
        while (left := self._due - time.monotonic()) > 0:
            self._changed.wait(partial(self._is_other, self._due), left)

    def _is_other(self, due: float) -> bool:
        return self._due != due

    @interrupts_redelivered
    def _began(self, *_: object) -> None:
        self._put_off(PATIENCE)

    @interrupts_redelivered
    def _ended(self, *_: object) -> None:
        self._put_off(PAUSE)

    def _put_off(self, seconds: float) -> None:
        self._due = time.monotonic() + seconds
        self._changed.ring()


def preload(quiet: Quiet, steps: Iterable[Callable[[], object]]) -> threading.Thread:
    """Do the steps on a thread, each in a quiet moment. A step that fails is left to the call that needs it."""
    _moments.append(quiet)

    def run() -> None:
        for step in steps:
            quiet.wait()
            try:
                step()
            except Exception:  # noqa: BLE001, S112 - the call that needs it says what is wrong
                continue
        quiet.close()
        _moments.remove(quiet)

    thread = threading.Thread(target=run, daemon=True, name="nbcontainer: preload")
    with interrupts_deferred():
        thread.start()
    return thread


_moments: list[Quiet] = []  # while something is being preloaded


def wait_until_quiet() -> None:
    """Wait for a moment when no cell is running, if heavy modules may not have been loaded yet."""
    for quiet in tuple(_moments):
        quiet.wait()
