"""The interface of every part of the environment: install, up, down, status, env."""

from __future__ import annotations

import abc
import os
import sys
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import ClassVar


class Unavailable(Exception):
    """This machine cannot run the part; the text says why."""


class State(Enum):
    """A part's state in ``status``."""

    UP = "up"
    DOWN = "down"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Status:
    """The state of a part at this moment.

    Args:
        state: Whether it answers.
        detail: Version and address when it is up, else the reason.
    """

    state: State
    detail: str = ""

    def __bool__(self) -> bool:
        return self.state is State.UP


class Part(abc.ABC):
    """One real program that the tests talk to. All methods are idempotent."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    builds: ClassVar[bool] = False
    """Its ``install`` builds from Go modules, which takes minutes and all processors, so such parts take turns."""

    @abc.abstractmethod
    def install(self) -> None:
        """Downloads or builds what it needs, into the cache. Raises Unavailable."""

    @abc.abstractmethod
    def up(self) -> None:
        """Starts it unless it is running, and waits until it answers. Raises Unavailable or StartFailed."""

    @abc.abstractmethod
    def down(self) -> None:
        """Stops only what ``up`` started, and removes its mounts, bridges and cgroups. The cache stays."""

    @abc.abstractmethod
    def status(self) -> Status:
        """Asks the program itself, changes nothing, and takes at most a few seconds."""

    @abc.abstractmethod
    def env(self) -> dict[str, str]:
        """The variables under which clients find it."""

    def say(self, text: str) -> None:
        """Prints a progress line."""
        say(f"{self.name}: {text}")


_STARTED = time.monotonic()
_PRINTING = Lock()


def say(text: str) -> None:
    """Prints one progress line to stderr, with the seconds since the command started."""
    with _PRINTING:
        print(f"{time.monotonic() - _STARTED:7.1f}s  {text}", file=sys.stderr, flush=True)  # noqa: T201 - a command's output


CAP_SYS_ADMIN = 21


def need_root(what: str) -> None:
    """Raises Unavailable unless this process may mount file systems and create network devices."""
    capabilities = 0
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("CapEff:"):
            capabilities = int(line.split()[1], 16)
    if os.geteuid() != 0 or not capabilities >> CAP_SYS_ADMIN & 1:
        raise Unavailable(f"{what} needs root with CAP_SYS_ADMIN")
