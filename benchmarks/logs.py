"""CPU time and memory for reading logs: one long log beside kubectl and docker, and many merged logs beside stern.

Wall time would measure the server, which is slower than each of its readers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from benchmarks import environment
from benchmarks.kernel import Kernel, RunsCells
from benchmarks.measuring import MEGABYTE, Comparison, MemoryLimit, MissingError, Subject, Target, TimeLimit
from benchmarks.notebook import NotebookKernel
from benchmarks.processes import cpu_seconds, forget_peak, memory
from benchmarks.terminal import TerminalKernel, drained_terminal
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
    cluster = cluster_to_use()
    with cluster.long_log(lines):
        yield from _one_log("pod", lines, cluster.variables, [cluster.kubectl, "-n", NAMESPACE, "logs", LONG])
    each = lines * 2 // 5 // PODS
    with cluster.many_logs(each):
        yield _merged(cluster, each)
        yield _merged(cluster, each, follow=True)


def cluster_to_use() -> Cluster:
    """The cluster that the environment names.

    Raises:
        MissingError: It names none, or there is no kubectl.
    """
    kubeconfig = os.environ.get("NBCONTAINER_BENCHMARK_KUBECONFIG")
    kubectl = os.environ.get("NBCONTAINER_TEST_KUBECTL") or shutil.which("kubectl")
    if not kubeconfig or not kubectl:
        raise MissingError("set NBCONTAINER_BENCHMARK_KUBECONFIG to a cluster's kubeconfig, and install kubectl")
    return Cluster({"KUBECONFIG": kubeconfig}, kubectl)


def _one_log(kind: str, lines: int, variables: Mapping[str, str], command: Sequence[str]) -> Iterator[Comparison]:
    """One long log, by `.result()`, by the magic on each surface, and line by line."""
    peer = "kubectl logs" if kind == "pod" else "docker logs"
    to_null, in_terminal = f"{peer} > /dev/null", f"{peer} in a terminal"
    subjects = _ways_to_read(kind, lines, variables)
    result, _, each, plain, terminal, notebook = (subject.name for subject in subjects)
    targets: list[Target | TimeLimit | MemoryLimit] = [
        Target(result, to_null, ratio=1.0),
        Target(plain, to_null, ratio=1.3),
        Target(terminal, in_terminal, ratio=1.3),
        Target(notebook, to_null, ratio=1.3),
        TimeLimit(each, 2.5e-6, lines, "a line"),
        *(MemoryLimit(subject.name, 60 * MEGABYTE) for subject in subjects),
    ]
    peers = [
        _program(in_terminal, command, variables, terminal=True),
        _program(to_null, command, variables),
    ]
    yield Comparison(
        f"CPU time for the log of one {kind}, {lines:,} lines, {lines * LINE_BYTES / 1e6:.0f} MB; "
        f"memory: over the same with 5 lines (of {peer.partition(' ')[0]}: all)",
        [*subjects, *peers],
        targets,
        rounds=_ROUNDS,
    )


def _ways_to_read(kind: str, lines: int, variables: Mapping[str, str]) -> list[Subject]:
    if kind == "pod":
        handle = f'nbc.cluster(namespace="{NAMESPACE}").pods.get("{LONG}")'
        verb, options = "%kpod logs", f" -n {NAMESPACE}"
    else:
        handle = f'nbc.containers.get("{LONG}")'
        verb, options = "%docker logs", ""
    magic = f"{verb} {LONG}{options}"
    counted = f"assert found.state.total == {lines}"
    result, stamped = (f"found = {handle}.logs({{}}{more}).result()" for more in ("", "timestamps=True"))
    whole = _Task(result.format(""), result.format("tail=5"), counted)
    with_times = _Task(stamped.format(""), stamped.format("tail=5, "), counted)
    loop = _EACH_LINE.replace("{logs}", f"{handle}.logs({{}})")
    each = _Task(loop.format(""), loop.format("tail=5"), f"assert count == {lines}")
    shown = _Task(magic, f"{magic} --tail 5", f"assert _.state.total == {lines}")
    return [
        _subject(".result()", whole, _discarding, variables),
        _subject(".result(), with timestamps", with_times, _discarding, variables),
        _subject("for line in logs", each, _discarding, variables),
        _subject(f"{verb} in IPython > /dev/null", shown, _discarding, variables),
        _subject(f"{verb} in IPython in a terminal", shown, TerminalKernel, variables),
        _subject(f"{verb} in a notebook", shown, NotebookKernel, variables),
    ]


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
            _wait_until_still(kernel.pid, 1.0)  # the extension loads clients in the background
            forget_peak(kernel.pid)
            base, began = memory(kernel.pid), cpu_seconds(kernel.pid)
            kernel.run(task.cell)
            seconds = cpu_seconds(kernel.pid) - began
            peaks.append(kernel.peak - base)
            kernel.run(task.check)
            return seconds

    return Subject(name, run, lambda: max(peaks))


def _program(
    name: str, command: Sequence[str], variables: Mapping[str, str], *, terminal: bool = False, follow: bool = False
) -> Subject:
    """The CPU time and the memory of a program that prints to /dev/null or in a terminal.

    One that follows logs is stopped once it has read all of them.
    """
    peaks = [0]
    environment = {**os.environ, **variables}

    def run() -> float:
        with drained_terminal() if terminal else nullcontext(subprocess.DEVNULL) as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, env=environment)
            if follow:
                _wait_until_still(process.pid, _STILL_SECONDS)
                process.terminate()
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and not follow:
            raise MissingError(f"{' '.join(command[1:5])} failed")
        peaks.append(usage.ru_maxrss * 1024)
        return usage.ru_utime + usage.ru_stime

    return Subject(name, run, lambda: max(peaks))


def _wait_until_still(pid: int, seconds: float) -> None:
    """Wait until a process has used no CPU for so many seconds."""
    used, since = -1.0, time.monotonic()
    while time.monotonic() - since < seconds:
        now = cpu_seconds(pid)
        if now > used + 0.02:  # its timers need some
            used, since = now, time.monotonic()
        time.sleep(0.1)


def _stern() -> str:
    """The stern to compare with, built from its Go module."""
    from tests.environment import folders, golang  # noqa: PLC0415 - not needed for the other topics

    return str(golang.build("stern", folders.SOURCES / "stern", "github.com/stern/stern"))
