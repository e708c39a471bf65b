"""The steps of a build and their states. Times are seconds since the epoch, sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StepState(StrEnum):
    """The state of a build step."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CACHED = "cached"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One named part of the bytes that a step pulls, sends or unpacks. `total` is 0 where it is unknown."""

    name: str
    current: int
    total: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class BuildStep:
    """One build step.

    Attributes:
        id: unique within the build (BuildKit's vertex digest, or a number).
        name: the engine's name for it: "[build 3/4] RUN go build".
        stage: the stage's name or number in words, "" for internal steps.
        instruction: the instruction's own text, or the name where none belongs to it.
        lines: the user's own (first, last) line, or None.
        internal: whether it is the engine's own work (loading the definition, exporting…).
        error: why it failed, in the engine's words.
        exit_code: of its command, if that failed.
        output: the last lines of what it wrote.
        output_lines: how many lines it wrote in all.
    """

    id: str
    name: str
    stage: str = ""
    instruction: str = ""
    lines: tuple[int, int] | None = None
    internal: bool = False
    state: StepState = StepState.WAITING
    started: float | None = None
    finished: float | None = None
    error: str = ""
    exit_code: int | None = None
    output: tuple[str, ...] = ()
    output_lines: int = 0
    transfers: tuple[Transfer, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs, or if it did not run."""
        if self.started is None or self.finished is None:
            return None
        return max(0.0, self.finished - self.started)
