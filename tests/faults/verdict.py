"""The allowed outcomes of a trial.

Right is the whole result: all lines once and in order, the exit code, the digest, the rows. Otherwise one of
nbcontainer's errors in one or two lines, or a result with a note that something is missing. Data without a checksum may
arrive corrupted, which no client can notice: then at most as many bytes may differ as were corrupted. Nor can it notice
that the engine took a connection's end for that of a command's input: then the command writes less. Never: another
exception, a wrong exit code, other lines that are missing without a note, repeated lines, an operation that does not
end, or anything left behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nbcontainer.errors import NbcontainerError
from tests.faults.proxy import Fault, Kind, Way

MOST_LINES = 2
TOO_BUSY = re.compile(
    r"d(id|oes) not answer"
)  # a machine that is too busy for the timeouts would cause faults of its own
RAW = re.compile(r"Traceback|\b[A-Z]\w*(Error|Exception)\(|\[Errno|<[\w.]+ object at|\bb'|\bNone\b")
SAYS_MISSING = re.compile(
    r"missing|not whole|broke|break|lost|cut (off|short)|does not answer|not complete", re.IGNORECASE
)


class Outcome(StrEnum):
    """How a trial ended."""

    RIGHT = "right"
    """The whole right result."""
    NOTED = "noted"
    """A result with a note that something is missing."""
    REFUSED = "error"
    """One of nbcontainer's own errors."""
    ALTERED = "altered"
    """A result that differs by no more bytes than were corrupted without checksums, or that of part of the input."""
    WAITING = "waiting"
    """It waited until it was stopped, as no client can tell the fault from normal silence; the scenario says so."""
    UNSTRUCK = "unstruck"
    """The fault did not happen."""
    WRONG = "WRONG"
    """What must never happen."""

    @property
    def allowed(self) -> bool:
        """Whether this is allowed."""
        return self is not Outcome.WRONG


@dataclass
class Ended:
    """The outcome of an attempt.

    Args:
        value: The result.
        error: The error raised instead.
        lines: The lines of output, if there is output.
        code: The reported exit code.
        notes: The notes.
        stopped: Whether it had to be stopped because it took too long.
        stuck: Whether it did not end even then.
    """

    value: Any = None
    error: BaseException | None = None
    lines: list[str] | None = None
    code: int | None = None
    notes: tuple[str, ...] = ()
    stopped: bool = False
    stuck: bool = False
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there is an error in place of a result; that a command ended with some exit code is a result."""
        return self.error is not None and self.code is None


@dataclass(frozen=True)
class Difference:
    """How a result differs from the right one.

    Args:
        words: How; "" where it does not.
        missing: Whether it is a part of the right one, and nothing else is wrong with it.
        bytes: How many bytes long the part is in which it differs; None where that says nothing.
    """

    words: str = ""
    missing: bool = False
    bytes: int | None = None


@dataclass(frozen=True)
class Verdict:
    """A trial's outcome, and why."""

    outcome: Outcome
    words: str = ""


def compare_lines(wanted: Sequence[str], found: Sequence[str]) -> Difference:
    """How lines differ from the ones written."""
    if list(wanted) == list(found):
        return Difference()
    rest = iter(wanted)
    whole = sum(1 for line in found if line in rest)  # each must be found after the previous one
    cut = whole == len(found) - 1 and whole < len(wanted) and wanted[whole].startswith(found[-1])
    if whole == len(found) or cut:
        return Difference(f"{len(wanted) - whole} of {len(wanted)} lines are missing", missing=True)
    doubled = len(found) - len(set(found))
    differs = bytes_between("\n".join(wanted), "\n".join(found))
    at = next((n for n, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), min(len(wanted), len(found)))
    words = f"{len(found)} lines for {len(wanted)}, {doubled} of them twice; the first that differs: "
    return Difference(words + repr(found[at : at + 1])[:100], bytes=differs)


