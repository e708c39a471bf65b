"""The classic build stream → our build events: Podman, and Docker without BuildKit.

These engines run every instruction as a step, one after the other, and write everything to one stream of text:
"STEP 2/3: RUN make" (Podman; "[1/2] STEP 2/3: …" with several stages) or "Step 2/3 : RUN make" (Docker), what the step
wrote, "--> Using cache", an id. Pulls of base images come as status messages with progress.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from io import BytesIO

from nbcontainer.dockerfile import Dockerfile
from nbcontainer.engines.build_output import BuildLog
from nbcontainer.json_objects import JsonObject, number_of, object_of, text_of
from nbcontainer.logs.cutter import Cut, LineCutter, Piece
from nbcontainer.model.build import StepFinished, StepProgress, StepStarted
from nbcontainer.model.build_steps import BuildStep, StepState, Transfer
from nbcontainer.model.overwritten import settled

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
        log: takes the events, and the whole output.
    """

    def __init__(self, dockerfile: Dockerfile, planned: Sequence[BuildStep], log: BuildLog) -> None:
        self._log, self._emit = log, log.emit
        self._waiting = list(planned)
        self._labels = [stage.label for stage in dockerfile.stages]
        self._cutter = LineCutter()
        self._cached = False
        self._extra = 0
        self._over = False
        self.step: BuildStep | None = None
        self.image_id = ""
        self.container = ""  # Docker's, of the running step

    def take(self, message: JsonObject) -> None:
        """Translate one message that is not an error."""
        stream, status = message.get("stream"), message.get("status")
        if isinstance(stream, str):
            data = stream.encode("utf-8", "replace")
            if _is_marker(stream.strip("\n")):
                # a step's output without a final line break must not run into the engine's own message
                self._finish_line()
            self._output(self._cutter.feed(data))
        elif isinstance(status, str):
            self._status(message, status)
        self.image_id = text_of(object_of(message.get("aux")), "ID") or self.image_id

    def finish(self, state: StepState = StepState.DONE, error: str = "", exit_code: int | None = None) -> None:
        """The build is over; `state` is how its last step ended. Only the first call counts."""
        if self._over:
            return
        self._over = True
        self._finish_line()
        self._end(state, error, exit_code)
        if state is StepState.DONE:
            for step in self._waiting:
                self._emit(StepFinished(step.id, StepState.DONE))

    @property
    def runs_command(self) -> bool:
        """Whether the current step is a RUN."""
        return self.step is not None and self.step.instruction.upper().startswith("RUN ")

    @property
    def output(self) -> list[str]:
        """The last lines that the current step wrote."""
        return self._log.tail(self.step.id) if self.step is not None else []

    def _finish_line(self) -> None:
        self._output(self._cutter.finish())
        if self.step is not None:
            self._log.finish(self.step)

    def _output(self, pieces: Sequence[Piece]) -> None:
        """Write what a step wrote, without blank lines before and after it, and what the engine says of itself."""
        blank, written, now = b"", False, time.time()
        for cut, data in pieces:
            for line in BytesIO(data) if cut is Cut.LINES else [data]:
                text, step = settled(line.decode("utf-8", "replace").removesuffix("\n")), self.step
                if cut is Cut.LINES and self._is_the_engines(text):
                    self._log.write(None, line)
                    blank, written = (blank, written) if self.step is step else (b"", False)
                elif text or cut is not Cut.LINES:
                    self._log.write(step, blank + line, time=now)
                    blank, written = b"", True
                elif written:
                    blank += line

    def _is_the_engines(self, text: str) -> bool:
        """Whether a line is the engine's own; takes what it says."""
        header = _STEP.match(text)
        if header is not None:
            self._begin(header)
        elif _CACHED.match(text):
            self._cached = True
        elif not _NOISE.match(text):
            return False
        else:
            built, running = _BUILT.match(text), _RUNNING.match(text)
            self.container = running[1] if running else self.container
            if built and not self.image_id.startswith("sha256:"):
                self.image_id = built[1] or f"sha256:{built[2]}"
        return True

    def _begin(self, header: re.Match[str]) -> None:
        self._end(StepState.DONE)
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
            self._log.write(self.step, f"{status}\n".encode("utf-8", "replace"), time=time.time())
            return
        current, total = number_of(detail, "current"), number_of(detail, "total")
        self._emit(StepProgress(self.step.id, Transfer(name, current, total, done=status in _PULLED)))


def _is_marker(text: str) -> bool:
    """Whether a message is the engine's own, not a step's output."""
    return bool(text) and any(pattern.match(text) for pattern in (_STEP, _CACHED, _NOISE))
