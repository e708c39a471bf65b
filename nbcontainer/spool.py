"""Where full outputs are kept: one file for each, readable only by its owner.

Page and notebook hold a window of the last lines; the file has all of them, and its path is shown in the output.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from nbcontainer.errors import UsageError
from nbcontainer.settings import settings

BUFFER_BYTES = 256 * 1024
KEPT_DAYS = 7  # in the system's temporary directory; a folder that the user has set is never cleared


def spool_folder() -> Path:
    """The folder of the files: the setting, or one for this user in the system's temporary directory.

    Raises:
        UsageError: it cannot be created, or it belongs to somebody else.
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
        # anybody may create a folder of that name in /tmp
        raise UsageError(f"{folder} belongs to another user.", cure="Change the setting spool_directory.")
    if not settings.spool_directory:
        _remove_old(folder)
    return folder


@cache
def _remove_old(folder: Path) -> None:
    """Once in each process: logs may contain what should not be kept forever."""
    oldest = time.time() - KEPT_DAYS * 86_400
    for path in (*folder.glob("*.log"), *folder.glob("*.log.index")):
        with suppress(OSError):  # another process was faster
            if path.lstat().st_mtime < oldest:
                path.unlink()


class Spool:
    """One output's file. Threads may share it.

    A command's outcome does not depend on its file, so nothing here raises: if the file cannot be created, or the disk
    is full, what was written is kept, the rest is dropped, and a note says so, once.

    Args:
        name: the output's source, for the file's name.
        path: the file itself; "" for none.

    Attributes:
        path: the file's, "" where it could not be made.
        whole: whether the file has all that was written and flushed.
    """

    def __init__(self, name: str, *, path: str | None = None) -> None:
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._bytes = self._lines = 0  # in the file
        self._note = ""
        self._report: Callable[[str], object] | None = None
        self.path = ""
        words = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:60]
        try:
            if path is None:
                handle, self.path = tempfile.mkstemp(prefix=f"{words}-", suffix=".log", dir=spool_folder())
                self._file = os.fdopen(handle, "ab", buffering=0)
            elif path:
                self._file = Path(path).open("xb", buffering=0)  # noqa: SIM115 - closed by `close`
                Path(path).chmod(0o600)
                self.path = path
        except UsageError as error:
            self._note = f"{error.message} {error.cure}"
        except OSError as error:
            self._note = f"The output is not kept in a file: {_reason(error)}."

    def beside(self, suffix: str) -> Spool:
        """Another file, whose path is this one's with `suffix`; where this one could not be made, neither can it."""
        return Spool(suffix, path=f"{self.path}{suffix}" if self.path else "")

    @property
    def whole(self) -> bool:
        """Whether the file has all of the output so far."""
        return not self._note

    def when_cut(self, report: Callable[[str], object]) -> None:
        """Call `report` with the note once the file cannot be written any further (at once, if it already cannot)."""
        with self._lock:
            self._report = report
            note = self._note
        if note:
            report(note)

    def write(self, data: bytes) -> None:
        """Add `data`; after `close`, or once the file is incomplete, it is dropped."""
        with self._lock:
            if self._file is None or self._note:
                return
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            cut = self._waiting_bytes >= BUFFER_BYTES and not self._flush()
        if cut:
            self._say()

    def flush(self) -> None:
        """Let readers of the file see all that was written."""
        with self._lock:
            cut = not self._flush()
        if cut:
            self._say()

    def close(self) -> None:
        """Finish the file, which is kept."""
        with self._lock:
            cut = not self._flush()
            file, self._file = self._file, None
            try:
                if file is not None:
                    file.close()
            except OSError as error:  # some file systems write only now
                cut = self.whole
                self._note = self._note or f"{self.path} may be incomplete: {_reason(error)}"
        if cut:
            self._say()

    def _flush(self) -> bool:
        """Write the buffered data; False if the file could not take all of it. The caller holds the lock."""
        if self._file is None or not self._waiting:
            return True
        rest = memoryview(b"".join(self._waiting))
        self._waiting, self._waiting_bytes = [], 0
        try:
            while rest:
                size = self._file.write(rest) or 0
                self._bytes += size
                self._lines += bytes(rest[:size]).count(b"\n")
                rest = rest[size:]
        except OSError as error:
            held = f"{self._lines:,} lines" if self._lines != 1 else "line"
            held = held if self._lines else f"{self._bytes:,} bytes"
            self._note = f"{self.path} is incomplete, it has the first {held}: {_reason(error)}"
            return False
        return True

    def _say(self) -> None:
        if self._report is not None:
            self._report(self._note)

    def __repr__(self) -> str:
        return f"Spool({self.path!r})"


def _reason(error: OSError) -> str:
    reasons = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is exceeded",
        errno.EFBIG: "the file has reached the size limit",
    }
    return reasons.get(error.errno or 0) or error.strerror or str(error)
