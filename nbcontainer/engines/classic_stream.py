"""The classic build stream → our build events: Podman, and Docker without BuildKit.

These engines run every instruction as a step, one after the other, and write everything to one stream of text:
"STEP 2/3: RUN make" (Podman; "[1/2] STEP 2/3: …" with several stages) or "Step 2/3 : RUN make" (Docker), what the step
wrote, "--> Using cache", an id. Pulls of base images come as status messages with progress.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence

from nbcontainer.dockerfile import Dockerfile
from nbcontainer.engines.build_output import KEPT_LINES, LineSplitter
from nbcontainer.json_objects import JsonObject, number_of, object_of, text_of
from nbcontainer.model.build import BuildEvent, StepFinished, StepOutput, StepProgress, StepStarted
from nbcontainer.model.build_steps import BuildStep, StepState, Transfer

_STEP = re.compile(r"^(?:\[(\d+)/(\d+)\] )?STEP (\d+)/(\d+) ?: (.*)$", re.IGNORECASE)
_CACHED = re.compile(r"^ ?-{2,3}> Using cache\b")
_NOISE = re.compile(
    r"^ ?-{2,3}> (?:[0-9a-f]{11,64}|Running in [0-9a-f]+|Using cache.*|\[Warning\] .*)$"
    r"|^(?:Removing|Removed) intermediate container [0-9a-f]+$|^(?:\[\d+/\d+\] )?COMMIT\b.*$"
    r"|^Successfully (?:built|tagged) .*$"
    r"|^[0-9a-f]{64}$"
)
_BUILT = re.compile(r"^Successfully built ([0-9a-f]{12,64})$|^([0-9a-f]{64})$")
_RUNNING = re.compile(r"^ ?-{2,3}> Running in ([0-9a-f]+)$")
_PULLED = ("Pull complete", "Already exists", "Download complete")


class ClassicTranslator:
    """Turns one classic build's messages into events.

    Args:
        dockerfile: the text.
        planned: its steps; those of `Dockerfile.plan(classic=True)`.
        emit: called with each event.
        write: takes the whole output, for the spool file.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        planned: Sequence[BuildStep],
        emit: Callable[[BuildEvent], None],
        write: Callable[[bytes], object],
    ) -> None:
        self._emit, self._write = emit, write
        self._waiting = list(planned)
        self._labels = [stage.label for stage in dockerfile.stages]
        self._splitter = LineSplitter()
        self._cached = False
        self._extra = 0
        self._over = False
        self.step: BuildStep | None = None
        self.tail: deque[str] = deque(maxlen=KEPT_LINES)
        self.image_id = ""
        self.container = ""  # Docker's, of the running step

    def take(self, message: JsonObject) -> None:
        """Translate one message that is not an error."""
        stream, status = message.get("stream"), message.get("status")
        if isinstance(stream, str):
            data = stream.encode("utf-8", "replace")
            self._write(data)
            if _is_marker(stream.strip("\n")):
                # a step's output without a final line break must not run into the engine's own message
                self._output(self._splitter.flush())
            self._output(self._splitter.feed(data))
        elif isinstance(status, str):
            self._status(message, status)
        self.image_id = text_of(object_of(message.get("aux")), "ID") or self.image_id

    def finish(self, state: StepState = StepState.DONE, error: str = "", exit_code: int | None = None) -> None:
        """The build is over; `state` is how its last step ended. Only the first call counts."""
        if self._over:
            return
        self._over = True
        self._output(self._splitter.flush())
        self._end(state, error, exit_code)
        if state is StepState.DONE:
            for step in self._waiting:
                self._emit(StepFinished(step.id, StepState.DONE))

    @property
    def runs_command(self) -> bool:
        """Whether the current step is a RUN."""
        return self.step is not None and self.step.instruction.upper().startswith("RUN ")

    def _output(self, lines: Sequence[str]) -> None:
        written: list[str] = []
        for line in lines:
            header = _STEP.match(line)
            if header is not None:
                self._write_lines(written)
                written = []
                self._begin(header)
            elif _CACHED.match(line):
                self._cached = True
            elif not _NOISE.match(line):
                if line or written:
                    written.append(line)
            else:
                built, running = _BUILT.match(line), _RUNNING.match(line)
                self.container = running[1] if running else self.container
                if built and not self.image_id.startswith("sha256:"):
                    self.image_id = built[1] or f"sha256:{built[2]}"
        while written and not written[-1]:
            written.pop()
        self._write_lines(written)

    def _write_lines(self, lines: list[str]) -> None:
        if lines and self.step is not None:
            self.tail.extend(lines)
            self._emit(StepOutput(self.step.id, tuple(lines), time=time.time()))

    def _begin(self, header: re.Match[str]) -> None:
        self._end(StepState.DONE)
        self.tail.clear()
        self.container = ""
        stage = self._labels[int(header[1]) - 1] if header[1] and int(header[1]) <= len(self._labels) else ""
        text = header[5].strip()
        word = text.split(" ", 1)[0].upper()
        step = next(
            (
                step
                for step in self._waiting
                if step.instruction.split(" ", 1)[0].upper() == word and stage in ("", step.stage)
            ),
            None,
        )
        if step is not None:
            self._waiting.remove(step)
        else:
            # the engine adds steps of its own: a LABEL for --label, the triggers of a base image
            self._extra += 1
            step = BuildStep(id=f"extra {self._extra}", name=header[0], stage=stage, instruction=text, internal=True)
        self.step = step
        self._emit(StepStarted(step, time.time()))

    def _end(self, state: StepState, error: str = "", exit_code: int | None = None) -> None:
        if self.step is not None:
            ended = StepState.CACHED if self._cached and state is StepState.DONE else state
            self._emit(StepFinished(self.step.id, ended, time.time(), error, exit_code))
        self.step, self._cached = (self.step if state is StepState.FAILED else None), False

    def _status(self, message: JsonObject, status: str) -> None:
        if self.step is None:
            return
        name, detail = text_of(message, "id"), object_of(message.get("progressDetail"))
        if not name:
            self._write_lines([status])
            return
        current, total = number_of(detail, "current"), number_of(detail, "total")
        self._emit(StepProgress(self.step.id, Transfer(name, current, total, done=status in _PULLED)))


def _is_marker(text: str) -> bool:
    """Whether a message is the engine's own, not a step's output."""
    return bool(text) and any(pattern.match(text) for pattern in (_STEP, _CACHED, _NOISE))
