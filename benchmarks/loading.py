"""`%load_ext nbcontainer` in a fresh kernel."""

from benchmarks.kernel import fresh
from benchmarks.measuring import Comparison, Target


def comparisons() -> list[Comparison]:
    """What this file measures."""
    trivial = "%load_ext benchmarks.trivial_extension"
    return [
        Comparison(
            "%load_ext in a fresh kernel",
            [fresh("nbcontainer", "%load_ext nbcontainer"), fresh("trivial extension", trivial)],
            [Target("nbcontainer", "trivial extension", more=0.015)],
        )
    ]
