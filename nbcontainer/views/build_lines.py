"""A build as plain lines, for terminals that cannot move the cursor, and for logs."""

from __future__ import annotations

from collections import deque

from nbcontainer.model.build import (
    BuildEvent,
    BuildStarted,
    BuildWarning,
    ImageBuilt,
    PushProgress,
    StepFinished,
    StepOutput,
    StepStarted,
)
from nbcontainer.model.build_steps import BuildStep, StepState
from nbcontainer.model.events import SpoolCut
from nbcontainer.views.ansi import one_line, plain
from nbcontainer.views.quantities import before_these, format_seconds, format_size

FAILED_LINES = 20  # the most lines of output


class BuildLines:
    """The lines of one build, whose steps it numbers.

    Args:
        whole: whether they include all output of the steps, not only the end of a failed step's output.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._numbers: dict[str, int] = {}
        self._steps: dict[str, BuildStep] = {}
        self._started: dict[str, float] = {}
        self._told: set[str] = set()
        self._held: dict[str, str] = {}  # the lines of steps that are done, held back in case a step starts again
        self._output: dict[str, deque[str]] = {}
        self._complaints: dict[str, deque[str]] = {}
        self._written: dict[str, int] = {}  # how many lines each step wrote
        self._spool = ""
        self._title = "image"
        self._started_at = 0.0

    def line(self, event: BuildEvent) -> str | None:
        """The event as lines of a log: like BuildKit's plain progress, but with output only for a failed step.

        BuildKit reports a step as done after the cache lookup, and may then start it. So that a step is done is only
        shown together with the next event of anything else.
        """
        step = event.step.id if isinstance(event, StepStarted) else getattr(event, "id", "")
        held = [self._held.pop(other) for other in list(self._held) if other != step]
        line = self._line(event)
        return "\n".join([*held, *([line] if line else [])]) or None

    def _line(self, event: BuildEvent) -> str | None:  # noqa: C901, PLR0911 - a return for each event
        match event:
            case BuildStarted():
                self._title, self._started_at, self._spool = event.title, event.time, event.spool
                where = " ".join(word for word in (event.engine, event.platform) if word)
                return f"building {one_line(event.title)}" + (f" on {one_line(where)}" if where else "")
            case StepStarted():
                return self._line_started(event)
            case StepOutput() if self._whole and event.id in self._steps:
                return self._all_output(event)
            case StepOutput():
                self._output.setdefault(event.id, deque(maxlen=FAILED_LINES)).extend(event.lines)
                self._written[event.id] = self._written.get(event.id, 0) + len(event.lines)
                if event.stream == "stderr":
                    self._complaints.setdefault(event.id, deque(maxlen=FAILED_LINES)).extend(event.lines)
                return None
            case StepFinished():
                return self._line_finished(event)
            case SpoolCut():
                self._spool = ""  # the spool file is incomplete
                return f"warning: {one_line(event.note)}"
            case BuildWarning():
                return f"warning: {one_line(str(event.problem))}"
            case PushProgress() if event.transfer.done:
                return f"pushed {one_line(event.transfer.name)} {format_size(event.transfer.total)}"
            case ImageBuilt():
                return self._line_built(event)
            case _:
                return None

    def _line_started(self, event: StepStarted) -> str | None:
        step = event.step
        self._steps[step.id] = step
        if event.time is not None and step.id in self._held:
            del self._held[step.id]
            self._told.discard(step.id)
        if event.time is None or step.id in self._started:
            return None
        self._started[step.id] = event.time
        # only what may take long is announced; other steps have one line, when they are done
        return self._named(step) if step.instruction.upper().startswith("RUN") else None

    def _all_output(self, event: StepOutput) -> str:
        step = self._steps[event.id]
        head = [] if step.id in self._numbers else [self._named(step)]
        return "\n".join([*head, *(f"#{self._numbers[step.id]} {plain(line)}" for line in event.lines)])

    def _named(self, step: BuildStep) -> str:
        number = self._numbers.setdefault(step.id, len(self._numbers) + 1)
        return f"#{number} {one_line(step.name or step.instruction)}"

    def _line_finished(self, event: StepFinished) -> str | None:
        step = self._steps.get(event.id)
        if step is None or (event.id in self._told and event.id not in self._held and event.state != StepState.FAILED):
            return None
        self._told.add(event.id)
        self._held.pop(event.id, None)
        started = self._started.get(event.id, step.started or event.time or 0.0)
        took = format_seconds((event.time or started) - started)
        match event.state:
            case StepState.FAILED:
                output = [f"    {plain(line)}" for line in self._last_lines(event.id)]
                name = f"#{self._numbers[step.id]}" if step.id in self._numbers else self._named(step)
                return "\n".join([f"{name} failed after {took}: {reason_of(event)}", *output])
            case _ if step.internal:
                return None
            case StepState.DONE if not step.instruction.upper().startswith("RUN"):
                self._held[event.id] = f"{self._named(step)} done {took}"
            case StepState.DONE if event.id in self._numbers:
                self._held[event.id] = f"#{self._numbers[event.id]} done {took}"
            case StepState.DONE:
                pass
            case _:
                return f"{self._named(step)} {event.state}"
        return None

    def _last_lines(self, step: str) -> list[str]:
        """The end of a step's output and of its standard error, which BuildKit may send out of order."""
        output = list(self._output.get(step, ()))
        output += [line for line in self._complaints.get(step, ()) if line not in output]
        hidden = self._written.get(step, 0) - len(output)
        if hidden <= 0:
            return output
        return [before_these(hidden, "lines", self._spool), *output]

    def _line_built(self, event: ImageBuilt) -> str:
        facts = [event.digest or event.id, format_size(event.size) if event.size else ""]
        if self._started_at and event.time:
            facts.append(format_seconds(event.time - self._started_at))
        word = "built and pushed" if event.pushed else "built"
        return f"{word} {one_line(self._title)} " + " ".join(fact for fact in facts if fact)


def reason_of(failed: BuildStep | StepFinished) -> str:
    """Why a step failed, on one line: its command's exit code, else the engine's words."""
    return one_line(failed.error) if failed.exit_code is None else f"exit code {failed.exit_code}"
