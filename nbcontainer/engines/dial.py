"""A byte stream to a daemon: unix socket, tcp, TLS, ssh, a child's stdin and stdout, the Engine's HTTP upgrade.

Everything here raises OSError (mostly ConnectionError) with a sentence that a person can read; which engine is meant,
and what to do about it, is said by `nbcontainer.engines.connection`.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from nbcontainer.engines.proxy_tunnel import connect_tcp
from nbcontainer.errors import Unsupported, UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Silent", "Stream", "Tls", "UpgradeRefused", "dial", "dial_command", "upgrade"]

CONNECT_SECONDS = 5.0
SILENT_SECONDS = 5.0  # after which a stream's engine is asked whether it is there
CHILD_SILENT_SECONDS = 60.0  # the same where asking takes a child of its own, such as ssh
CHILD_ENDS_SECONDS = 0.5  # how long an ended stream waits for its child's exit code, and a closed one for its child
HEADER_BYTES = 64 * 1024
STDERR_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS files of a tcp:// engine, named as docker names them.

    Attributes:
        folder: holds ca.pem, cert.pem and key.pem; each may be missing.
        verify: whether the engine's certificate is checked.
    """

    folder: Path | None = None
    verify: bool = True

    def flags(self) -> tuple[str, ...]:
        """The same as flags of docker's client."""
        names = {"--tlscacert": "ca.pem", "--tlscert": "cert.pem", "--tlskey": "key.pem"}
        files = {flag: self.folder / name for flag, name in names.items()} if self.folder else {}
        here = [f"{flag}={path.absolute()}" for flag, path in files.items() if path.is_file()]
        return ("--tlsverify" if self.verify else "--tls", *here)

    def context(self) -> ssl.SSLContext:
        """The client's side of TLS.

        Raises:
            OSError: a file cannot be read, or is no certificate or key.
        """
        context = ssl.create_default_context()
        files = {name: self.folder / name for name in ("ca.pem", "cert.pem", "key.pem")} if self.folder else {}
        here = {name: str(path) for name, path in files.items() if path.is_file()}
        if self.verify and "ca.pem" in here:
            context = ssl.create_default_context(cafile=here["ca.pem"])
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if "cert.pem" in here and "key.pem" in here:
            context.load_cert_chain(here["cert.pem"], here["key.pem"], password=_no_password)
        return context


def _no_password() -> str:
    """Called for a key that is encrypted; else OpenSSL would ask the terminal, and wait."""
    raise OSError("key.pem is encrypted, which docker does not take either")


class UpgradeRefused(ConnectionError):
    """The far end answered an upgrade with an ordinary reply.

    Attributes:
        status: the reply's HTTP status.
        body: the beginning of what it said.
    """

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        super().__init__(f"The upgrade was refused with HTTP {status}.")


class Silent(ConnectionError):
    """The far end has been silent for a while, and no sign of life could be had from it."""


