"""Connections through an HTTP proxy, by CONNECT."""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import threading
from urllib.parse import SplitResult, unquote, urlsplit

from nbcontainer.byte_stream import Stream, TlsStream
from nbcontainer.proxies import environment_proxy
from nbcontainer.tcp import connect

READ_BYTES = 64 * 1024


class ProxyFailed(ConnectionError):
    """A proxy cannot reach the host.

    Attributes:
        status: the HTTP status that it answered with, 0 where it accepts no connections.
    """

    def __init__(self, words: str, status: int = 0) -> None:
        super().__init__(words)
        self.status = status


def connect_tcp(host: str, port: int, *, secure: bool, timeout: float) -> socket.socket:
    """Connect to a host, by CONNECT if HTTP_PROXY or, if TLS will follow, HTTPS_PROXY names a proxy.

    docker too uses the proxy for ordinary requests, but not for those with an upgrade: attach, exec and builds.

    Raises:
        OSError: nothing answers there, or the proxy refuses.
    """
    bracketed = f"[{host}]" if ":" in host else host
    proxy = environment_proxy(f"{'https' if secure else 'http'}://{bracketed}:{port}")
    if not proxy:
        return connect((host, port), timeout)
    parts = urlsplit(proxy)
    if parts.scheme != "http":
        raise ProxyFailed(f"{_where(parts)} has a scheme that is not supported: {parts.scheme}")
    return tunnel(proxy, host, port, timeout)


def tunnel(proxy: str, host: str, port: int, timeout: float, tls: ssl.SSLContext | None = None) -> socket.socket:
    """A connection to `host` through an http or https proxy; to the latter it uses TLS.

    Args:
        proxy: its URL.
        host: the host to reach.
        port: the port there.
        timeout: seconds.
        tls: how an https proxy is verified; None for the system's authorities.

    Raises:
        ProxyFailed: it accepts no connections, or cannot reach the host.
    """
    connection = _ToProxy(urlsplit(proxy), timeout, tls)
    connection.set_tunnel(host, port, login(proxy))
    return _opened(connection, proxy)


def to_proxy(proxy: str, timeout: float) -> socket.socket:
    """A connection to an http or https proxy itself, for requests with full URLs; raises the errors of `tunnel`."""
    return _opened(_ToProxy(urlsplit(proxy), timeout), proxy)


def login(proxy: str) -> dict[str, str]:
    """The header with the name and password from the proxy's URL."""
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _opened(connection: _ToProxy, proxy: str) -> socket.socket:
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        status = re.search(r"Tunnel connection failed: (\d{3})", str(error))  # http.client has it only in the message
        what = f"{_where(urlsplit(proxy))} failed: {error}"
        raise ProxyFailed(what, int(status[1]) if status else 0) from error
    connected: socket.socket = connection.sock
    return connected


def _where(parts: SplitResult) -> str:
    return f"the proxy {parts.hostname}:{parts.port or 80}"


class _ToProxy(http.client.HTTPConnection):
    """A tunnel with TLS to the proxy: http.client has TLS only inside a tunnel."""

    def __init__(self, parts: SplitResult, timeout: float, tls: ssl.SSLContext | None = None) -> None:
        self._secure, self._tls = parts.scheme == "https", tls
        super().__init__(parts.hostname or "", parts.port or (443 if self._secure else 80), timeout=timeout)

    def connect(self) -> None:
        self.sock = connect((self.host, self.port), self.timeout)
        if self._secure:
            context = self._tls or ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        if self._tunnel_host:  # type: ignore[attr-defined] # set by `set_tunnel`
            self._tunnel()  # type: ignore[attr-defined] # as http.client's own `connect` does it


class TlsInTls(Stream):
    """TLS over a TLS connection, such as one to an https proxy; Python's ssl wraps only plain sockets."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, server_name: str) -> None:
        super().__init__(outer)
        self._outer = TlsStream(outer)
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=server_name)
        self._state, self._sending = threading.Lock(), threading.Lock()

    def handshake(self) -> None:
        """As in `TlsStream`."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
        self._flush()

    def settimeout(self, seconds: float | None) -> None:
        """As in `Stream`."""
        self._outer.settimeout(seconds)

    def when_silent(self, *arguments: object, **options: object) -> None:
        """As in `Stream`."""
        self._outer.when_silent(*arguments, **options)  # type: ignore[arg-type] # the same signature

    def readable(self, seconds: float) -> bool:
        """As in `Stream`."""
        with self._state:
            pending = bool(self._leftover) or self._tls.pending() or self._received.pending
        return bool(pending) or self._outer.readable(seconds)

    def close(self) -> None:
        """As in `Stream`."""
        self._closed = True
        self._outer.close()

    def _receive(self, size: int) -> bytes:
        while True:
            try:
                with self._state:
                    return self._tls.read(size)
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            with self._state:
                rest = rest[self._tls.write(rest) :]
            self._flush()

    def _fill(self) -> None:
        data = self._outer.recv(READ_BYTES)
        with self._state:
            if data:
                self._received.write(data)
            else:
                self._received.write_eof()

    def _flush(self) -> None:
        with self._sending:
            with self._state:
                data = self._to_send.read()
            if data:
                self._outer.sendall(data)
