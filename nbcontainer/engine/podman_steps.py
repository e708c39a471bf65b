"""End the command of a build step that Podman leaves running when its client has gone.

Podman cancels a build whose client closes the connection, but lets the RUN that is under way go on to its end (seen
with 4.3). Its API has no call to end it. Where the service runs on this machine, the command is found as what the
service's own child "buildah-oci-runtime" has started since the step began.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

__all__ = ["end_running_step"]

RUNTIME = b"buildah-oci-runtime"
PATIENCE = 0.6  # seconds in which a step that was about to start may show up
EARLIER = 0.5  # seconds by which the command may seem older than the word of its step: clocks are coarse


def end_running_step(address: str, started: float) -> bool:
    """Kill the command of the build step that began at `started`, if the Podman service at `address` is a local one.

    Args:
        address: the service's address.
        started: when the step began, in seconds since the epoch.

    Returns:
        Whether a command was killed.
    """
    if not (address.startswith("unix://") and sys.platform == "linux"):
        return False
    service = _peer(address.removeprefix("unix://"))
    end = time.monotonic() + PATIENCE
    while service:
        commands = [found for found in _commands(service) if found[0] >= started - EARLIER]
        if commands:
            with contextlib.suppress(OSError):
                os.kill(min(commands)[1], signal.SIGKILL)  # as the first of its PID namespace it takes all others along
                return True
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    return False


def _peer(path: str) -> int:
    """The process that listens on a unix socket, 0 where it is gone."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.settimeout(1)
            connection.connect(path)
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return 0
    pid: int = struct.unpack("3i", raw)[0]
    return pid


def _commands(service: int) -> list[tuple[float, int]]:
    """(start time, process) of what the service's build steps run."""
    parents: dict[int, int] = {}
    starts: dict[int, float] = {}
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    ticks = os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                starts[int(entry.name)] = boot + int(fields[19]) / ticks
    return [
        (starts[pid], pid)
        for pid, parent in parents.items()
        if _is_runtime(parent) and _descends(parent, service, parents)
    ]


def _is_runtime(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(RUNTIME)
    except OSError:
        return False


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = parents.get(pid, 0)
    return False