class Stream:
    """A connected byte stream. One thread may read while another writes; any thread may close it.

    `close` wakes a blocked reader, and ends the child process behind the stream, if there is one.
    """

    def __init__(self, connection: socket.socket, *, leftover: bytes = b"", child: _Child | None = None) -> None:
        self._socket = connection
        self._leftover = leftover
        self._child = child
        self._closed = False
        self._timeout: float | None = None
        self._when_silent: Callable[[], None] | None = None
        self._patience = 0.0

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
        except ConnectionResetError:  # the child ended before it had read all
            if self._child is not None and not self._closed:
                self._child.check()
            raise
        if not data and self._child is not None and not self._closed:
            self._child.check()
        return data

    def _receive(self, size: int) -> bytes:
        if self._when_silent is not None:
            self._wait()
        return self._socket.recv(size)

    def when_silent(self, ask: Callable[[], None] | None, seconds: float = 0.0) -> None:
        """Have `ask` called whenever a reader has heard nothing, or a writer got rid of nothing, for so long.

        It may raise an OSError, which they get. Without `seconds` it is some seconds; more where asking takes a child
        of its own, such as ssh.
        """
        self._when_silent = ask
        self._patience = seconds or (SILENT_SECONDS if self._child is None else CHILD_SILENT_SECONDS)

    def _wait(self, *, writing: bool = False) -> None:
        """Wait until there is something to read, or room to write."""
        left = float("inf") if self._timeout is None else self._timeout
        patience = float("inf") if self._when_silent is None else self._patience
        while True:
            step = min(left, patience)
            if self._poll(None if step == float("inf") else step, writing=writing):
                return
            left -= step
            if left <= 0:
                raise TimeoutError("timed out")
            if self._when_silent is not None:
                self._when_silent()

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`.

        Raises:
            OSError: the connection broke; for a child it says what the child wrote to its standard error.
        """
        try:
            self._send(data)
        except (BrokenPipeError, ConnectionResetError):
            if self._child is not None and not self._closed:
                self._child.check()
            raise

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        if self._when_silent is None or sys.platform == "win32":  # where no single call can be told not to wait
            self._socket.sendall(data)
            return
        rest = memoryview(data).cast("B")
        while rest:
            self._wait(writing=True)
            with contextlib.suppress(BlockingIOError):
                rest = rest[self._socket.send(rest, socket.MSG_DONTWAIT) :]

    def settimeout(self, seconds: float | None) -> None:
        """How long one read or write may wait; None for ever."""
        self._timeout = seconds
        self._socket.settimeout(seconds)

    def readable(self, seconds: float) -> bool:
        """Whether something came, or the connection ended, within so many seconds; nothing is read."""
        if self._leftover or self._closed:
            return True
        try:
            return self._poll(seconds)
        except ConnectionAbortedError:  # another thread has just closed it
            return True

    def fileno(self) -> int:
        """The socket's descriptor, -1 once it is closed. `readable` knows better whether there is something to read."""
        return self._socket.fileno()

    def _poll(self, seconds: float | None, *, writing: bool = False) -> bool:
        """Whether it can be read, or written, within so many seconds."""
        try:
            if sys.platform == "win32":
                both = [[self._socket], []]
                return any(select.select(*(reversed(both) if writing else both), [], seconds))
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT if writing else select.POLLIN)
        except ValueError:
            raise ConnectionAbortedError("The stream was closed.") from None
        return bool(poll.poll(None if seconds is None else seconds * 1000))

    def shutdown_write(self) -> None:
        """Say that nothing more will be sent; reading goes on."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def unread(self, data: bytes) -> None:
        """Put `data` back in front of what is still to be read."""
        self._leftover = data + self._leftover

    def makefile(self, mode: str = "rb", _buffering: int | None = None) -> io.BufferedReader:
        """A buffered reader, as `http.client` wants one. Closing it leaves the stream open."""
        if mode != "rb":
            raise ValueError(mode)
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Close it; a reader that waits in another thread gets b"" or an OSError at once."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            # the plain socket's shutdown: that of SSLSocket would pull the TLS state from under a reader
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


class _TlsStream(Stream):
    """TLS on a socket that never blocks: OpenSSL's state is not to be touched by two threads at a time."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        super().__init__(connection)
        self._tls = connection
        self._lock = threading.Lock()
        connection.settimeout(0)

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    def readable(self, seconds: float) -> bool:
        """As `Stream` has it; what OpenSSL holds already, the socket does not show."""
        with self._lock:
            pending = not self._closed and self._tls.pending()
        return bool(pending) or super().readable(seconds)

    def shutdown_write(self) -> None:
        """Send TLS's close_notify, which Go's side takes for the end of what it reads; reading goes on."""
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
        # not while a reader or a writer is in OpenSSL, which would go on with the number of the closed file
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


class _Child:
    """A child process whose stdin and stdout are a stream."""

    def __init__(self, command: Sequence[str], process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._command, self._process, self._errors = tuple(command), process, errors

    def check(self) -> None:
        """Raise ConnectionError with the child's own words if it ended badly."""
        try:
            code = self._process.wait(CHILD_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            return
        if code:
            raise ConnectionError(f"`{' '.join(self._command)}` ended with code {code}: {self._said() or 'no message'}")

    def _said(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - STDERR_BYTES))
            lines = self._errors.read().decode("utf-8", "replace").split("\n")
            return "; ".join(line.strip() for line in lines if line.strip())
        return ""

    def end(self) -> None:
        """End the child; it is collected by a thread if it takes its time."""
        self._errors.close()
        if self._process.poll() is None:
            self._process.terminate()
            threading.Thread(target=self._collect, daemon=True, name="nbcontainer: end of a child").start()

    def _collect(self) -> None:
        try:
            self._process.wait(CHILD_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def dial(
    address: str, *, tls: Tls | None = None, timeout: float = CONNECT_SECONDS, through_proxy: bool = False
) -> Stream:
    """Connect to an engine's address: unix://, tcp://, https:// or ssh://.

    Args:
        address: as DOCKER_HOST has it; a bare path is a unix socket.
        tls: for tcp:// with TLS.
        timeout: seconds for the connection, TLS's handshake included. ssh connects later, while it is first used.
        through_proxy: whether the environment's proxy is used for tcp. docker does for engines, not for builders.

    Raises:
        OSError: nothing answers there.
        Unsupported: a Windows named pipe.
        UsageError: no address that an engine can have.
    """
    if address.startswith("/"):
        address = f"unix://{address}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{address!r} is no engine address: {error}.") from None
    match parts.scheme:
        case "unix":
            return Stream(_connect_unix(address.removeprefix("unix://"), timeout))
        case "tcp" | "http" | "https":
            secure = tls is not None or parts.scheme == "https"
            if not parts.hostname:
                raise UsageError(f"{address!r} names no host.", cure="An engine's address looks like tcp://host:2375.")
            place = (parts.hostname, port or (2376 if secure else 2375))
            connection = (
                connect_tcp(*place, secure=secure, timeout=timeout)
                if through_proxy
                else socket.create_connection(place, timeout)
            )
            return _with_tls(connection, parts.hostname, tls or Tls()) if secure else _plain(connection)
        case "ssh":
            return dial_command(ssh_command(address, timeout))
        case "npipe":
            raise Unsupported(
                "Windows named pipes",
                "nbcontainer",
                cure="Let Docker Desktop listen on tcp://127.0.0.1:2375 and set DOCKER_HOST to it, or work in WSL.",
            )
    raise UsageError(
        f"{address!r} is no engine address.",
        cure="An address looks like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host.",
    )


def _connect_unix(path: str, timeout: float) -> socket.socket:
    if sys.platform == "win32":  # whose Python has no such sockets
        raise Unsupported("Unix sockets", "Python on Windows", cure="Set DOCKER_HOST to tcp://…, or work in WSL.")
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(path)
        connection.settimeout(None)
    except BaseException:
        connection.close()
        raise
    return connection


def _plain(connection: socket.socket) -> Stream:
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Stream(connection)


def _with_tls(connection: socket.socket, host: str, tls: Tls) -> Stream:
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return _TlsStream(tls.context().wrap_socket(connection, server_hostname=host))
    except BaseException:
        connection.close()
        raise


def ssh_command(address: str, timeout: float = CONNECT_SECONDS) -> list[str]:
    """The ssh command for an ssh:// address, with docker's own words and options (docker/cli, cli/connhelper).

    Raises:
        UsageError: no host, a password, or a query.
    """
    parts = urlsplit(address)
    if not parts.hostname or parts.password is not None or parts.query or parts.fragment:
        raise UsageError(
            "An ssh engine address is ssh://[user@]host[:port], with no password in it.",
            cure="Let ssh find its key in ~/.ssh or in an agent.",
        )
    command = ["ssh", "-o", f"ConnectTimeout={max(1, round(timeout))}", "-T"]
    if parts.username:
        command += ["-l", unquote(parts.username)]
    if parts.port:
        command += ["-p", str(parts.port)]
    command += ["--", parts.hostname, "docker"]
    if parts.path not in ("", "/"):
        command += ["--host", f"unix://{parts.path}"]
    return [*command, "system", "dial-stdio"]


def dial_command(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Stream:
    """A stream to the stdin and stdout of a child process, which ends with the stream.

    The child is in a session of its own, so that a Ctrl-C for the kernel does not reach it.

    Raises:
        OSError: the program cannot be started.
        Unsupported: on Windows, where a child's stdin and stdout cannot be one socket.
    """
    if sys.platform == "win32":
        raise Unsupported("ssh and dial-stdio connections", "nbcontainer on Windows", cure="Work in WSL.")
    ours, theirs = socket.socketpair()
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child does
    try:
        process = subprocess.Popen(
            list(command),
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=errors,
            env=None if environment is None else {**os.environ, **environment},
            start_new_session=True,
        )
    except FileNotFoundError:
        ours.close()
        errors.close()
        raise ConnectionError(f"{command[0]} is not installed, and this connection needs it.") from None
    except BaseException:
        ours.close()
        errors.close()
        raise
    finally:
        theirs.close()
    return Stream(ours, child=_Child(command, process, errors))


def upgrade(
    stream: Stream,
    path: str,
    *,
    protocol: str = "h2c",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout: float | None = CONNECT_SECONDS,
) -> dict[str, str]:
    """Turn an HTTP/1.1 connection into a raw one; what came after the reply's headers stays in the stream.

    `POST /grpc` and `POST /session` with protocol "h2c" are the Engine's ways to BuildKit, "tcp" is for attach and
    exec. Docker's reply is 101, or for older calls 200 and raw bytes.

    Returns:
        the reply's headers, their names in lower case.

    Raises:
        UpgradeRefused: the far end answered, but not with an upgrade.
        OSError: the connection broke, or nothing came in `timeout` seconds.
    """
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: docker",
        "Connection: Upgrade",
        f"Upgrade: {protocol}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise UsageError("A line break in the address of a call.")
    stream.settimeout(timeout)
    stream.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    status, reply, rest = _read_head(stream, timeout)
    raw = reply.get("content-type", "").startswith("application/vnd.docker.") and "content-length" not in reply
    if status != 101 and not (status == 200 and protocol == "tcp" and raw):  # noqa: PLR2004 - HTTP's numbers
        with contextlib.suppress(OSError):
            if not rest:
                stream.settimeout(1)
                rest = stream.recv(HEADER_BYTES)
        raise UpgradeRefused(status, rest)
    stream.unread(rest)
    stream.settimeout(None)
    return reply


def _read_head(stream: Stream, timeout: float | None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers, and the bytes after them."""
    deadline = None if timeout is None else time.monotonic() + timeout
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv()
        if not more:
            raise ConnectionError("The connection was closed before a reply came.")
        data += more
        if len(data) > HEADER_BYTES or not data.startswith(b"HTTP/"[: len(data)]):
            raise ConnectionError("What answers there does not speak HTTP.")
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError("timed out")
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 - version and status
        raise ConnectionError("What answers there does not speak HTTP.")
    pairs = (line.partition(":") for line in lines)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}, rest
