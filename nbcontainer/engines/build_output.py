"""A running build, and the log of its steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from nbcontainer.dockerfile import Dockerfile
from nbcontainer.engines.connection import Engine
from nbcontainer.errors import Problem
from nbcontainer.logs.writer import Channel, LogWriter
from nbcontainer.model.build import BuildEvent, BuildRequest, StepOutput
from nbcontainer.model.build_steps import BuildStep
from nbcontainer.model.events import SpoolCut
from nbcontainer.model.log_lines import LogChunk
from nbcontainer.model.overwritten import settled
from nbcontainer.operation import Progress

KEPT_LINES = 200  # of each step's output, for the message of a failure
EVENT_BYTES = 16 * 1024  # of output in one event: a thousand of them are kept for late listeners
ENGINE = "engine"  # the source of what belongs to no step


class BuildLog:
    """The log of a build: each step is a source, and what it writes becomes events.

    Args:
        name: the build's, for the name of the log's file.
        emit: called with each event.

    Attributes:
        path: the file's, or "".
    """

    def __init__(self, name: str, emit: Callable[[BuildEvent], object]) -> None:
        self._writer, self._emit = LogWriter(name), emit
        self.path = self._writer.path
        self._steps: dict[str, str] = {}  # source → the step's id
        self._sources: dict[str, str] = {}  # the other way round
        self._channels: dict[tuple[str, str], Channel] = {}
        self._tails: dict[str, deque[str]] = {}

    def start(self) -> None:
        """Emit what is written from now on."""
        self._writer.start(self._take, lambda note: self._emit(SpoolCut(note)))

    def emit(self, event: BuildEvent) -> None:
        """Emit an event, after the output that came before it."""
        self._writer.flush()
        self._emit(event)

    def write(self, step: BuildStep | None, data: bytes, stream: str = "stdout", time: float = 0.0) -> None:
        """Write a part of a step's output, or what belongs to no step; `time` in seconds since the epoch."""
        source = ENGINE if step is None else self._source(step)
        channel = self._channels.get((source, stream))
        if channel is None:
            channel = self._channels[source, stream] = self._writer.channel(source, stream)
        channel.feed(data, time)

    def finish(self, step: BuildStep) -> None:
        """Write the last line of a step that has ended, if it has no line end."""
        for stream in ("stdout", "stderr"):
            if channel := self._channels.get((self._sources.get(step.id, ""), stream)):
                channel.finish()

    def close(self) -> None:
        """Write what is left, and finish the log."""
        for channel in self._channels.values():
            channel.finish()
        self._writer.close()

    def tail(self, step: str) -> list[str]:
        """The last lines that a step wrote, by the step's id."""
        self._writer.flush()
        return list(self._tails.get(step, ()))

    def _source(self, step: BuildStep) -> str:
        """The step's name, with a number if another step has the same."""
        source = self._sources.get(step.id)
        if source is None:
            name = source = step.name or step.instruction
            number = 1
            while source in self._steps or source == ENGINE:
                number += 1
                source = f"{name} ({number})"
            self._sources[step.id], self._steps[source] = source, step.id
        return source

    def _take(self, chunks: tuple[LogChunk, ...]) -> None:
        for (source, stream), group in groupby(chunks, lambda chunk: (chunk.source, chunk.stream)):
            if step := self._steps.get(source):
                for ours in _batches(group):
                    lines = tuple(settled(line.text) for chunk in ours for line in chunk.lines)
                    self._tails.setdefault(step, deque(maxlen=KEPT_LINES)).extend(lines)
                    self._emit(StepOutput(step, lines, stream, ours[-1].last))


def _batches(chunks: Iterable[LogChunk]) -> Iterator[list[LogChunk]]:
    """The chunks, as many at a time as one event should have."""
    batch, size = list[LogChunk](), 0
    for chunk in chunks:
        batch.append(chunk)
        size += len(chunk.data)
        if size >= EVENT_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class RunningBuild:
    """A running build.

    Attributes:
        engine: where it runs, or where a builder's image is loaded.
        request: what is built.
        dockerfile: the request's text, parsed.
        problems: the text's warnings, which have been emitted already.
        planned: the steps that the text implies.
        progress: knows of a stop.
        log: takes the events, and the whole output.
    """

    engine: Engine
    request: BuildRequest
    dockerfile: Dockerfile
    problems: Sequence[Problem]
    planned: Sequence[BuildStep]
    progress: Progress[BuildEvent]
    log: BuildLog
