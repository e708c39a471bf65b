"""How long a live view goes on although nobody looks at it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from nbcontainer.interrupts import interrupts_redelivered
from nbcontainer.views.shell import current_request, current_shell

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class IdleClock:
    """Counts the seconds in which the shell is not running a cell: some kernels hear no page in the meantime."""

    def __init__(self) -> None:
        self._cells = 0  # that are running: a cell may run another one
        # seconds counted until the last change, and since when the clock runs; None while it stands still
        self._counted: tuple[float, float | None] = (0.0, time.monotonic())
        self._shell: InteractiveShell | None = None

    def now(self) -> float:
        """The seconds counted so far."""
        counted, since = self._counted
        return counted if since is None else counted + time.monotonic() - since

    def attach(self) -> None:
        """Stand still while the shell runs a cell; it may be running one now. Further calls do nothing."""
        shell = current_shell()
        if shell is None or shell is self._shell:
            return
        self._shell = shell
        shell.events.register("pre_execute", self._began)
        shell.events.register("post_execute", self._ended)
        if current_request().get("header", {}).get("msg_type") == "execute_request":
            self._began()

    def _began(self) -> None:
        self._change(self._cells + 1)

    def _ended(self) -> None:
        self._change(max(0, self._cells - 1))

    @interrupts_redelivered  # IPython swallows an interrupt that comes while it calls this
    def _change(self, cells: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # a subshell's cell: the page is heard
        self._cells = cells
        self._counted = self.now(), None if cells else time.monotonic()


class Lease:
    """A live view's lease, which is renewed whenever somebody looks at it.

    Args:
        seconds: its term.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        _clock.attach()
        self._seen = _clock.now()

    def renew(self) -> None:
        """Start a new term: somebody looks at the view."""
        self._seen = _clock.now()

    def end(self) -> None:
        """End the term: there is nothing left to look at."""
        self._seen = float("-inf")

    @property
    def is_over(self) -> bool:
        """Whether nobody has looked for its whole term."""
        return _clock.now() - self._seen >= self.seconds


_clock = IdleClock()
