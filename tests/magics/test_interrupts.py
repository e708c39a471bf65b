"""Ctrl-C at random moments of cells, in a shell and in a kernel with a page: one line, and nothing runs on."""

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbcontainer.magics import results
from tests.engines.peers import Speaker
from tests.magics.kernels import Kernel

REPOSITORY = Path(__file__).parents[2]
SENDER = """
import os, signal, threading
lock, in_cell, sent = threading.Lock(), threading.Event(), []
def send():
    with lock:
        if in_cell.is_set():  # after the cell, an interrupt would reach ipykernel alone, which then loses the reply
            sent.append(os.kill(os.getpid(), signal.SIGINT))
def interrupt_in(seconds):
    in_cell.set()
    threading.Timer(seconds, send).start()
def ended(*_):
    with lock:
        in_cell.clear()
get_ipython().events.register("post_run_cell", ended)
"""
DRAWN = """
from nbcontainer.model.log_lines import LogLine, chunks_of
from nbcontainer.model.logs import LogResult, LogState
chunks = tuple(chunks_of(LogLine("p", f"line {n} " + "x" * 60) for n in range(2_000)))
drawn = LogResult(LogState(chunks=chunks, total=2_000))
"""
OURS = re.compile(r"nbcontainer/([a-z_]+/)?[a-z_]+\.py")


def test_cells_of_a_shell_are_interrupted_at_random_moments():
    done = subprocess.run(
        [sys.executable, "-m", "tests.magics.interrupted_shell", "7", "40"],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, "FAULT" in done.stdout) == (0, False), done.stdout + done.stderr
    assert "seed 7: 40 interrupts" in done.stdout


DRAWING = """
import io, signal, sys
from IPython.core.interactiveshell import InteractiveShell
from nbcontainer.model.log_lines import LogLine, chunks_of
from nbcontainer.model.logs import LogResult, LogState
from nbcontainer.views import results

picture_of = results.picture_of

def interrupted_picture_of(result):
    signal.raise_signal(signal.SIGINT)
    return picture_of(result)

class Interrupted(io.TextIOWrapper):
    def write(self, text):
        if "line" in text:
            signal.raise_signal(signal.SIGINT)
        return super().write(text)

if DRAWS:
    results.picture_of = interrupted_picture_of
else:
    sys.stdout = Interrupted(sys.stdout.buffer)
shell = InteractiveShell.instance(colors="nocolor")
shell.run_cell("%load_ext nbcontainer")
drawn = LogResult(LogState(chunks=tuple(chunks_of([LogLine("p", "line")])), total=1))
shell.push({"drawn": drawn})
ran = shell.run_cell(CODE, store_history=True)
print("error:", type(ran.error_in_exec).__name__)
print("kept:", any(value is drawn for value in shell.user_ns["Out"].values()), shell.user_ns["_"] is drawn)
print("went on:", "never" in shell.user_ns)
"""


@pytest.mark.parametrize(
    ("code", "error", "kept"),
    [("drawn", "NoneType", "True True"), ("display(drawn); never = 1", "KeyboardInterrupt", "False False")],
)
@pytest.mark.parametrize("draws", [True, False], ids=["while it is drawn", "while it is written"])
def test_a_result_whose_drawing_is_interrupted_is_kept_and_shows_one_line(tmp_path, code, error, kept, draws):
    done = subprocess.run(
        [sys.executable, "-c", DRAWING.replace("CODE", repr(code)).replace("DRAWS", repr(draws))],
        cwd=REPOSITORY, env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert said.count("■ Stopped: Interrupted.") == 1, said
    assert "Traceback" not in said
    assert f"error: {error}\nkept: {kept}\nwent on: False\n" in done.stdout


def test_an_interrupt_just_before_the_drawing_shows_one_line(monkeypatch):
    def interrupted_at_once(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "run_interruptible", interrupted_at_once)
    with pytest.raises(KeyboardInterrupt) as caught:
        results._publish(None)
    assert "\n".join(caught.value._render_traceback_()) == "■ Stopped: Interrupted."


@pytest.mark.parametrize(("code", "longest"), [("%docker pull busybox", 0.1), ("drawn", 0.02)])
def test_cells_of_a_page_are_interrupted_at_random_moments(tmp_path, code, longest):
    moments = random.Random(code)
    with Speaker(tmp_path / "e", b"", stay=True) as silent:  # an engine that never answers
        kernel = Kernel({"DOCKER_HOST": silent.address, "DOCKER_CONFIG": str(tmp_path)}, str(tmp_path))
        try:
            assert not kernel.run(SENDER + DRAWN).error
            for number in range(100):
                delay = moments.random() * longest
                ran = kernel.run(f"interrupt_in({delay})\n{code}", cell=f"cell-{number}", seconds=20)
                assert code == "drawn" or ran.error in {"Stopped", "KeyboardInterrupt"}
                is_calm(kernel, ran)
                if kernel.run("print(len(sent))").printed == "12\n":
                    return
            pytest.fail("most cells ended before they were interrupted")
        finally:
            kernel.close()


def test_a_magic_in_a_cell_with_await_is_interrupted(tmp_path):
    """In such a cell ipykernel sends interrupts to the coroutine, and the magic would run to its end."""
    moments = random.Random(1)
    with Speaker(tmp_path / "e", b"", stay=True) as silent:
        kernel = Kernel({"DOCKER_HOST": silent.address, "DOCKER_CONFIG": str(tmp_path)}, str(tmp_path))
        try:
            assert not kernel.run("import asyncio").error
            for number in range(4):
                asked = len(silent.received)

                def interrupt():
                    time.sleep(moments.random() / 10)
                    kernel.interrupt()

                ran = kernel.run(
                    "await asyncio.sleep(0)\n%docker pull busybox", cell=f"cell-{number}", seconds=20,
                    when=lambda _, asked=asked: len(silent.received) > asked, then=interrupt,
                )  # fmt: skip
                assert ran.traceback == ["■ Stopped: Interrupted."]
                is_calm(kernel, ran)
        finally:
            kernel.close()


def is_calm(kernel, ran):
    """Whether an interrupted cell shows only one line of ours, and nothing keeps running."""
    said = "\n".join([*ran.traceback, ran.printed])
    assert not OURS.search(said), said
    left = kernel.run("import time; time.sleep(0.12); from nbcontainer.operation import running; print(running())")
    assert left.printed == "frozenset()\n" or left.error == "KeyboardInterrupt"
