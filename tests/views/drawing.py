"""Draws a recorded build in the terminal that it runs in: `python drawing.py SPEED [hang]`, for test_terminal.py."""

import sys
import time

from nbcontainer.errors import Stopped
from nbcontainer.model.build import BuildState, apply_build
from nbcontainer.operation import Operation
from nbcontainer.views.build import BuildView
from nbcontainer.views.surfaces import show
from nbcontainer.views.terminal import Terminal
from tests.recordings import build_events


def replay(progress):
    started, hang = time.monotonic(), "hang" in sys.argv
    for seconds, event in build_events.read("good"):
        time.sleep(max(0.0, seconds / float(sys.argv[1]) - (time.monotonic() - started)))
        progress.emit(event)
        if hang and seconds > 4.5:  # in the middle of a step that writes
            while not progress.stopping:
                time.sleep(0.01)
            raise InterruptedError


if __name__ == "__main__":
    sys.stdout.write("before\n")
    try:
        show(Operation("build", BuildState(), apply_build).start_thread(replay), BuildView(), Terminal())
    except Stopped as error:
        sys.stdout.write(f"{error}\n")
    sys.stdout.write("after\n")
