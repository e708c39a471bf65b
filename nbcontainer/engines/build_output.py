"""A running build, and the output of its steps: whole lines, with bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from nbcontainer.dockerfile import Dockerfile
from nbcontainer.engines.connection import Engine
from nbcontainer.errors import Problem
from nbcontainer.model.build import BuildEvent, BuildRequest, StepFinished
from nbcontainer.model.build_steps import BuildStep
from nbcontainer.operation import Progress
from nbcontainer.spool import Spool

KEPT_LINES = 200  # of each step's output, for the message of a failure
LONGEST_LINE = 16 * 1024  # characters; a longer one is cut into pieces


@dataclass(frozen=True, slots=True)
class RunningBuild:
    """A running build.

    Attributes:
        engine: where it runs, or where a builder's image is loaded.
        request: what is built.
        dockerfile: the request's text, parsed.
        problems: the text's warnings, which have been emitted already.
        planned: the steps that the text implies.
        progress: takes the events, and knows of a stop.
        spool: takes the whole output.
    """

    engine: Engine
    request: BuildRequest
    dockerfile: Dockerfile
    problems: Sequence[Problem]
    planned: Sequence[BuildStep]
    progress: Progress[BuildEvent]
    spool: Spool

    def emit(self, event: BuildEvent) -> None:
        """Emit an event. A step's output is flushed before its end: views then link to the file, which must have it."""
        if isinstance(event, StepFinished):
            self.spool.flush()
        self.progress.emit(event)


class LineSplitter:
    """Cuts a stream of bytes into lines.

    A progress bar that carriage returns redraw is reduced to its last state. ANSI sequences are kept. What cannot be
    decoded becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """Take some bytes; returns the lines that they complete."""
        *whole, rest = (self._rest + self._decoder.decode(data)).split("\n")
        lines = [_collapse(line) for line in whole]
        body = rest.rstrip("\r")
        rest = rest[body.rfind("\r") + 1 :] if body else rest[-1:]
        while len(rest) > LONGEST_LINE:
            lines.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self._rest = rest
        return lines

    def flush(self) -> list[str]:
        """The last line, if the stream ended without a line break."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return [_collapse(rest)] if rest.strip("\r") else []


def _collapse(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
