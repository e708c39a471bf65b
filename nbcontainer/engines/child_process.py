"""A stream to the stdin and stdout of a child process, such as ssh or docker's dial-stdio."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import IO

from nbcontainer.byte_stream import Stream, closed_on_error
from nbcontainer.errors import Unsupported

ENDS_SECONDS = 0.5  # how long to wait for the exit code after the stream's end, and for the child's end after a close
STDERR_BYTES = 2000


class _Child:
    """A child process whose stdin and stdout are a stream."""

    def __init__(self, command: Sequence[str], process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._command, self._process, self._errors = tuple(command), process, errors

    def check(self) -> None:
        """Raise ConnectionError with the child's own message if it failed."""
        try:
            code = self._process.wait(ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            return
        if code:
            said = self._stderr() or "no message"
            raise ConnectionError(f"`{' '.join(self._command)}` ended with code {code}: {said}")

    def _stderr(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - STDERR_BYTES))
            lines = self._errors.read().decode("utf-8", "replace").split("\n")
            return "; ".join(line.strip() for line in lines if line.strip())
        return ""

    def end(self) -> None:
        """Terminate the child; a thread reaps it, and kills it if it takes too long."""
        self._errors.close()
        if self._process.poll() is None:
            self._process.terminate()
            threading.Thread(target=self._reap, daemon=True, name="nbcontainer: end of a child").start()

    def _reap(self) -> None:
        try:
            self._process.wait(ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def dial_command(command: Sequence[str]) -> Stream:
    """A stream to the stdin and stdout of a child process, which ends with the stream.

    The child is in a session of its own, so that a Ctrl-C for the kernel does not reach it.

    Raises:
        OSError: the program cannot be started.
        Unsupported: on Windows, where a child's stdin and stdout cannot be one socket.
    """
    if sys.platform == "win32":
        raise Unsupported("ssh and dial-stdio connections", "nbcontainer on Windows", cure="Work in WSL.")
    ours, theirs = socket.socketpair()
    # a file, not a pipe: nothing reads it meanwhile, and a full pipe would block the child
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child does
    with theirs, closed_on_error(ours, errors):
        try:
            process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=errors, start_new_session=True
            )
        except FileNotFoundError:
            raise ConnectionError(f"{command[0]} is not installed, and this connection needs it.") from None
    return Stream(ours, child=_Child(command, process, errors))
