"""The page's TypeScript at work: rows of a live table, and lines written by a container."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measuring import Comparison, MissingError, Subject, Target

_HERE = Path(__file__).parent
_FRONT_END = _HERE.parent / "nbcontainer" / "frontend"


def comparisons() -> list[Comparison]:
    """What this file measures."""
    return [
        Comparison(
            "20 batches of 25 rows in a table of 10,000",
            [_subject("changed rows"), _subject("new rows"), _subject("first rows")],
            [Target("changed rows", "first rows", ratio=1), Target("new rows", "first rows", ratio=4)],
        ),
        Comparison(
            "lines of a megabyte and more",
            [_subject("hostile line, twice as long"), _subject("hostile line"), _subject("plain line")],
            [Target("hostile line, twice as long", "hostile line", ratio=3)],
        ),
    ]


def _subject(name: str) -> Subject:
    """Runs it in a separate Node.js process, which measures it."""

    def run() -> float:
        done = subprocess.run([_node(), str(_program()), name], capture_output=True, text=True, check=True)
        return float(done.stdout)

    return Subject(name, run)


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        raise MissingError("node was not found")
    return found


@functools.cache
def _program() -> Path:
    """`page.ts`, bundled for Node.js."""
    esbuild = _FRONT_END / "node_modules" / "esbuild" / "bin" / "esbuild"
    if not esbuild.exists():
        raise MissingError("esbuild is missing; run `npm ci` in nbcontainer/frontend")
    program = Path(tempfile.mkdtemp(prefix="benchmark-page-")) / "page.mjs"
    command = [esbuild, _HERE / "page.ts", "--bundle", "--platform=node", "--format=esm", f"--outfile={program}"]
    subprocess.run([*map(str, command), "--log-level=warning"], check=True)
    return program
