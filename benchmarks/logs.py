"""CPU time and memory for reading logs: one long log beside kubectl and docker, and many merged logs beside stern.

Wall time would measure the server, which is slower than each of its readers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks import environment
from benchmarks.kernel import Kernel, RunsCells
from benchmarks.measuring import MEGABYTE, Comparison, MemoryLimit, MissingError, Subject, Target, TimeLimit
from benchmarks.notebook import NotebookKernel
from benchmarks.processes import cpu_seconds, forget_peak, memory
from benchmarks.terminal import TerminalKernel
from benchmarks.written_logs import LINE_BYTES, LONG, NAMESPACE, PODS, SELECTOR, Cluster, container_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LINES = 2_500_000
_ROUNDS = 3  # CPU time varies less than wall time
_LOADED = "%load_ext nbcontainer\nimport nbcontainer as nbc, time"
_STILL_SECONDS = 3.0  # a program that follows logs and uses no CPU for so long has read all of them
_EACH_LINE = """
count = 0
for line in {logs}:
    if line.text and line.source:
        count += 1
"""


def comparisons(lines: int = LINES) -> Iterator[Comparison]:
    """What this file measures.

    Args:
        lines: Of a long log; many logs have four tenths as many lines together.

    Raises:
        MissingError: There is no engine or no cluster.
    """
    engine = environment.engine()
    with container_log(engine, lines):
        yield from _one_log("container", lines, engine.variables, [engine.docker, "logs", LONG])
    cluster = _cluster()
    with cluster.long_log(lines):
        yield from _one_log("pod", lines, cluster.variables, [cluster.kubectl, "-n", NAMESPACE, "logs", LONG])
    each = lines * 2 // 5 // PODS
    with cluster.many_logs(each):
        yield _merged(cluster, each)
        yield _merged(cluster, each, follow=True)


def _cluster() -> Cluster:
    kubeconfig = os.environ.get("NBCONTAINER_BENCHMARK_KUBECONFIG")
    kubectl = os.environ.get("NBCONTAINER_TEST_KUBECTL") or shutil.which("kubectl")
    if not kubeconfig or not kubectl:
        raise MissingError("set NBCONTAINER_BENCHMARK_KUBECONFIG to a cluster's kubeconfig, and install kubectl")
    return Cluster({"KUBECONFIG": kubeconfig}, kubectl)


def _one_log(kind: str, lines: int, variables: Mapping[str, str], command: Sequence[str]) -> Iterator[Comparison]:
    """One long log, by `.result()`, by the magic on each surface, and line by line."""
    peer = f"{'kubectl' if kind == 'pod' else 'docker'} logs > /dev/null"
    handle = (
        f'nbc.{kind}s.get("{LONG}")'
        if kind == "container"
        else f'nbc.cluster(namespace="{NAMESPACE}").pods.get("{LONG}")'
    )
    magic = f"%docker logs {LONG}" if kind == "container" else f"%kpod logs {LONG} -n {NAMESPACE}"
    options = "--tail 5"
    whole = _Task(
        f"found = {handle}.logs().result()",
        f"found = {handle}.logs(tail=5).result()",
        f"assert found.state.total == {lines}",
    )
    shown = _Task(magic, f"{magic} {options}", f"assert _.state.total == {lines}")
    stamped = _Task(
        f"found = {handle}.logs(timestamps=True).result()",
        f"found = {handle}.logs(timestamps=True, tail=5).result()",
        f"assert found.state.total == {lines}",
    )
    each = _Task(
        _EACH_LINE.format(logs=f"{handle}.logs()"),
        _EACH_LINE.format(logs=f"{handle}.logs(tail=5)"),
        f"assert count == {lines}",
    )
    name = magic.split(f" {LONG}", maxsplit=1)[0]
    subjects = {
        ".result()": _subject(".result()", whole, _discarding, variables),
        "stamps": _subject(".result(), with timestamps", stamped, _discarding, variables),
        "each": _subject("for line in logs", each, _discarding, variables),
        "plain": _subject(f"{name} in IPython > /dev/null", shown, _discarding, variables),
        "terminal": _subject(f"{name} in IPython in a terminal", shown, TerminalKernel, variables),
        "notebook": _subject(f"{name} in a notebook", shown, NotebookKernel, variables),
    }
    magics = [subjects[key].name for key in ("plain", "terminal", "notebook")]
    targets: list[Target | TimeLimit | MemoryLimit] = [Target(".result()", peer, ratio=1.0)]
    targets += [Target(magic, peer, ratio=1.3) for magic in magics]
    targets.append(TimeLimit("for line in logs", 2.5e-6, lines, "a line"))
    targets += [MemoryLimit(subject.name, 60 * MEGABYTE) for subject in subjects.values()]
    yield Comparison(
        f"CPU time for the log of one {kind}, {lines:,} lines, {lines * LINE_BYTES / 1e6:.0f} MB; "
        f"memory: over the same with 5 lines (of {peer.split(maxsplit=1)[0]}: all)",
        [*subjects.values(), _program(peer, command, variables)],
        targets,
        rounds=_ROUNDS,
    )


def _merged(cluster: Cluster, each: int, *, follow: bool = False) -> Comparison:
    """The logs of many pods, merged."""
    logs = f'nbc.cluster(namespace="{NAMESPACE}").pods.logs(selector="{SELECTOR}"'
    total = each * PODS
    if follow:
        wait = "while logs.state.total < {count}: time.sleep(0.1)\nlogs.stop()"
        start = f"logs = {logs}, follow=True)\n" + wait.format(count=total)
        short = f"logs = {logs}, follow=True, tail=5)\n" + wait.format(count=5 * PODS)
        task = _Task(start, short, f"assert logs.state.total == {total}")
    else:
        result = f"found = {logs}{{}}).result()"
        task = _Task(result.format(""), result.format(", tail=5"), f"assert found.state.total == {total}")
    peer = f"stern{'' if follow else ' --no-follow'} > /dev/null"
    options = ["--selector", SELECTOR, "--max-log-requests", str(PODS), "--color", "never"]
    command = [_stern(), "-n", NAMESPACE, *options, *([] if follow else ["--no-follow"])]
    ours = f"pods.logs(selector=…{', follow=True' if follow else ''})"
    return Comparison(
        f"CPU time for the merged logs of {PODS} pods, {total:,} lines{', followed' if follow else ''}; "
        "memory: over the same with 5 lines of each (of stern: all)",
        [
            _subject(ours, task, _discarding, cluster.variables),
            _program(peer, command, cluster.variables, follow=follow),
        ],
        [Target(ours, peer, ratio=1.2), MemoryLimit(ours, 60 * MEGABYTE)],
        rounds=_ROUNDS,
    )


class _Task:
    """A cell to measure.

    Attributes:
        cell: What is measured.
        short: The same with a short log, which loads all that it needs.
        check: Fails unless the cell has read everything.
    """

    def __init__(self, cell: str, short: str, check: str) -> None:
        self.cell, self.short, self.check = cell, short, check


def _discarding(variables: Mapping[str, str] | None) -> Kernel:
    return Kernel(variables, discards=True)


def _subject(
    name: str, task: _Task, kind: Callable[[Mapping[str, str] | None], RunsCells], variables: Mapping[str, str]
) -> Subject:
    """The CPU time of a cell in a new kernel each time, and its memory over that of the same with a short log."""
    peaks = [0]

    def run() -> float:
        with kind(variables) as kernel:
            for line in _LOADED.split("\n"):
                kernel.run(line)
            kernel.run(task.short)
            forget_peak(kernel.pid)
            base, began = memory(kernel.pid), cpu_seconds(kernel.pid)
            kernel.run(task.cell)
            seconds = cpu_seconds(kernel.pid) - began
            peaks.append(kernel.peak - base)
            kernel.run(task.check)
            return seconds

    return Subject(name, run, lambda: max(peaks))


def _program(name: str, command: Sequence[str], variables: Mapping[str, str], *, follow: bool = False) -> Subject:
    """The CPU time and the memory of a program that prints to /dev/null; it is stopped once it has read all."""
    peaks = [0]

    def run() -> float:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **variables}
        )
        if follow:
            _wait_until_still(process.pid)
            process.terminate()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and not follow:
            raise MissingError(f"{' '.join(command[1:5])} failed")
        peaks.append(usage.ru_maxrss * 1024)
        return usage.ru_utime + usage.ru_stime

    return Subject(name, run, lambda: max(peaks))


def _wait_until_still(pid: int) -> None:
    used, since = -1.0, time.monotonic()
    while time.monotonic() - since < _STILL_SECONDS:
        now = cpu_seconds(pid)
        if now > used + 0.02:  # its timers need some
            used, since = now, time.monotonic()
        time.sleep(0.1)


def _stern() -> str:
    """The stern to compare with, built from its Go module."""
    from tests.environment import folders, golang  # noqa: PLC0415 - not needed for the other topics

    return str(golang.build("stern", folders.SOURCES / "stern", "github.com/stern/stern"))
