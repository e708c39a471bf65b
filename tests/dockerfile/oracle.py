"""Compares what we find in a Dockerfile with what BuildKit finds, over its own fixtures, mutants and generated texts.

`python -m tests.dockerfile.oracle --minutes 10 --seed 7` prints the differences by kind, with the first of each;
`--seed 7 --case 123` prints one text and all of its differences.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbcontainer.dockerfile import check, parse
from nbcontainer.dockerfile.lint_rules import RULES
from tests.environment.oracle import DockerfileOracle

from .texts import GIVEN, text_of_case

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\([^)]*\)|\S*\d\S*|\S*[$=/]\S*")
_BATCH = 200
_OTHER_BUILD = re.compile(r"unknown flag: --(parents|security|device|exclude)\b")  # in frontends with more features
_OF_IMAGES = {"InvalidBaseImagePlatform"}  # rules that look into images
LEFT_TO_BUILDKIT = frozenset({"verdict: refused by BuildKit", "line of the error"})


@dataclass(frozen=True)
class Difference:
    """One thing that we see otherwise than BuildKit."""

    kind: str
    detail: str


@dataclass
class Tally:
    """What was compared, and what differed."""

    texts: int = 0
    compared: Counter[str] = field(default_factory=Counter)
    differed: Counter[str] = field(default_factory=Counter)
    first: dict[tuple[str, str], int] = field(default_factory=dict)
    missed: Counter[str] = field(default_factory=Counter)

    def table(self) -> str:
        """The counts by kind, then the errors that we miss by BuildKit's sentence."""
        lines = [f"{self.texts} texts", f"{'':44}{'compared':>10}{'differ':>8}"]
        lines += [
            f"{kind:44}{self.compared[kind] or '':>10}{self.differed[kind]:>8}"
            for kind in sorted({*self.compared, *self.differed})
        ]
        return "\n".join([*lines, *(f"  missed {count:6}  {what}" for what, count in self.missed.most_common(60))])


class Oracle:
    """The program; it answers as many questions as it is asked."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def ask(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """BuildKit's answers, in the texts' order."""
        questions = "\n".join(json.dumps({"text": text, "arguments": GIVEN}) for text in texts)
        found = subprocess.run([self._program], input=questions, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in found.stdout.split("\n") if line]


def differences(text: str, answer: dict[str, Any], tally: Tally) -> Iterator[Difference]:
    """Everything in which we differ."""
    dockerfile = parse(text)
    problems = check(dockerfile, build_args=GIVEN, variables=lambda _image: ("PATH",))
    errors = [problem for problem in problems if problem.severity == "error"]
    theirs = answer["error"]
    if _OTHER_BUILD.search(theirs):
        return
    tally.compared["verdict: accepted by BuildKit" if not theirs else "verdict: refused by BuildKit"] += 1
    if errors and not theirs:
        yield Difference("verdict: accepted by BuildKit", "; ".join(map(str, errors)))
    if theirs and not errors:
        tally.missed[kind_of(theirs)] += 1
        yield Difference("verdict: refused by BuildKit", theirs)
    if theirs and errors and answer["line"]:
        tally.compared["line of the error"] += 1
        if not any(error.line <= answer["line"] <= error.end_line for error in errors):
            yield Difference("line of the error", f"{answer['line']}: {theirs} / {'; '.join(map(str, errors))}")
    if answer["instructions"] and not any(fault.severity == "error" for fault in dockerfile.faults):
        yield from _structure(dockerfile, answer["instructions"], tally)
    if answer["checked"] and not errors and not dockerfile.syntax:
        yield from _warnings(problems, answer["warnings"], tally)


def kind_of(message: str) -> str:
    """BuildKit's sentence without the words of the text."""
    return _QUOTED.sub("…", message.partition("\n")[0])[:90]


def _structure(dockerfile: Any, theirs: list[dict[str, Any]], tally: Tally) -> Iterator[Difference]:
    ours = sorted(dockerfile.instructions, key=lambda one: one.line)
    tally.compared["instructions and their lines"] += 1
    mine = [(one.name, one.line, one.end_line) for one in ours]
    wanted = [(one["name"], one["line"], one["end_line"]) for one in theirs]
    if mine != wanted:
        yield Difference("instructions and their lines", f"{wanted} / {mine}")
        return
    for one, other in zip(ours, theirs, strict=True):
        if one.name == "ONBUILD":
            continue  # BuildKit reads the trigger when an image is built FROM this one
        flags = [f"--{flag.name}" + ("" if flag.value is None else f"={flag.value}") for flag in one.flags]
        heredocs = [{"name": doc.name, "content": doc.content, "expand": doc.expand} for doc in one.heredocs]
        for kind, found, wants in (
            (
                "flags",
                [flag.encode().decode("latin-1") for flag in flags],
                other["flags"],
            ),  # it takes bytes for letters
            ("heredocs", heredocs, other["heredocs"]),
            ("JSON form", one.is_json, other["is_json"]),
        ):
            tally.compared[kind] += 1
            if found != wants:
                yield Difference(kind, f"line {one.line}: {wants} / {found}")


def _warnings(problems: Sequence[Any], theirs: list[dict[str, Any]], tally: Tally) -> Iterator[Difference]:
    better = {problem.line for problem in problems if problem.source == "json"}  # says more than the rule does
    ours = {(problem.source, problem.line) for problem in problems if problem.source in RULES}
    wanted = {(one["rule"], one["line"]) for one in theirs if one["rule"] not in _OF_IMAGES}
    wanted -= {("JSONArgsRecommended", line) for line in better}
    for rule, _line in wanted:
        tally.compared[f"warning {rule}"] += 1
    for rule, line in sorted(wanted - ours):
        yield Difference(f"warning {rule}", f"line {line}: only BuildKit warns")
    for rule, line in sorted(ours - wanted):
        yield Difference(f"warning {rule}", f"line {line}: only we warn")


def compare(oracle: Oracle, seed: int, cases: Sequence[int], tally: Tally) -> list[tuple[int, Difference]]:
    """Compare some cases of a seed."""
    texts = [text_of_case(seed, case) for case in cases]
    found = []
    for case, text, answer in zip(cases, texts, oracle.ask(texts), strict=True):
        tally.texts += 1
        kinds = set()
        for difference in differences(text, answer, tally):
            if difference.kind not in kinds:
                tally.differed[difference.kind] += 1
            kinds.add(difference.kind)
            what = kind_of(difference.detail) if difference.kind.startswith("verdict") else ""
            tally.first.setdefault((difference.kind, what), case)
            found.append((case, difference))
    return found


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.dockerfile.oracle")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int)
    words = parser.parse_args()
    oracle, tally = Oracle(DockerfileOracle().binary()), Tally()
    if words.case is not None:
        found = compare(oracle, words.seed, [words.case], tally)
        print(text_of_case(words.seed, words.case), *(f"{one.kind}: {one.detail}" for _, one in found), sep="\n---\n")
        return bool(found)
    end, case, details = time.monotonic() + words.minutes * 60, 0, {}
    while time.monotonic() < end:
        for number, one in compare(oracle, words.seed, range(case, case + _BATCH), tally):
            details.setdefault((number, one.kind), one.detail)
        case += _BATCH
    for (kind, _what), number in sorted(tally.first.items()):
        again = f"--seed {words.seed} --case {number}"
        print(f"{kind}: {details[number, kind][:200]}\n    python -m tests.dockerfile.oracle {again}")
    print(tally.table())
    return bool(tally.differed)


if __name__ == "__main__":
    sys.exit(main())
