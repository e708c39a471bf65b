"""The picture of a large build: its rendering, and what is sent to the page, for each change of its state."""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks.measuring import Comparison, Subject, Target
from nbcontainer.model.build import BuildState, StepOutput, apply_build
from nbcontainer.model.build_steps import BuildStep, StepState
from nbcontainer.views.build import BuildView

_LINES = 400


def comparisons() -> list[Comparison]:
    """What this file measures."""
    return [
        Comparison(
            "all running steps of a build write a line: its picture, and the message to the page",
            [_subject("200 steps, 50 of them run", 200, 50), _subject("1 step, which runs", 1, 1)],
            [Target("200 steps, 50 of them run", "1 step, which runs", more=0.005)],
        ),
    ]


def _subject(name: str, count: int, running: int) -> Subject:
    view = BuildView()
    state = _state(count, running)
    first = view.wire(None, state)
    if first is None:
        raise AssertionError

    def run() -> float:
        nonlocal state
        before = state
        for number in range(running):
            state = apply_build(state, StepOutput(f"step {number}", ("compiling the next file",)))
        started = time.process_time()
        message = view.wire(before, state)
        took = time.process_time() - started
        if message is None:
            raise AssertionError
        return took

    return Subject(name, run)


def _state(count: int, running: int) -> BuildState:
    now = time.time()
    step = BuildStep(
        "", "", stage="build", lines=(1, 2), started=now, output=("compiling",) * _LINES, output_lines=_LINES
    )
    steps = {
        f"step {number}": replace(
            step,
            id=f"step {number}",
            name=f"[build {number}] RUN make target-{number}",
            instruction=f"RUN make target-{number}",
            state=StepState.RUNNING if number < running else StepState.DONE,
            finished=None if number < running else now + 1,
        )
        for number in range(count)
    }
    return BuildState(title="web:1", started=now, steps=steps)
