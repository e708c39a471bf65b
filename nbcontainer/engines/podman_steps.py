"""End the command of a build step that Podman leaves running when its client has gone.

Podman cancels a build whose client closes the connection, but lets the current RUN go on to its end (seen with 4.3).
Its API has no call to end it. So each of our builds gives its steps a resource limit with a value that no other build
has; where the service runs on this machine, the processes with that limit are ours to kill.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# setrlimit(2): the CPU time, in microseconds, of a process with real-time scheduling. Years of it limit nothing.
LIMIT = "rttime"
LIMIT_IN_PROC = "Max realtime timeout"  # proc_pid_limits(5)
LEAST, RANGE = 2**50, 2**50
PATIENCE = 0.6  # seconds to wait for a step that is about to start


class StepMark:
    """What identifies the processes of one build's steps, for an engine on this machine.

    Attributes:
        ulimit: what to add to the build's `ulimits`, or "" where its steps cannot be marked.
    """

    def __init__(self, address: str, ulimits: Sequence[str] = ()) -> None:
        """Make a mark for a build by the Podman service at `address`, unless the user's `ulimits` set that limit."""
        self._value = LEAST + secrets.randbelow(RANGE)
        taken = any(text.partition("=")[0].strip() == LIMIT for text in ulimits)
        local = address.startswith("unix://") and sys.platform == "linux"
        self.ulimit = f"{LIMIT}={self._value}:{self._value}" if local and not taken else ""

    def end_running_step(self) -> bool:
        """Kill what the build's step is running, or starts within a moment; returns whether there was anything."""
        end = time.monotonic() + PATIENCE
        while self.ulimit:
            ended = [pid for pid in self._processes() if _kill(pid)]
            if ended:
                return True
            if time.monotonic() > end:
                break
            time.sleep(0.05)
        return False

    def _processes(self) -> Iterator[int]:
        limit = str(self._value).encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    lines = (entry / "limits").read_bytes().splitlines()
                    if any(line.startswith(LIMIT_IN_PROC.encode()) and limit in line.split() for line in lines):
                        yield int(entry.name)


def _kill(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
