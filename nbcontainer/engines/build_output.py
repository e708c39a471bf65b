"""What a build step writes: whole lines, with bounded memory; and its file."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from nbcontainer.model.build import BuildEvent, StepFinished
from nbcontainer.operation import Progress
from nbcontainer.spool import Spool

__all__ = ["LineSplitter", "kept_first"]

LONGEST_LINE = 16 * 1024  # characters; a longer one is cut into pieces


def kept_first(progress: Progress[BuildEvent], spool: Spool) -> Callable[[BuildEvent], None]:
    """Tells events. Views of a step that has ended name the file: by then it has the output, or is known to lack it."""

    def tell(event: BuildEvent) -> None:
        if isinstance(event, StepFinished):
            spool.flush()
        progress.tell(event)

    return tell


class LineSplitter:
    """Cuts a stream of bytes into lines.

    A bar that is redrawn after carriage returns becomes its last state. ANSI sequences are kept. What cannot be decoded
    becomes U+FFFD.
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
        """The line that has no end yet, if there is one; the stream is over."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return [_collapse(rest)] if rest.strip("\r") else []


def _collapse(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
