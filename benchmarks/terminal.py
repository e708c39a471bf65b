"""IPython in a real terminal, whose output is read as it comes."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kernel import RunsCells
from benchmarks.measuring import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECONDS = 300.0
_REPORT = 'print("cell", "ended:", get_ipython().last_execution_succeeded)'
_ENDED = re.compile(rb"cell ended: (True|False)")
_KEPT = 4_000  # last bytes of the output


@contextlib.contextmanager
def drained_terminal() -> Iterator[int]:
    """The program's side of a terminal, whose output is read as it comes."""
    terminal, inner = pty.openpty()

    def drain() -> None:
        with contextlib.suppress(OSError):  # Linux's end of a terminal
            while os.read(terminal, 1 << 16):
                pass
        os.close(terminal)

    threading.Thread(target=drain, daemon=True).start()
    try:
        yield inner
    finally:
        os.close(inner)


class TerminalKernel(RunsCells):
    """The terminal's side of an IPython. A cell is one line.

    Args:
        environment: Variables in addition to our own.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._terminal, inner = pty.openpty()
        settings = termios.tcgetattr(inner)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(inner, termios.TCSANOW, settings)
        options = ["--no-banner", "--no-confirm-exit", "--simple-prompt", "--HistoryManager.enabled=False"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "IPython", *options],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            cwd=Path(__file__).parent.parent,
            start_new_session=True,
        )
        os.close(inner)
        self.pid = self._process.pid
        self._news = threading.Condition()
        self._last, self._closed = b"", False
        threading.Thread(target=self._drain, daemon=True).start()
        self.run("pass")

    def run(self, cell: str) -> float:
        """Run a cell; returns the seconds until its output has been read.

        Raises:
            MissingError: The cell failed, or IPython ended.
        """
        self._last = b""
        started = time.perf_counter()
        os.write(self._terminal, f"{cell}\n{_REPORT}\n".encode())
        with self._news:
            self._news.wait_for(lambda: self._closed or _ENDED.search(self._last), SECONDS)
            found = _ENDED.search(self._last)
        seconds = time.perf_counter() - started
        if found is None or found[1] != b"True":
            raise MissingError(self._last.decode(errors="replace")[-300:].strip() or "IPython ended")
        return seconds

    def close(self) -> None:
        """Shut it down."""
        self._process.kill()
        self._process.wait()

    def _drain(self) -> None:
        while True:
            try:
                data = os.read(self._terminal, 1 << 16)
            except OSError:  # Linux's end of a terminal
                data = b""
            with self._news:
                self._last = (self._last + data)[-_KEPT:]
                self._closed = not data
                self._news.notify_all()
            if not data:
                os.close(self._terminal)
                return
