"""Compare nbcontainer with its peers: `python -m benchmarks [loading] [builds] [pods] [page]`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.measuring import MissingError, machine

_TOPICS = ("loading", "builds", "pods", "page")
_FEWEST = 7


def main() -> int:
    """Measure and print; returns 1 with `--strict` if a target was missed or something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    topics = f"what to measure: {', '.join(_TOPICS)} (all)"
    parser.add_argument("topics", nargs="*", choices=[*_TOPICS, []], metavar="TOPIC", help=topics)
    parser.add_argument("-n", "--rounds", type=int, default=9, help="runs of each, in turn (default 9, at least 7)")
    parser.add_argument("--strict", action="store_true", help="fail where a target is missed")
    arguments = parser.parse_args()
    rounds = max(arguments.rounds, _FEWEST)
    print(f"{machine()}\nmedians of {rounds} in turn; ratios to the last line of each table")
    good = True
    for topic in arguments.topics or _TOPICS:
        try:
            for comparison in import_module(f"benchmarks.{topic}").comparisons():
                comparison.measure(rounds)
                good = comparison.show() and not comparison.missing and good
        except MissingError as error:
            print(f"\n{topic}\n  not measured: {error}")
            good = False
    print(f"\nafterwards: {machine()}")
    return 1 if arguments.strict and not good else 0


if __name__ == "__main__":
    sys.exit(main())
