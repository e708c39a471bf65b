"""How something that takes time has ended."""

from __future__ import annotations

from enum import StrEnum

from nbcontainer.errors import NbcontainerError, Stopped


class Outcome(StrEnum):
    """How a build, a transfer, a command, a log, or a wait for a pod has ended. RUNNING, until it has, is false."""

    RUNNING = ""
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


def outcome_of(error: BaseException, *, stopped: bool) -> tuple[Outcome, str]:
    """The outcome of something that raised `error`, for its last picture, and why it failed, if it did."""
    if stopped or isinstance(error, Stopped):
        return Outcome.STOPPED, ""
    # the message of a foreign error may contain a value, and a picture is saved in the notebook
    return Outcome.FAILED, (error.message if isinstance(error, NbcontainerError) else "") or type(error).__name__
