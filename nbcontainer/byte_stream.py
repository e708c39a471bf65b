"""A connected byte stream, plain or TLS, that any thread can close, and that probes a silent server.

Here it is decided whether a silent server is slow or gone: the code that opens a stream passes the probe.
"""

from __future__ import annotations

import contextlib
import io
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, Self

from nbcontainer.interrupts import wait_in_steps

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SILENT_SECONDS = 5.0  # after which a silent stream's server is probed; then after twice as long, and so on
CHILD_SILENT_SECONDS = 60.0  # the same where each probe starts a child process, such as ssh
LONGEST_SECONDS = 300.0  # between two probes: an hour of silence costs a handful of requests


class Silent(ConnectionError):
    """The server has been silent for a while, and did not answer a probe."""


class Frozen(ConnectionError):
    """The connection is dead, though the server answers on others: a NAT or a proxy between has forgotten it."""


class Closable(Protocol):
    """What has a `close`."""

    def close(self) -> None:
        """Close it."""


@contextlib.contextmanager
def closed_on_error(*opened: Closable) -> Iterator[None]:
    """Close what was just opened if the block fails, even by an interrupt."""
    try:
        yield
    except BaseException:
        for one in opened:
            one.close()
        raise


class Child(Protocol):
    """The child process whose stdin and stdout form a stream."""

    def check(self) -> None:
        """Raise ConnectionError with the child's own message if it failed."""

    def end(self) -> None:
        """End it."""


