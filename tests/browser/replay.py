"""Runs in the kernel of a browser test: an operation that emits recorded events at their own pace."""

import time
from dataclasses import fields, is_dataclass, replace
from typing import Any

from nbcontainer.errors import BuildFailed
from nbcontainer.model.build import BuildEnded, BuildState, apply_build
from nbcontainer.model.images import TransferState, apply_transfer
from nbcontainer.model.outcome import Outcome
from nbcontainer.operation import Operation, Progress
from nbcontainer.views.build import BuildView
from nbcontainer.views.images import TransferView
from nbcontainer.views.notebook import Notebook
from nbcontainer.views.surfaces import show
from tests.recordings import build_events, push_events

TIMES = {"time", "started", "finished"}


def shifted(value: Any, seconds: float) -> Any:
    """`value` with its times, including nested ones, `seconds` later."""
    if isinstance(value, tuple):
        return tuple(shifted(part, seconds) for part in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {}
    for field in fields(value):
        part = getattr(value, field.name)
        changes[field.name] = part + seconds if field.name in TIMES and part else shifted(part, seconds)
    return replace(value, **changes)


def build(name: str, *, speed: float = 1.0, hold: int | None = None) -> Operation[Any, BuildState, BuildState]:
    """The recorded build `name`; with `hold` it stays after that many events until it is stopped."""

    def work(progress: Progress[Any]) -> None:
        started = time.time()
        silence, first = next(build_events.read(name))
        later = started - first.time
        for number, (seconds, event) in enumerate(build_events.read(name)):
            while time.time() < started + (seconds - silence) / speed and not progress.stopping:
                time.sleep(0.005)
            if number == hold:
                while not progress.stopping:
                    time.sleep(0.005)
            if progress.stopping:
                progress.emit(BuildEnded(Outcome.STOPPED, time=time.time()))
                raise RuntimeError("cut off")
            progress.emit(shifted(event, later))
        if name == "failing":
            raise BuildFailed("line 4: it ended with exit code 1.", lines=(4, 6), exit_code=1)

    operation: Operation[Any, BuildState, BuildState] = Operation(
        f"build of {name}", BuildState(), apply_build, conclude=lambda state, _value: state
    )
    return operation.start_thread(work)


def show_build(name: str, **options: Any) -> None:
    """Show a recorded build as `%%dockerfile` shows one."""
    show(build(name, **options), BuildView(), Notebook())


def show_push(*, hold: int | None = None) -> None:
    """Show the recorded push as `%docker push` shows one; with `hold` it stays after that many events."""

    def work(progress: Progress[Any]) -> None:
        later = time.time() - push_events.EVENTS[0].time  # type: ignore[union-attr] # the first is the start
        for number, event in enumerate(push_events.EVENTS):
            while number == hold and not progress.stopping:
                time.sleep(0.005)
            progress.emit(shifted(event, later))

    operation: Operation[Any, TransferState, TransferState] = Operation(
        "push", TransferState(), apply_transfer, conclude=lambda state, _value: state
    )
    show(operation.start_thread(work), TransferView(), Notebook())
