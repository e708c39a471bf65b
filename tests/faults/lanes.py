"""Trials in several processes at once. Each has its own settings, threads and children to check."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tests.faults.scenarios import SCENARIOS
from tests.faults.trial import Rig, Trial


def run(seed: int, numbers: Sequence[int], lanes: int) -> Iterator[Trial]:
    """Make trials in several processes at once; each scenario belongs to one process, which prepares it once."""
    context = multiprocessing.get_context("spawn")
    made: multiprocessing.Queue[Any] = context.Queue()
    shares: list[list[int]] = [[] for _ in range(lanes)]
    for index in numbers:
        shares[index % len(SCENARIOS) % lanes].append(index)
    processes = [context.Process(target=_lane, args=(seed, share, made), daemon=True) for share in shares if share]
    for process in processes:
        process.start()
    left = len(processes)
    while left:
        found = made.get()
        if isinstance(found, Trial):
            yield found
        else:
            left -= 1
            if found:
                sys.stderr.write(f"{found}\n")
    for process in processes:
        process.join()


def _lane(seed: int, numbers: Sequence[int], made: Any) -> None:
    """One process's share; its end is reported, too, with what went wrong."""
    said = ""
    try:
        with Rig(SCENARIOS) as rig:
            for index in sorted(numbers, key=lambda number: number % len(SCENARIOS)):
                made.put(rig.make(seed, index))
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
        raise
    finally:
        made.put(said)
