"""``python -m tests.environment up|down|status|env|install [PART...]`` and ``pods COUNT``."""

from __future__ import annotations

import argparse
import concurrent.futures
import shlex
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import parts
from .part import State, Unavailable, say
from .simulation import Kwok

if TYPE_CHECKING:
    from collections.abc import Callable

    from .part import Part

_AT_ONCE = 3
"""Parts built at the same time: more would only share the same two processors."""


def _with_needs(names: list[str], every: dict[str, Part]) -> list[str]:
    wanted: list[str] = []

    def add(name: str) -> None:
        for need in every[name].needs:
            add(need)
        if name not in wanted:
            wanted.append(name)

    for name in names:
        add(name)
    return wanted


def _make(part: Part, action: str) -> str:
    """Runs one action on one part; returns what went wrong, or ""."""
    started = time.monotonic()
    try:
        getattr(part, action)()
    except Unavailable as reason:
        say(f"{part.name}: unavailable: {reason}")
        return f"unavailable: {reason}"
    except (RuntimeError, OSError) as error:
        say(f"{part.name}: failed: {error}")
        return f"failed: {error}"
    seconds = time.monotonic() - started
    say(f"{part.name}: {action} done in {seconds:.1f} s")
    return ""


@dataclass(frozen=True)
class _Step:
    """One action on one part, and the steps that must have succeeded before it."""

    part: Part
    action: str
    after: frozenset[tuple[str, str]]

    @property
    def key(self) -> tuple[str, str]:
        return self.part.name, self.action


def _steps(names: list[str], every: dict[str, Part], action: str) -> list[_Step]:
    """What there is to do. Building waits for no other part; the longest build, of the first part, is the last.

    What the others serve is tested meanwhile.
    """
    builds, found = list[_Step](), list[_Step]()
    for part in (every[name] for name in names):
        after = {(need, "up") for need in part.needs}
        if part.builds and action == "up":
            builds.insert(0, _Step(part, "install", frozenset()))
            after.add((part.name, "install"))
        found.append(_Step(part, action, frozenset(after if action == "up" else ())))
    return [*builds, *found]


def up(
    names: list[str],
    every: dict[str, Part],
    action: str = "up",
    ended: Callable[[str, str], None] = lambda _name, _problem: None,
) -> int:
    """Starts parts, those at once that do not need each other; Go builds take turns beside all else.

    Args:
        names: The parts wanted; what they need comes with them.
        every: All parts.
        action: ``up`` or ``install``.
        ended: Is called for each part that is up, or cannot be, with its name and what went wrong.

    Returns:
        The exit code: 1 where a part failed, also where it cannot be had here.
    """
    waiting = _steps(_with_needs(names, every), every, action)
    problems: dict[str, str] = {}
    running: dict[concurrent.futures.Future[str], _Step] = {}
    done: set[tuple[str, str]] = set()

    def end(step: _Step, problem: str) -> None:
        if problem:
            problems.setdefault(step.part.name, problem)
        else:
            done.add(step.key)
        if step.action == action:
            ended(step.part.name, problem)

    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool, concurrent.futures.ThreadPoolExecutor(1) as builder:
        while waiting or running:
            for step in list(waiting):
                missing = sorted({name for name, _ in step.after if name in problems})
                if missing:
                    if step.part.name not in missing:
                        say(f"{step.part.name}: left out: it needs {', '.join(missing)}")
                    waiting.remove(step)
                    end(step, problems.get(step.part.name) or f"needs {', '.join(missing)}")
                elif step.after <= done:
                    lane = builder if step.part.builds and step.action == "install" else pool
                    running[lane.submit(_make, step.part, step.action)] = step
                    waiting.remove(step)
            finished, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in finished:
                end(running.pop(future), future.result())
    return 1 if problems else 0


def down(names: list[str], every: dict[str, Part]) -> int:
    """Stops parts, first those that need the others."""
    wanted = [name for name in reversed(every) if name in names]
    return max([1 if _make(every[name], "down") else 0 for name in wanted], default=0)


def status(names: list[str], every: dict[str, Part]) -> int:
    """Prints a line per part; the exit code is 1 unless all are up."""
    code = 0
    for name in names:
        try:
            found = every[name].status()
            line = f"{found.state.value:<12}{found.detail}"
            code = code if found.state is State.UP else 1
        except Unavailable as reason:
            line, code = f"unavailable {reason}", 1
        print(f"{name:<18}{line}")  # noqa: T201 - a command's output
    return code


def env(names: list[str], every: dict[str, Part]) -> int:
    """Prints ``export`` lines for a shell."""
    for name in names:
        if every[name].status():
            for variable, value in every[name].env().items():
                print(f"export {variable}={shlex.quote(value)}")  # noqa: T201 - a command's output
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.environment", description=__doc__)
    parser.add_argument("action", choices=["install", "up", "down", "status", "env", "pods"])
    parser.add_argument("part", nargs="*", help="the parts (default: all); for `pods`, the number of pods")
    parser.add_argument("--small", action="store_true", help="only the base images that the demo needs")
    chosen = parser.parse_args(arguments)
    if chosen.action == "pods":
        Kwok().pods(int(chosen.part[0]) if chosen.part else 1000)
        return 0
    every = parts(small=chosen.small)
    unknown = [name for name in chosen.part if name not in every]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(every)}")
    names = chosen.part or list(every)
    if chosen.action in {"up", "install"}:
        return up(names, every, chosen.action)
    return {"down": down, "status": status, "env": env}[chosen.action](names, every)


if __name__ == "__main__":
    sys.exit(main())
