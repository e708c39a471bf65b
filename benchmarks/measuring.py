"""Timing several programs in alternating order: a change in the machine's load affects all of them equally."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MEGABYTE = 1 << 20
_SECONDS_FOR_MILLISECONDS = 1.0


class MissingError(Exception):
    """A part of the comparison that this machine, or this version of nbcontainer, does not have."""


@dataclass
class Subject:
    """One way to do a thing.

    Attributes:
        name: Its name in the table.
        run: Does it once and returns the seconds it took.
        peak: Called at the end, returns its peak memory in bytes; None if that is not known.
    """

    name: str
    run: Callable[[], float]
    peak: Callable[[], int | None] = lambda: None
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """In seconds, over all rounds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Target:
    """What is promised: `subject` takes at most `ratio` times as long as `peer`, or `more` seconds more."""

    subject: str
    peer: str
    ratio: float | None = None
    more: float | None = None

    def verdict(self, subjects: Mapping[str, Subject]) -> tuple[str, bool] | None:
        """The result as text, and whether the target was met; None if one of the two was not measured."""
        if self.subject not in subjects or self.peer not in subjects:
            return None
        ours, theirs = subjects[self.subject].median, subjects[self.peer].median
        if self.ratio is not None:
            ratio = ours / theirs
            return f"{self.subject} / {self.peer} = {ratio:.2f} (target: at most {self.ratio})", ratio <= self.ratio
        more, limit = ours - theirs, self.more or 0.0
        return f"{self.subject} - {self.peer} = {more * 1e3:.1f} ms (target: at most {limit * 1e3:.0f})", more <= limit


@dataclass(frozen=True)
class TimeLimit:
    """What is promised without a peer: `subject` takes at most so many `seconds` for each of `count` things."""

    subject: str
    seconds: float
    count: int
    what: str

    def verdict(self, subjects: Mapping[str, Subject]) -> tuple[str, bool] | None:
        """As of a `Target`."""
        if self.subject not in subjects:
            return None
        each = subjects[self.subject].median / self.count
        limit = f"target: at most {self.seconds * 1e6:g}"
        return f"{self.subject} = {each * 1e6:.2f} µs {self.what} ({limit})", each <= self.seconds


@dataclass(frozen=True)
class MemoryLimit:
    """What is promised about memory: the peak of `subject` is at most so many bytes."""

    subject: str
    most: int

    def verdict(self, subjects: Mapping[str, Subject]) -> tuple[str, bool] | None:
        """As of a `Target`."""
        peak = subjects[self.subject].peak() if self.subject in subjects else None
        if peak is None:
            return None
        limit = f"target: at most {self.most / MEGABYTE:.0f}"
        return f"{self.subject}: {peak / MEGABYTE:.0f} MB ({limit})", peak <= self.most


@dataclass(frozen=True)
class MemoryRatio:
    """What is promised about memory beside a peer: the peak of `subject` is at most `ratio` times that of `peer`."""

    subject: str
    peer: str
    ratio: float

    def verdict(self, subjects: Mapping[str, Subject]) -> tuple[str, bool] | None:
        """As of a `Target`."""
        peaks = [subjects[name].peak() if name in subjects else None for name in (self.subject, self.peer)]
        if peaks[0] is None or not peaks[1]:
            return None
        ratio = peaks[0] / peaks[1]
        text = f"memory: {self.subject} / {self.peer} = {ratio:.2f} (target: at most {self.ratio})"
        return text, ratio <= self.ratio


@dataclass
class Comparison:
    """One row of the report: the same thing done in several ways.

    Attributes:
        title: What is done.
        subjects: Ways to do it; ratios are shown to the last one.
        targets: What is promised about them.
        before: Called before each run, to reset the task.
        rounds: At most so many rounds, for what takes long; the first run counts then, which has a fresh process.
        missing: What could not be compared, and why.
    """

    title: str
    subjects: list[Subject]
    targets: Sequence[Target | TimeLimit | MemoryLimit | MemoryRatio] = ()
    before: Callable[[], None] = lambda: None
    rounds: int = sys.maxsize
    missing: list[str] = field(default_factory=list)

    def measure(self, rounds: int) -> None:
        """Run every subject once, which is not counted, then all of them `rounds` times in alternating order."""
        counts_first = self.rounds < rounds
        for subject in list(self.subjects):
            self.before()
            try:
                seconds = subject.run()
                subject.seconds += [seconds] * counts_first
            except MissingError as error:
                self.missing.append(f"{subject.name}: {error}")
                self.subjects.remove(subject)
        for number in range(self.rounds - 1 if counts_first else rounds):
            # rotate: each goes first, second, ... equally often
            turn = number % max(1, len(self.subjects))
            for subject in self.subjects[turn:] + self.subjects[:turn]:
                self.before()
                subject.seconds.append(subject.run())

    def show(self) -> bool:
        """Print the table; returns whether all targets are met."""
        print(f"\n{self.title}")
        width = max([len(subject.name) for subject in self.subjects], default=0)
        if self.subjects:
            print(f"  {'':{width}}  {'median':>9}  {'min':>9}  {'max':>9}  {'ratio':>6}  {'memory':>8}")
            reference = self.subjects[-1].median
        for subject in self.subjects:
            peak = subject.peak()
            memory = "" if peak is None else f"{peak / MEGABYTE:.0f} MB"
            times = "  ".join(f"{shown(value):>9}" for value in (subject.median, *_range(subject.seconds)))
            print(f"  {subject.name:{width}}  {times}  {subject.median / reference:6.2f}  {memory:>8}")
        for reason in self.missing:
            print(f"  not measured: {reason}")
        measured = {subject.name: subject for subject in self.subjects}
        verdicts = [verdict for target in self.targets if (verdict := target.verdict(measured))]
        for text, met in verdicts:
            print(f"  {'met   ' if met else 'MISSED'}  {text}")
        return all(met for _, met in verdicts)


def shown(seconds: float) -> str:
    """A time in seconds or milliseconds."""
    return f"{seconds:.2f} s" if seconds >= _SECONDS_FOR_MILLISECONDS else f"{seconds * 1e3:.1f} ms"


def _range(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


class Program:
    """A peer: a program that is started anew for each run.

    Args:
        name: Its name in the table.
        command: Its arguments.
        environment: Variables in addition to our own.
    """

    def __init__(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        self.name, self._command = name, [str(part) for part in command]
        self._environment = {**os.environ, **(environment or {})}
        self._peak = 0

    def run(self) -> float:
        """Run it and read its output, as a caller would."""
        started = time.perf_counter()
        try:
            process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment
            )
        except FileNotFoundError:
            raise MissingError(f"{self._command[0]} was not found") from None
        with process:
            if process.stdout is None or process.stderr is None:
                raise RuntimeError("no pipes")
            process.stdout.read()
            errors = process.stderr.read()
            # wait4 reports the memory of this child and of the children it waited for
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise MissingError(f"{' '.join(self._command[:3])} failed: {errors.decode(errors='replace')[-300:]}")
        self._peak = max(self._peak, usage.ru_maxrss * 1024)
        return seconds

    def subject(self) -> Subject:
        """As a table row."""
        return Subject(self.name, self.run, lambda: self._peak)


def machine() -> str:
    """What the results depend on: load, cores, memory, versions."""
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, load {load}; "
        f"{platform.system()} {platform.release()}, Python {sys.version.split()[0]}"
    )
