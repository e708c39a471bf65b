"""Runs in the kernel of a browser test: a picture of most kinds of blocks, which changes when it is told to."""

import queue
import time
from typing import Any

from nbcontainer.model.tables import Tone
from nbcontainer.operation import Operation, Progress
from nbcontainer.views import blocks, kit
from nbcontainer.views.blocks import Action, Actions, Section
from nbcontainer.views.kit import Clock, Grid, Line, Output, Picture, Span
from nbcontainer.views.notebook import Notebook
from nbcontainer.views.view import View
from tests.browser.feeds import HOSTILE

STARTED = time.time() - 100
REMOVE = Action("Remove", "docker", ("volume", "rm"), {"volume": ["data"]}, changes=True)
LIST = Action("List", "docker", ("volume", "ls"), {"filters": ["name=data"]})
NOWHERE = Action("Nowhere", "docker", ("volume", "vanish"), {"volume": [HOSTILE]})


class Sample(View[int, int]):
    """The state is how many lines the second step has written."""

    def line(self, event: int) -> str:
        return str(event)

    def render(self, state: int) -> Picture:
        waits = (Span("○", Tone.DIM), Span("final"), Span("COPY / /", code=True), Span(""), Span(""))
        rows = tuple(
            (
                Span(sign, tone),
                Span("build" if sign == "✓" else ""),
                Span(f"RUN make {name}", code=True),
                Span("", tone, bar=(start, end)),
                Span("", Tone.DIM, clock=Clock(start, end)),
            )
            for sign, tone, name, start, end in (
                ("✓", Tone.GOOD, "dependencies", STARTED, STARTED + 30),
                ("◐", Tone.RUNNING, "everything", STARTED + 30, None),
            )
        )
        outputs = {
            "one": Output(("first", "\x1b[32mgreen\x1b[0m", HOSTILE), open=False),
            "two": Output(
                tuple(f"line {number}" for number in range(max(0, state - 400), state)),
                Tone.RUNNING,
                count=state,
                open=False,
                preview=4,
                rest="/tmp/output.txt",
            ),
        }
        grid = Grid(
            (*rows, waits),
            keys=("one", "two", "three"),
            flexible=2,
            right=frozenset({4}),
            axis=(STARTED, None),
            outputs=outputs,
            group=1,
            label="Steps",
        )
        head = Line.of(
            Span("web:1", bold=True),
            Span("  "),
            Span("building", Tone.RUNNING, status=True),
            Span("  "),
            *kit.separated(f"{state} lines", Span("", Tone.DIM, clock=Clock(STARTED))),
            Span("  "),
            Span("here", chip=True),
            head=True,
        )
        more = Section(Line.of("Volumes"), (Actions((REMOVE, LIST, NOWHERE)), Line.of(HOSTILE)), open=False, key="more")
        return Picture((head, blocks.Progress(0.4), grid, more), label="Sample")


told: "queue.Queue[int]" = queue.Queue()


def show_sample() -> Any:
    """Show it; `told.put(N)` has N lines written, and 0 ends it."""

    def work(progress: Progress[int]) -> None:
        while not progress.stopping:
            try:
                count = told.get(timeout=0.05)
            except queue.Empty:
                continue
            if not count:
                return
            progress.emit(count)

    operation: Operation[int, int, int] = Operation(
        "sample", 3, lambda _state, event: event, conclude=lambda last, _value: last
    )
    return Notebook().follow_behind(operation.start_thread(work), Sample())