def bytes_between(wanted: str, found: str) -> int:
    """How long the part is in which two texts differ, from the first byte that does to the last."""
    one, other = wanted.encode(), found.encode()
    begin = _same(one, other)
    end = _same(one[begin:][::-1], other[begin:][::-1])
    # what is not UTF-8 is shown as a character of three bytes
    return max(len(one) - begin - end, len(other[begin : len(other) - end].decode("utf-8", "replace")))


def _same(one: bytes, other: bytes) -> int:
    """The length of two texts' common prefix, in bytes."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def judge(
    ended: Ended,
    difference: Difference,
    fault: Fault | None,
    *,
    struck: bool,
    checked: bool,
    waits: bool,
    left: str,
    has_input: bool = False,
) -> Verdict:
    """Judge a trial.

    Args:
        ended: What came of it.
        difference: How that differs from the right result.
        fault: What was planned.
        struck: Whether it happened.
        checked: Whether what passes carries checksums, so that a corruption must be noticed.
        waits: Whether it may wait until it is stopped.
        left: What was left behind, in words.
        has_input: Whether what is sent is the input of a command.
    """
    wrong = _never(ended, left=left, waits=waits)
    if wrong:
        return Verdict(Outcome.WRONG, wrong)
    if ended.stopped:
        return Verdict(Outcome.WAITING)
    if not difference.words:
        return Verdict(Outcome.RIGHT if struck or fault is None else Outcome.UNSTRUCK)
    if fault is None or not struck:
        late = fault is not None and TOO_BUSY.search(str(ended.error))
        words = f"without any fault: {difference.words}{_said(ended)}"
        return Verdict(Outcome.UNSTRUCK if late else Outcome.WRONG, words)
    corrupted = fault.kind is Kind.CORRUPT and not checked
    if ended.failed:
        return _error(ended, difference, corrupted=corrupted)
    cut = has_input and (fault.kind, fault.way) == (Kind.CLOSE, Way.SENT)
    return _result(ended, difference, len(fault.mask) if corrupted else 0, cut=cut)


def _result(ended: Ended, difference: Difference, changed: int, *, cut: bool) -> Verdict:
    """Judge a wrong result, given the number of bytes corrupted without checksums, and whether its input was cut."""
    if difference.missing and any(SAYS_MISSING.search(note) for note in ended.notes):
        return Verdict(Outcome.NOTED, " / ".join(ended.notes))
    if (cut and difference.missing) or (difference.bytes is not None and difference.bytes <= changed):
        return Verdict(Outcome.ALTERED, difference.words)
    return Verdict(Outcome.WRONG, f"{difference.words}{_said(ended)}")


def _never(ended: Ended, *, left: str, waits: bool) -> str:
    """What is wrong whatever the result is."""
    if ended.stuck:
        return f"it did not end when it was stopped{_said(ended)}"
    if ended.stopped and not waits:
        return f"it had not ended after {ended.seconds:.0f} s{_said(ended)}"
    if ended.error is not None:
        if not isinstance(ended.error, NbcontainerError):
            return f"{type(ended.error).__name__} is none of our errors: {ended.error}"
        if found := RAW.search(str(ended.error)):
            return f"an error in a machine's words, {found[0]!r}: {ended.error}"
    return f"left behind: {left}{_said(ended)}" if left else ""


def _error(ended: Ended, difference: Difference, *, corrupted: bool) -> Verdict:
    reported = f"{type(ended.error).__name__}: {ended.error}"
    if len(str(ended.error).splitlines()) > MOST_LINES:
        return Verdict(Outcome.WRONG, f"an error of more than {MOST_LINES} lines: {reported}")
    if ended.lines and not difference.missing and not corrupted:
        return Verdict(Outcome.WRONG, f"{difference.words}; then {reported}")
    return Verdict(Outcome.REFUSED, reported)


def _said(ended: Ended) -> str:
    error = f" ({type(ended.error).__name__}: {ended.error})" if ended.error is not None else ""
    return error + (f" (notes: {' / '.join(ended.notes)})" if ended.notes else "")