class Stream:
    """A connected byte stream. One thread may read while another writes; any thread may close it.

    `close` wakes a blocked reader, and ends the child process behind the stream, if there is one.

    Attributes:
        was_reset: whether the server has closed it before it had read everything.
    """

    def __init__(self, connection: socket.socket, *, leftover: bytes = b"", child: Child | None = None) -> None:
        self._socket = connection
        self._leftover = leftover
        self._child = child
        self.was_reset = False
        self._closed = False
        self._timeout: float | None = None
        self._when_silent: Callable[[], None] | None = None
        self._patience = 0.0
        self._heard = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """How long ago the last bytes arrived, or if none have, the probe was set."""
        return time.monotonic() - self._heard

    def recv(self, size: int = 65536) -> bytes:
        """The next bytes, at most `size`; b"" at the end.

        Raises:
            OSError: the connection broke, or (TimeoutError) nothing came in time.
        """
        if self._leftover:
            data, self._leftover = self._leftover[:size], self._leftover[size:]
            return data
        try:
            data = self._receive(size)
        except ConnectionResetError:  # the child ended before it had read everything
            self.was_reset = True
            if self._child is not None and not self._closed:
                self._child.check()
            raise
        if not data and self._child is not None and not self._closed:
            self._child.check()
        self._heard = time.monotonic()
        return data

    def _receive(self, size: int) -> bytes:
        if self._when_silent is not None or threading.current_thread() is threading.main_thread():
            self._wait()
        return self._socket.recv(size)

    def when_silent(self, ask: Callable[[], None] | None, seconds: float = 0.0) -> None:
        """Call `ask` when a reader has received nothing, or a writer could send nothing, for so many seconds.

        As long as that lasts, it is called again, each time after twice as long. It may raise an OSError, which the
        reader or writer gets. The default is some seconds, or more where each probe starts a child process, such as
        ssh.
        """
        self._when_silent = ask
        self._heard = time.monotonic()
        self._patience = seconds or (SILENT_SECONDS if self._child is None else CHILD_SILENT_SECONDS)

    def _wait(self, *, writing: bool = False) -> None:
        """Wait until there is something to read, or space to write."""
        left = float("inf") if self._timeout is None else self._timeout
        patience = float("inf") if self._when_silent is None else self._patience
        while True:
            step = min(left, patience)
            if self._poll(step, writing=writing):
                return
            left -= step
            if left <= 0:
                raise TimeoutError("timed out")
            if self._when_silent is not None:
                self._when_silent()
                patience = min(2 * patience, LONGEST_SECONDS)

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`.

        Raises:
            OSError: the connection broke; for a child, with what it wrote to stderr.
        """
        try:
            self._send(data)
        except (BrokenPipeError, ConnectionResetError):
            if self._child is not None and not self._closed:
                self._child.check()
            raise

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        if self._when_silent is None or sys.platform == "win32":  # Windows has no MSG_DONTWAIT for a single call
            self._socket.sendall(data)
            return
        rest = memoryview(data).cast("B")
        while rest:
            self._wait(writing=True)
            with contextlib.suppress(BlockingIOError):
                rest = rest[self._socket.send(rest, socket.MSG_DONTWAIT) :]

    def settimeout(self, seconds: float | None) -> None:
        """How long one read or write may wait; None for no limit."""
        self._timeout = seconds
        self._socket.settimeout(seconds)

    def readable(self, seconds: float) -> bool:
        """Whether something arrives, or the connection ends, within so many seconds; nothing is read."""
        if self._leftover or self._closed:
            return True
        try:
            return self._poll(seconds)
        except ConnectionAbortedError:  # another thread has just closed it
            return True

    def fileno(self) -> int:
        """The socket's descriptor, -1 once it is closed. Do not poll it: `readable` also knows what is buffered."""
        return self._socket.fileno()

    def _poll(self, seconds: float, *, writing: bool = False) -> bool:
        """Whether it can be read, or written, within so many seconds."""

        def wait(step: float) -> bool:
            if sys.platform == "win32":
                both = [[self._socket], []]
                return any(select.select(*(reversed(both) if writing else both), [], min(step, threading.TIMEOUT_MAX)))
            return bool(poll.poll(None if step == float("inf") else step * 1000))

        try:
            if sys.platform != "win32":
                poll = select.poll()
                poll.register(self._socket, select.POLLOUT if writing else select.POLLIN)
            return wait_in_steps(wait, seconds)
        except ValueError:
            raise ConnectionAbortedError("The stream was closed.") from None

    def handshake(self) -> None:
        """Prepare the stream for sending: only TLS needs it."""

    def shutdown_write(self) -> None:
        """Close the sending direction; reading goes on."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def unread(self, data: bytes) -> None:
        """Put `data` back in front of what is still to be read."""
        self._leftover = data + self._leftover

    def makefile(self, mode: str = "rb", _buffering: int | None = None) -> io.BufferedReader:
        """A buffered reader for `http.client`. Closing it leaves the stream open."""
        if mode != "rb":
            raise ValueError(mode)
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Close it; a reader that waits in another thread gets b"" or an OSError at once."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            # the plain socket's shutdown: SSLSocket's would drop the TLS state while a reader uses it
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        self._close_socket()
        if self._child is not None:
            self._child.end()

    def _close_socket(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TlsStream(Stream):
    """TLS on a non-blocking socket: two threads must not use OpenSSL's state at the same time."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        super().__init__(connection)
        self._tls = connection
        self._lock = threading.Lock()
        connection.settimeout(0)

    def settimeout(self, seconds: float | None) -> None:
        """As in `Stream`; the socket itself never blocks."""
        self._timeout = seconds

    def handshake(self) -> None:
        """The TLS handshake, if the socket was wrapped without one; another thread may `close` it meanwhile.

        Raises:
            OSError: it failed, or took too long.
        """
        while True:
            try:
                with self._lock:
                    if self._closed:
                        raise ConnectionAbortedError("The stream was closed.")
                    return self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._wait()
            except ssl.SSLWantWriteError:
                self._wait(writing=True)

    def readable(self, seconds: float) -> bool:
        """As in `Stream`, including bytes that OpenSSL has already read from the socket."""
        with self._lock:
            pending = not self._closed and self._tls.pending()
        return bool(pending) or super().readable(seconds)

    def shutdown_write(self) -> None:
        """Send TLS's close_notify, which a Go server reads as EOF; our reading goes on."""
        with contextlib.suppress(OSError), self._lock:
            if not self._closed:
                self._tls.unwrap()

    def _receive(self, size: int) -> bytes:
        while True:
            try:
                with self._lock:
                    return b"" if self._closed else self._tls.recv(size)
            except ssl.SSLWantReadError:
                self._wait()
            except ssl.SSLWantWriteError:
                self._wait(writing=True)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            try:
                with self._lock:
                    if self._closed:
                        raise ConnectionAbortedError("The stream was closed.")
                    rest = rest[self._tls.send(rest) :]
            except ssl.SSLWantReadError:
                self._wait()
            except ssl.SSLWantWriteError:
                self._wait(writing=True)

    def _close_socket(self) -> None:
        # not while a reader or a writer is in OpenSSL, which would go on using the closed file's descriptor number
        with self._lock:
            self._socket.close()


class _Reader(io.RawIOBase):
    """The raw side of `Stream.makefile`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._stream.recv(len(view))
        view[: len(data)] = data
        return len(data)
