"""Many pods' logs at once, followed: `python -m benchmarks.many_streams --pods 200 --rate 5000 --seconds 60`.

Prints the CPU time and the memory in the course of it, and whether each line arrived, once and in its pod's order.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import nbcontainer as nbc
from benchmarks.measuring import MEGABYTE, machine
from benchmarks.processes import memory
from tests.clusters.log_server import NAMESPACE, LogServer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcontainer.model.log_lines import LogLine

_LATE = 60.0  # seconds after the last line is written until it must have arrived
_NUMBER = re.compile(r'"number":(\d+)')
_SAMPLES = 6


def main() -> int:
    """Measure and print; returns 1 if a line was lost or came twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_streams", description=__doc__)
    parser.add_argument("--pods", type=int, default=200)
    parser.add_argument("--rate", type=int, default=5_000, help="lines a second of all pods together")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    each = arguments.rate * arguments.seconds // arguments.pods
    total = each * arguments.pods
    print(machine())
    with (
        tempfile.TemporaryDirectory() as folder,
        LogServer(Path(folder), pods=arguments.pods, rate=arguments.rate, lines=each) as server,
    ):
        os.environ["KUBECONFIG"] = str(server.kubeconfig)
        logs = nbc.cluster(namespace=NAMESPACE).pods.logs(selector="app=web", follow=True)
        began, cpu = time.monotonic(), time.process_time()
        due, step = began, arguments.seconds / _SAMPLES
        while logs.state.total < total and time.monotonic() < began + arguments.seconds + _LATE:
            time.sleep(0.05)
            if time.monotonic() >= due:
                due += step
                size = memory(os.getpid()) / MEGABYTE
                print(f"{time.monotonic() - began:5.0f} s  {logs.state.total:>9,} lines  {size:6.0f} MB")
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
        logs.stop()
        logs.wait(10)
        print(f"{logs.state.total:,} of {total:,} lines of {arguments.pods} pods in {wall:.1f} s")
        print(f"CPU {cpu:.1f} s, {cpu / wall:.0%} of a core")
        wrong = _wrong(logs, each, arguments.pods)
    print("each line arrived once, in its pod's order" if not wrong else f"lost, doubled or out of order: {wrong}")
    return 1 if wrong else 0


def _wrong(lines: Iterable[LogLine], each: int, pods: int) -> dict[str, int]:
    """By source: the first line that is not the one after its predecessor; or how many there are, if too few."""
    following: Counter[str] = Counter()
    wrong: dict[str, int] = {}
    for line in lines:
        found = _NUMBER.search(line.text)
        if found is None or int(found[1]) != following[line.source]:
            wrong.setdefault(line.source, following[line.source])
        following[line.source] += 1
    wrong |= {source: count for source, count in following.items() if count != each}
    return wrong if len(following) == pods else {**wrong, "pods": len(following)}


if __name__ == "__main__":
    sys.exit(main())
