"""An IPython shell whose cells are interrupted at random moments; run as a program, it prints a line for each fault.

    python -m tests.magics.interrupted_shell SEED INTERRUPTS [HOST]

A thread sends SIGINT while a cell runs. Whenever it comes: what the cell began is over within a second, the cell shows
one line and no traceback of ours, and a result that was being drawn is kept. With HOST, an engine's address, containers
are run there too, and none is left.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from io import StringIO
from pathlib import Path

from nbcontainer.interrupts import REDELIVERY_SECONDS

FAULTS = re.compile(
    r"nbcontainer/([a-z_]+/)?[a-z_]+\.py|Error in callback <(bound method Quiet|function _preload)|took"
)
# each Thread is in a WeakSet: one that is finalized outside our code may make Python ignore an interrupt
OF_PYTHON = re.compile(r"Exception ignored in: <function WeakSet\..*?^KeyboardInterrupt: $", re.MULTILINE | re.DOTALL)
FRAME = re.compile(r"^File \S*?, in ([\w.<>]+)\(", re.MULTILINE)
EDGES = {"run_interruptible", "_guarded.<locals>.guarded", "_write", "_magic.<locals>.magic"}
LONGEST_DELAY = 0.12
PREPARE = """
import time
from nbcontainer.logs.operation import LogOperation
from nbcontainer.views.logs import LogView
from nbcontainer.views.surfaces import show
from nbcontainer.model.log_lines import LogLine, chunks_of
from nbcontainer.model.logs import LogLines, LogResult, LogState

def work(progress):
    ended = []
    progress.on_stop(lambda: ended.append(1))
    number = 0
    while not ended and number < 150:
        progress.emit(LogLines(tuple(chunks_of([LogLine("p", f"line {number}")]))))
        number += 1
        time.sleep(0.001)
    if ended:
        raise ConnectionError

def begin():
    return LogOperation("talk", LogState(), conclude=lambda s, _: LogResult(s)).start_thread(work)

chunks = tuple(chunks_of(LogLine("p", f"line {n} " + "x" * 60) for n in range(2_000)))
drawn = LogResult(LogState(chunks=chunks, total=2_000))
"""
CELLS = {
    "a pull that is never answered": "%docker pull busybox",
    "an operation that is shown": "show(begin(), LogView())",
    "a result that is waited for": "begin().result()",
    "lines that are iterated": "for line in begin(): pass",
    "events that are iterated": "for event in begin().events(): pass",
    "operations one after the other": "for _ in range(50): begin().stop()",
    "a result that is drawn": "drawn",
    "a result that is displayed": "for _ in range(20): display(drawn)",
    "a magic whose result is drawn": "%nbcontainer settings",
}
OURS = ("a pull", "a result that is drawn", "a result that is displayed", "a magic", "a container")
RUN = "%docker run --rm --label interrupted={} busybox sleep 300"


class Interrupter:
    """Sends one SIGINT into each cell, if it is still running."""

    def __init__(self, randomness: random.Random) -> None:
        self._random = randomness
        self._lock = threading.Lock()
        self._running = False
        self.sent = 0

    def begin(self, longest: float) -> threading.Thread:
        """A cell starts."""
        self._running = True
        delay = self._random.random() * longest
        thread = threading.Thread(target=self._send, args=(delay,))
        thread.start()
        return thread

    def _send(self, delay: float) -> None:
        time.sleep(delay)
        with self._lock:
            if self._running:
                self.sent += 1
                os.kill(os.getpid(), signal.SIGINT)

    def end(self) -> None:
        """The cell has ended, and any signal sent to it has arrived."""
        with self._lock:
            self._running = False


def main(seed: int, interrupts: int, host: str = "") -> int:
    """Interrupt that many cells; returns the number of faults."""
    from IPython.core.interactiveshell import InteractiveShell

    from tests.engines.peers import Speaker

    randomness = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="interrupted-"))
    silent = Speaker(folder / "e", b"", stay=True)
    os.environ |= {"DOCKER_HOST": silent.address, "DOCKER_CONFIG": str(folder), "IPYTHONDIR": str(folder)}
    shell = InteractiveShell.instance(colors="NoColor")
    shell.run_cell("%load_ext nbcontainer")
    assert shell.run_cell(PREPARE).success
    interrupter, faults = Interrupter(randomness), 0
    cells = CELLS if not host else CELLS | {"a container that runs": RUN.format(seed)}
    counts: dict[str, int] = {}
    while interrupter.sent < interrupts:
        name = randomness.choice(list(cells))
        if name == "a container that runs":
            os.environ["DOCKER_HOST"] = host
        said, error = one_cell(shell, cells[name], interrupter, 1.0 if "container" in name else LONGEST_DELAY)
        os.environ["DOCKER_HOST"] = silent.address
        counts[name] = counts.get(name, 0) + (error != "")
        for fault in found_faults(name, said, error):
            faults += 1
            print(f"FAULT seed {seed}: {name}: {fault}\n{said[-7000:]}", flush=True)
    print(f"seed {seed}: {interrupter.sent} interrupts, of which ended cells: {counts}; {faults} faults", flush=True)
    return faults


def one_cell(shell: object, code: str, interrupter: Interrupter, longest: float) -> tuple[str, str]:
    """Run one cell that may be interrupted; returns its output and the error's class."""
    out, errors = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = said = StringIO()
    error, began = "", time.monotonic()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread = interrupter.begin(longest)
        try:
            result = shell.run_cell(code, store_history=True)
            failed = result.error_in_exec or result.error_before_exec
            error = type(failed).__name__ if failed is not None else ""
        finally:
            interrupter.end()
            thread.join()
        time.sleep(2 * REDELIVERY_SECONDS)
    except KeyboardInterrupt:  # before the cell or after it
        interrupter.end()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # on a busy machine a redelivered signal may arrive even later
        sys.stdout, sys.stderr = out, errors
    if time.monotonic() - began > longest + 4:
        said.write(f"\ntook {time.monotonic() - began:.1f} s")
    return said.getvalue(), error


def found_faults(name: str, said: str, error: str) -> list[str]:
    """What is wrong with a cell that was interrupted."""
    from nbcontainer.operation import running

    found = []
    if name.startswith(OURS) and running():
        found.append(f"runs on: {running()}")
    for left in running():  # an operation that was interrupted before anything waited for it is the user's own
        left.interrupt()
    if error not in {"", "Stopped", "KeyboardInterrupt"}:
        found.append(f"error {error}")
    # an interrupt before or after our code, or in between, is IPython's to handle
    last = FRAME.findall(said)
    if last and last[-1] in EDGES:
        return found
    if name.startswith(OURS) and FAULTS.search(said):
        found.append("more than a line")
    if "release unlocked lock" in said or "Exception ignored" in OF_PYTHON.sub("", said):
        found.append("a broken wait")
    return found


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])))
