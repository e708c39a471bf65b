"""Spool files: the full output of logs and commands, beside the window that page and notebook hold."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from pathlib import Path

from nbcontainer.settings import settings

__all__ = ["Spool"]


class Spool:
    """One file that takes all that a log or a command wrote; only its owner can read it.

    It stands in `settings.spool_directory`, or in a folder of the system's temporary directory. A full disk does not
    end what is spooled: `trouble` then says why the file is not whole.

    Args:
        name: a few words of which the file's name is made.

    Raises:
        OSError: the folder or the file cannot be made.
    """

    def __init__(self, name: str) -> None:
        folder = Path(settings.spool_directory).expanduser() if settings.spool_directory else _temporary_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:80] or "output"
        descriptor, path = tempfile.mkstemp(prefix=f"{stem}-", suffix=".log", dir=folder)  # mode 0600
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._lock = threading.Lock()
        self.path = path
        self.size = 0
        self.trouble = ""

    def write(self, data: bytes) -> None:
        """Append `data`. A failure is kept in `trouble`, and nothing more is written after it."""
        with self._lock:
            if self.trouble or self._file.closed:
                return
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[self._file.write(rest) or 0 :]
            except OSError as error:
                self.trouble = f"{self.path} is not whole: {error.strerror}"
            self.size += len(data) - len(rest)

    def close(self) -> None:
        """Close the file; it stays where it is."""
        with self._lock:
            self._file.close()

    def __repr__(self) -> str:
        return f"Spool({self.path!r})"


def _temporary_folder() -> Path:
    owner = os.getuid() if hasattr(os, "getuid") else ""
    folder = Path(tempfile.gettempdir()) / f"nbcontainer-{owner}"
    folder.mkdir(exist_ok=True, mode=0o700)
    if hasattr(os, "getuid") and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
        # somebody else made a folder of this name: it is not ours to trust
        return Path(tempfile.mkdtemp(prefix="nbcontainer-"))
    return folder
