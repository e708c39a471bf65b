"""A small disk: a file system in memory that is soon full."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int, *, files: int = 0) -> Iterator[Path]:
    """Mount one at `folder` with limited space and number of `files`; skips if mounting is not allowed."""
    folder.mkdir(parents=True)
    options = f"size={kilobytes}k" + (f",nr_inodes={files}" if files else "")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip() or os.getuid()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
