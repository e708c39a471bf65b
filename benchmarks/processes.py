"""What a running process has used, as Linux counts it in /proc: with all its threads, without its children."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_USER_TIME = 11  # of the fields after the program's name, which may contain spaces; the next one is the system time


def cpu_seconds(pid: int) -> float:
    """CPU time of the process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[_USER_TIME : _USER_TIME + 2])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Its memory now, in bytes."""
    return _status(pid, "VmRSS:")


def peak_memory(pid: int) -> int:
    """Its peak memory since the start, or since `forget_peak`, in bytes."""
    return _status(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    """Let the peak begin at the memory that it uses now."""
    with contextlib.suppress(OSError):  # not allowed: the peak is then that of its whole life
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0
