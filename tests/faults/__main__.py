"""``python -m tests.faults``: trials by hand, a table of their outcomes, and how to reproduce each failure."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.faults.lanes import run
from tests.faults.proxy import Kind
from tests.faults.scenarios import OPERATIONS, SCENARIOS
from tests.faults.trial import Trial, scenario_of
from tests.faults.verdict import Outcome


def indices(operations: Sequence[str]) -> Iterator[int]:
    """The endless numbers of these operations' trials."""
    return (index for index in itertools.count() if scenario_of(SCENARIOS, index).operation in operations)


def table(trials: Sequence[Trial]) -> str:
    """Outcomes, by operation and kind of fault."""
    outcomes = [outcome for outcome in Outcome if any(trial.verdict.outcome is outcome for trial in trials)]
    lines = [f"{'operation':<10}{'fault':<9}{'trials':>7}" + "".join(f"{outcome:>10}" for outcome in outcomes)]
    for operation in (*OPERATIONS, "all"):
        for kind in (*Kind, "all"):
            chosen = [
                trial for trial in trials if operation in (trial.operation, "all") and kind in (trial.fault.kind, "all")
            ]
            if chosen and (operation == "all" or kind != "all"):
                counts = Counter(trial.verdict.outcome for trial in chosen)
                cells = "".join(f"{counts[outcome] or '·':>10}" for outcome in outcomes)
                lines.append(f"{operation:<10}{kind:<9}{len(chosen):>7}{cells}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code is 1 where anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--trials", type=int, default=200, help="number of trials")
    parser.add_argument("--seed", type=int, default=1, help="seed that determines the faults")
    parser.add_argument("--only", default=",".join(OPERATIONS), help="operations, comma-separated")
    parser.add_argument("--lanes", type=int, default=2, help="parallel processes")
    parser.add_argument("--replay", metavar="SEED:INDEX", action="append", help="run only these trials again")
    parser.add_argument("--verbose", action="store_true", help="print a line per trial")
    chosen = parser.parse_args(arguments)
    only = chosen.only.split(",")
    if unknown := set(only) - set(OPERATIONS):
        parser.error(f"no such operation: {', '.join(sorted(unknown))}; there are {', '.join(OPERATIONS)}")
    missing = {words for kind in SCENARIOS if kind.operation in only and (words := kind.missing_here())}
    if missing:
        parser.error(f"what the trials need does not run: {'; '.join(sorted(missing))}")
    began, trials = time.monotonic(), list[Trial]()
    wanted = [(chosen.seed, index) for index in itertools.islice(indices(only), chosen.trials)]
    if chosen.replay:
        wanted = [(int(seed), int(index)) for seed, _, index in (word.partition(":") for word in chosen.replay)]
    for seed, group in itertools.groupby(wanted, key=lambda one: one[0]):
        for trial in run(seed, [index for _, index in group], chosen.lanes):
            trials.append(trial)
            if chosen.verbose or chosen.replay or not trial.verdict.outcome.allowed:
                sys.stdout.write(f"{trial}\n")
                sys.stdout.flush()
    wrong = [trial for trial in trials if not trial.verdict.outcome.allowed]
    sys.stdout.write(f"\n{table(trials)}\n\n{len(trials)} trials in {time.monotonic() - began:.0f} s\n")
    for trial in sorted(wrong, key=lambda one: (one.operation, one.index)):
        sys.stdout.write(f"{trial.replay}   # {trial.scenario}\n")
    return 1 if wrong or len(trials) < len(wanted) else 0


if __name__ == "__main__":
    sys.exit(main())
