"""Compare nbcontainer with its peers: `python -m benchmarks [TOPIC …]`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks import logs
from benchmarks.measuring import MissingError, machine

_TOPICS = ("loading", "builds", "pods", "tables", "logs", "page", "pictures", "streams")
_MIN_ROUNDS = 7


def main() -> int:
    """Measure and print; returns 1 with `--strict` if a target was missed or something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    topics = f"what to measure: {', '.join(_TOPICS)} (all)"
    parser.add_argument("topics", nargs="*", choices=[*_TOPICS, []], metavar="TOPIC", help=topics)
    parser.add_argument("-n", "--rounds", type=int, default=9, help="alternating runs of each (default 9, at least 7)")
    parser.add_argument(
        "--lines", type=int, help=f"of the long log (default {logs.LINES:,}; a fifth of them beside other topics)"
    )
    parser.add_argument("--minutes", type=float, help="of the live table's churn (default 60; 2 beside other topics)")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    arguments = parser.parse_args()
    rounds = max(arguments.rounds, _MIN_ROUNDS)
    print(f"{machine()}\nmedians of {rounds} alternating runs; ratios to the last line of each table")
    passed = True
    lines = arguments.lines or (logs.LINES if arguments.topics == ["logs"] else logs.LINES // 5)
    minutes = arguments.minutes or (60.0 if arguments.topics == ["tables"] else 2.0)
    given = {"logs": (lines,), "tables": (minutes,)}
    for topic in arguments.topics or _TOPICS:
        try:
            module = import_module(f"benchmarks.{topic}")
            for comparison in module.comparisons(*given.get(topic, ())):
                comparison.measure(rounds)
                passed = comparison.show() and not comparison.missing and passed
        except MissingError as error:
            print(f"\n{topic}\n  not measured: {error}")
            passed = False
    print(f"\nafterwards: {machine()}")
    return 1 if arguments.strict and not passed else 0


if __name__ == "__main__":
    sys.exit(main())
