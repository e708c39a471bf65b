"""Where full outputs are kept: one file for each, readable by its owner alone.

Page and notebook hold a window of the last lines; the file has all of them, and its path stands in the output.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from nbcontainer.errors import UsageError
from nbcontainer.settings import settings

__all__ = ["Spool", "spool_folder"]

KEPT_DAYS = 7  # of files in the system's temporary directory; a folder of the person's own is theirs to clear


def spool_folder() -> Path:
    """The folder of the files: the setting, or one of the user's own in the system's temporary directory.

    Raises:
        UsageError: it cannot be made, or it belongs to somebody else.
    """
    if settings.spool_directory:
        folder = Path(settings.spool_directory).expanduser()
    else:
        owner = os.getuid() if sys.platform != "win32" else os.environ.get("USERNAME", "")
        folder = Path(tempfile.gettempdir(), f"nbcontainer-{owner}")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
    except OSError as error:
        raise UsageError(
            f"Outputs cannot be kept in {folder}: {error.strerror}.", cure="Change the setting spool_directory."
        ) from None
    foreign = sys.platform != "win32" and status.st_uid != os.getuid()
    if not settings.spool_directory and (foreign or stat.S_ISLNK(status.st_mode)):
        # anybody may make a folder of that name in /tmp
        raise UsageError(f"{folder} is not yours.", cure="Change the setting spool_directory.")
    if not settings.spool_directory:
        _remove_old(folder)
    return folder


@cache
def _remove_old(folder: Path) -> None:
    """Once in each process: logs may hold what should not lie about for ever."""
    oldest = time.time() - KEPT_DAYS * 86_400
    for path in folder.glob("*.log"):
        with suppress(OSError):  # somebody else was quicker
            if path.lstat().st_mtime < oldest:
                path.unlink()


class Spool:
    """One output's file, made on the first write. Threads may share it.

    Args:
        name: what the output is of, for the file's name.
    """

    def __init__(self, name: str) -> None:
        words = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:60]
        handle, self.path = tempfile.mkstemp(prefix=f"{words}-", suffix=".log", dir=spool_folder())
        self._file = os.fdopen(handle, "ab", buffering=256 * 1024)
        self._lock = threading.Lock()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add `data`; after `close` it is dropped.

        Raises:
            OSError: the disk is full.
        """
        with self._lock:
            if not self._file.closed:
                self._file.write(data)
                self.size += len(data)

    def flush(self) -> None:
        """Let readers of the file see all that was written."""
        with self._lock:
            if not self._file.closed:
                self._file.flush()

    def __repr__(self) -> str:
        return f"Spool({self.path!r})"

    def close(self) -> None:
        """Finish the file, which stays."""
        with self._lock:
            self._file.close()
