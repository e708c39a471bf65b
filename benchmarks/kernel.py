"""A stand-in for a notebook's kernel, to measure time and memory: IPython in its own process, driven by lines of JSON.

Its displays go to the publisher that IPython uses without a front end, which renders a cell's output in full.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import MissingError, Subject
from benchmarks.processes import peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self


class RunsCells:
    """Something that runs cells, each timed. Close it, or use it in a `with`.

    Attributes:
        pid: Its process.
    """

    pid: int

    @property
    def peak(self) -> int:
        """Peak memory, in bytes."""
        return peak_memory(self.pid)

    def run(self, cell: str) -> float:
        """Run a cell; returns the seconds it took.

        Raises:
            MissingError: The cell failed.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Shut it down."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def subject(self, name: str, cell: str) -> Subject:
        """A cell as a table row."""
        peaks = [0]  # kept: the process has ended when the table is shown

        def run() -> float:
            seconds = self.run(cell)
            peaks.append(self.peak)
            return seconds

        return Subject(name, run, lambda: max(peaks))


class Kernel(RunsCells):
    """The client side: starts the process and sends it cells.

    Args:
        environment: Variables in addition to our own.
        discards: Whether the cells print to /dev/null; otherwise into memory.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, *, discards: bool = False) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.kernel", *["--discard"] * discards],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            cwd=Path(__file__).parent.parent,
            text=True,
        )
        self.pid = self._process.pid

    def close(self) -> None:
        """Shut it down."""
        self._process.communicate()

    def run(self, cell: str) -> float:
        """Run a cell; returns the seconds it took.

        Raises:
            MissingError: The cell failed.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("no pipes")
        self._process.stdin.write(json.dumps(cell) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise MissingError("the kernel ended")
        answer = json.loads(line)
        if answer["error"]:
            raise MissingError(answer["error"])
        return float(answer["seconds"])


def fresh(
    name: str,
    cell: str,
    *,
    first: str = "",
    environment: Mapping[str, str] | None = None,
    kind: Callable[[Mapping[str, str] | None], RunsCells] = Kernel,
) -> Subject:
    """A cell run in a new kernel each time, as a table row; `first` is run just before it, unmeasured."""
    peaks = [0]

    def run() -> float:
        with kind(environment) as kernel:
            if first:
                kernel.run(first)
            seconds = kernel.run(cell)
            peaks.append(kernel.peak)
            return seconds

    return Subject(name, run, lambda: max(peaks))


def _serve(*, discards: bool) -> None:
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415 - the client side does not need it

    shell: Any = InteractiveShell.instance()
    answers = sys.stdout
    for line in sys.stdin:
        output = Path(os.devnull).open("w", encoding="utf-8") if discards else io.StringIO()  # noqa: SIM115 - in the next `with`
        started = time.perf_counter()
        with output, contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            result = shell.run_cell(json.loads(line), store_history=False)
        seconds = time.perf_counter() - started
        error = result.error_before_exec or result.error_in_exec
        answer = {
            "seconds": seconds,
            "error": f"{type(error).__name__}: {error}"[:300] if error else "",
        }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(discards="--discard" in sys.argv)
