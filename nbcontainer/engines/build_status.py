"""BuildKit's status messages → our build events.

A vertex is a step. The source map (step digest → lines) says which instruction of the Dockerfile it is; until that is
known, and with engines that have none, its name does: "[stage 2/4] RUN go build". The steps planned from the text are
replaced as the real ones appear.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nbcontainer.buildkit import messages
from nbcontainer.engines.build_failures import exit_code_of, own_lines, short_reason
from nbcontainer.engines.build_output import BuildLog
from nbcontainer.errors import Problem
from nbcontainer.model.build import BuildWarning, StepFinished, StepProgress, StepStarted
from nbcontainer.model.build_steps import BuildStep, StepState, Transfer
from nbcontainer.model.source_map import SourceMap

_NAME = re.compile(r"^\[ *(?:[a-z0-9]+/\S+ )?(?:(\S+) +)?(\d+)/(\d+)\] +(.*)$", re.DOTALL)
_PREFIXES = ("ONBUILD ", "LINK ")
STDERR = 2  # the file descriptor
SHORT = 3  # characters; a shorter value is no secret, and part of too many words
_CANCELLED = ("context canceled", "Canceled: ")
_LINE_NOTE = re.compile(r" \(line \d+\)$")
_RULE = re.compile(r"^([A-Z][A-Za-z]+): (.*)$", re.DOTALL)


@dataclass
class _Step:
    """A vertex and what became of it.

    Attributes:
        mirrors: planned steps that are the same vertex: the same instruction, written twice.
    """

    step: BuildStep
    mirrors: list[BuildStep] = field(default_factory=list)
    started: float | None = None
    state: StepState = StepState.WAITING
    was_cached: bool = False
    error: str = ""


class StatusTranslator:
    """Turns one build's status messages into events.

    Args:
        planned: the steps that the text implies.
        source_map: from Dockerfile lines to the user's own.
        log: takes the events, and the whole output.
        known_warnings: (rule, line) of problems that have been emitted already.
        build_args: BuildKit writes their values into the names of steps; such a step keeps the Dockerfile's own words.
    """

    def __init__(
        self,
        planned: Iterable[BuildStep],
        source_map: SourceMap,
        log: BuildLog,
        known_warnings: Iterable[tuple[str, int]] = (),
        *,
        build_args: Mapping[str, str] | None = None,
    ) -> None:
        self._planned = {step.id: step for step in planned}
        self._source_map = source_map
        self._log, self._emit = log, log.emit
        self._steps: dict[str, _Step] = {}
        self._lines: Mapping[str, list[int]] = {}
        self._warned = set(known_warnings)
        self._build_args = {name: value for name, value in (build_args or {}).items() if len(value) >= SHORT}

    def learn_lines(self, found: messages.SourceMap) -> None:
        """Take the daemon's source map; called before the steps of the Dockerfile run."""
        self._lines = {
            digest: sorted(
                {
                    line
                    for location in locations.locations
                    for span in location.ranges
                    if span.start is not None
                    for line in range(span.start.line, (span.end or span.start).line + 1)
                }
            )
            for digest, locations in found.locations.items()
        }

    def take(self, response: messages.StatusResponse) -> None:
        """Translate one message."""
        for vertex in response.vertexes:
            self._vertex(vertex)
        for status in response.statuses:
            self._progress(status)
        for log in response.logs:
            known = self._steps.get(log.vertex)
            stream = "stderr" if log.stream == STDERR else "stdout"
            self._log.write(known.step if known else None, log.message, stream, _seconds(log.timestamp) or 0.0)
        for warning in response.warnings:
            self._warning(warning)

    def finish(self, failed: str = "", *, succeeded: bool = True) -> None:
        """The build is over: no step is shown as running any longer.

        Args:
            failed: the digest of the step at fault, "" if no step is to blame.
            succeeded: whether the build completed, rather than failed, stopped, or lost its engine.
        """
        for digest, known in self._steps.items():
            self._log.finish(known.step)
            if digest == failed and known.state in (StepState.WAITING, StepState.RUNNING):
                self._end(known, StepState.FAILED, None, known.error)
            elif known.state is StepState.RUNNING:
                self._end(known, StepState.DONE if succeeded else StepState.STOPPED, None if succeeded else time.time())
            elif known.state is StepState.WAITING and succeeded:
                self._end(known, StepState.DONE, None)

    def finish_planned(self) -> None:
        """The build succeeded, so planned steps that never appeared are in the image: BuildKit merges equal steps."""
        for step in self._planned.values():
            self._emit(StepFinished(step.id, StepState.DONE))
        self._planned.clear()

    def step(self, digest: str) -> BuildStep | None:
        """The step of a digest."""
        return self._steps[digest].step if digest in self._steps else None

    def output(self, digest: str) -> str:
        """The last lines that a step wrote."""
        return "\n".join(self._log.tail(self._steps[digest].step.id)) if digest in self._steps else ""

    @property
    def failed(self) -> str:
        """The digest of the first step that failed by itself, or ""."""
        return next((digest for digest, known in self._steps.items() if known.state is StepState.FAILED), "")

    def error(self, digest: str) -> str:
        """The error of a step."""
        return self._steps[digest].error if digest in self._steps else ""

    # --- vertices

    def _vertex(self, vertex: messages.Vertex) -> None:
        known, replaces = self._steps.get(vertex.digest) or self._merged(vertex), ""
        is_new = known is None
        if known is None:
            known, replaces = self._introduce(vertex)
        self._steps[vertex.digest] = known
        started = _seconds(vertex.started)
        if started is not None and started != known.started and not vertex.cached:
            known.started, known.state = started, StepState.RUNNING
            running = replace(known.step, started=started, state=StepState.RUNNING)
            self._emit(StepStarted(running, started, replaces))
            for mirror in known.mirrors:
                self._emit(StepStarted(replace(mirror, started=started, state=StepState.RUNNING), started))
        elif is_new:
            self._emit(StepStarted(known.step, replaces=replaces))
        if vertex.completed is not None:
            self._log.finish(known.step)
            state, time, error = _outcome(vertex)
            if known.was_cached and state is StepState.DONE:
                state = StepState.CACHED  # reported again, without the flag, when a later step needs it
            known.was_cached = state is StepState.CACHED
            self._end(known, state, time, error)

    def _end(self, known: _Step, state: StepState, time: float | None, error: str = "") -> None:
        known.state, known.error = state, error
        finished = StepFinished(known.step.id, state, time, error, exit_code_of(error))
        self._emit(finished)
        for mirror in known.mirrors:
            self._emit(replace(finished, id=mirror.id))

    def _merged(self, vertex: messages.Vertex) -> _Step | None:
        """The own step that a vertex of another build stands for, if it is one.

        Of equal steps in builds that run at the same time, BuildKit runs one and reports it to both builds. The names
        of their base images may differ, and how many steps come after.
        """
        match = _NAME.match(vertex.name)
        if match is None or not self._is_foreign(vertex):
            return None
        place, text = int(match[2]), self._without_values(match[4])
        for digest, known in self._steps.items():
            named = _NAME.match(known.step.name)
            if named is None or digest not in self._lines or int(named[2]) != place:
                continue
            if named[4] == text or (named[4].startswith("FROM ") and text.startswith("FROM ")):
                return known
        return None

    def _is_foreign(self, vertex: messages.Vertex) -> bool:
        """Whether a vertex is not from this build's Dockerfile, as far as the source map is known."""
        return bool(self._lines) and vertex.digest not in self._lines

    def _introduce(self, vertex: messages.Vertex) -> tuple[_Step, str]:
        """The step of a vertex, and the id of the planned one that it replaces, or ""."""
        match = _NAME.match(vertex.name)
        text = match[4] if match else vertex.name
        is_link = text.startswith("LINK ")
        for prefix in _PREFIXES:
            text = text.removeprefix(prefix)
        lines = self._lines.get(vertex.digest, [])
        is_foreign_base = text.startswith("FROM ") and match is not None and self._is_foreign(vertex)
        same = [] if is_link or is_foreign_base else self._same(lines, match, text)
        if same:
            first, *mirrors = same
            for step in same:
                del self._planned[step.id]
            name = self._own_name(vertex.name, match, first)
            step = replace(first, id=vertex.digest, name=name)
            return _Step(step, mirrors), first.id
        own = own_lines(lines, self._source_map)
        if match is not None:  # an instruction, not what BuildKit does besides
            text = self._without_values(text)
        step = BuildStep(
            id=vertex.digest,
            name=self._without_values(vertex.name) if match is not None else vertex.name,
            stage=(match[1] or "") if match else "",
            instruction=text,
            lines=own,
            internal=is_link
            or is_foreign_base
            or vertex.name.startswith("[internal]")
            or (own is None and match is None),
        )
        return _Step(step), ""

    def _own_name(self, name: str, match: re.Match[str] | None, planned: BuildStep) -> str:
        """A step's name; with the words of the Dockerfile if BuildKit's have the value of a build argument."""
        if self._without_values(name) == name:
            return name
        own = _NAME.match(planned.name)
        return f"{name[: match.start(4)]}{own[4] if own else planned.instruction}" if match else planned.name

    def _without_values(self, name: str) -> str:
        """A name without the values of build arguments; one in a FROM stays: it names an image."""
        if re.match(r"(\[[^\]]*\] +)?FROM ", name):
            return name
        for argument, value in self._build_args.items():
            name = name.replace(value, f"${argument}")
        return name

    def _same(self, lines: list[int], match: re.Match[str] | None, text: str) -> list[BuildStep]:
        """The planned steps that a vertex stands for: by its lines, else by its stage and number."""
        word = text.split(" ", 1)[0].upper()
        if lines:
            ids = {f"line {line}" for line in lines}
            return [step for step in self._planned.values()
                    if step.id in ids and step.instruction.split(" ", 1)[0].upper() == word]  # fmt: skip
        if match is None:
            return []
        place = f"{int(match[2])}/{int(match[3])}]"
        for step in self._planned.values():
            named = _NAME.match(step.name)
            if named is None or f"{int(named[2])}/{int(named[3])}]" != place:
                continue
            if match[1] in (None, step.stage) and step.instruction.split(" ", 1)[0].upper() == word:
                return [step]
        return []

    # --- the rest

    def _progress(self, status: messages.VertexStatus) -> None:
        if status.vertex not in self._steps:
            return
        transfer = Transfer(status.id.rstrip(": "), status.current, status.total, done=status.completed is not None)
        self._emit(StepProgress(self._steps[status.vertex].step.id, transfer))

    def _warning(self, warning: messages.VertexWarning) -> None:
        short = warning.short.decode("utf-8", "replace")
        named = _RULE.match(short)
        rule, message = (named[1], named[2]) if named else ("", short)
        spans = [span for span in warning.ranges if span.start is not None]
        first = spans[0].start.line if spans and spans[0].start else 0
        last = max((span.end.line for span in spans if span.end), default=first)
        line = self._source_map.own(first) if first else 0
        if (rule, line) in self._warned:
            return
        self._warned.add((rule, line))
        problem = Problem(
            line,
            _LINE_NOTE.sub("", message),
            "warning",
            self._source_map.own(last) if last else line,
            source=rule,
        )
        self._emit(BuildWarning(problem, warning.url))


def _seconds(time: messages.Time | None) -> float | None:
    return None if time is None else time.timestamp()


def _outcome(vertex: messages.Vertex) -> tuple[StepState, float | None, str]:
    time = _seconds(vertex.completed)
    if vertex.cached:
        return StepState.CACHED, time, ""
    if not vertex.error:
        return StepState.DONE, time, ""
    if any(word in vertex.error for word in _CANCELLED):
        return StepState.STOPPED, time, ""
    return StepState.FAILED, time, short_reason(vertex.error)
