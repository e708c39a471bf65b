"""HTTP to an API server, on the thread that calls, by the standard library alone.

All calls but those that go on (`client` has the watches, logs and WebSockets) are made here: what credentials are sent,
when they are read again, which connections are kept, and whether an API server that is silent is slow or gone. A
kernel's first table must not wait for aiohttp to load.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbcontainer.byte_stream import Stream, TlsStream
from nbcontainer.clusters.authentication import tls_context
from nbcontainer.errors import ClusterUnavailable
from nbcontainer.http1 import Connection, IdleConnections
from nbcontainer.proxy_tunnel import TlsInTls, login, to_proxy, tunnel
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.clusters.authentication import Headers
    from nbcontainer.clusters.connection import Cluster, Link
    from nbcontainer.clusters.kubeconfig import Access

__all__ = ["BROKEN", "Cancellation", "Http", "Reply", "proxy_of"]

LOG = logging.getLogger(__name__)
BROKEN = (OSError, http.client.HTTPException)  # TLS errors and time limits are OSErrors
IDLE_CONNECTIONS = 10
IDLE_SECONDS = 80.0  # the API server closes idle connections after 90
READ_SECONDS = 60.0  # the API server ends ordinary calls after 60
PROBE = "/version"  # answered from memory, to anybody
GZIP = 16 + zlib.MAX_WBITS
UNAUTHORIZED = 401

Identity = tuple["Access", str, bytes, bytes]  # whose a connection is: with the proxy, the certificate and its key


class Cancellation:
    """Ends a call from another thread: its connection is closed, and a plugin that runs for it is ended."""

    def __init__(self) -> None:
        self.given_up = threading.Event()
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def watch(self, connection: Connection | None) -> None:
        """Say which connection the call waits for; None once it is over, as others may have the connection then."""
        with self._lock:
            self._connection = connection
            if connection is not None and self.given_up.is_set():
                connection.close()

    def cancel(self) -> None:
        """End the call."""
        self.given_up.set()
        with self._lock:
            if self._connection is not None:
                self._connection.close()


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent; `path` is relative to the API server's own."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes | None = None
    seconds: float = 0.0
    goes_on: bool = False

    @property
    def limit(self) -> float | None:
        """How many seconds nothing may come; None for ever, from an API server that shows that it is there."""
        return self.seconds or (None if self.goes_on else READ_SECONDS)


class Reply:
    """A reply whose head has come.

    Attributes:
        raw: http.client's reply, to be read or closed.
    """

    def __init__(
        self, home: Http, connection: Connection, raw: http.client.HTTPResponse, cancellation: Cancellation
    ) -> None:
        self.raw, self.connection, self._home, self._cancellation = raw, connection, home, cancellation

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.raw.status

    def read(self) -> bytes:
        """All of it; the connection is kept for the next call.

        Raises:
            OSError, http.client.HTTPException: the connection broke.
        """
        try:
            text = self.raw.read()
        except BaseException:
            self.connection.close()
            raise
        self.release()
        return zlib.decompress(text, GZIP) if self.raw.headers.get("Content-Encoding") == "gzip" else text

    def release(self) -> None:
        """Keep the connection of a reply that has been read; close that of another."""
        self._cancellation.watch(None)
        if self.raw.isclosed() and not self.raw.will_close:
            self._home.keep(self.connection)
        else:
            self.connection.close()


class _AskElsewhere(Exception):
    """An API server is there, and has not answered on a connection that was kept: perhaps that one leads nowhere."""


class Http:
    """The calls to one context's API server."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._idle = IdleConnections[Connection](IDLE_CONNECTIONS, IDLE_SECONDS)
        self._tls: ssl.SSLContext | None = None
        self._tls_for: Identity | None = None
        self._probing = threading.Lock()
        self._failure: ClusterUnavailable | None = None  # of the last probe
        self._probed = 0.0  # when it ended, of `time.monotonic`
        self._probe = Cancellation()  # what ends the one that runs

    def send(
        self,
        cluster: Cluster,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        body: bytes | None = None,
        seconds: float = 0.0,
        cancellation: Cancellation | None = None,
    ) -> tuple[int, bytes]:
        """Call the API server; give its HTTP status and what it said, refusals included. As `open`."""
        encoding = "gzip" if cluster.compresses else "identity"
        whole = (("User-Agent", "nbcontainer"), ("Accept-Encoding", encoding), *headers.items())
        limit = seconds or READ_SECONDS
        reply = self.open(cluster, method, path, headers=whole, body=body, seconds=seconds, cancellation=cancellation)
        try:
            return reply.status, reply.read()
        except BROKEN as error:
            raise cluster.unavailable(error, limit) from error

    def open(
        self,
        cluster: Cluster,
        method: str,
        path: str,
        *,
        headers: Headers,
        body: bytes | None = None,
        seconds: float = 0.0,
        goes_on: bool = False,
        cancellation: Cancellation | None = None,
    ) -> Reply:
        """Call the API server; give its reply, whatever it is. Credentials that it does not accept are read again once.

        Args:
            cluster: whose call it is.
            method: the HTTP method.
            path: the URL's path with its query.
            headers: beside those that prove who one is.
            body: what is sent.
            seconds: that it may be silent; connecting has the setting connect_timeout, or this if it is less. 0: as
                long as an API server that is there may take, which shows that it is there whenever nothing has come
                within connect_timeout.
            goes_on: whether its reply may go on, as a watch does: then it may be silent for as long as it likes.
            cancellation: what may end it.

        Raises:
            ClusterUnavailable: it does not answer.
        """
        cancellation = cancellation or Cancellation()
        for is_last_try in (False, True):
            own = self._link.credentials.headers(cancellation.given_up)
            if cancellation.given_up.is_set():
                raise cluster.unavailable(ConnectionAbortedError(0, "it was cancelled"))
            request = _Request(method, path, (*headers, *own), body, seconds, goes_on)
            reply = self._answer(cluster, request, cancellation)
            if reply.status != UNAUTHORIZED or is_last_try:
                break
            reply.connection.close()
            self._link.refresh()
        return reply

    def keep(self, connection: Connection) -> None:
        """Keep a connection for the next call."""
        connection.stream.when_silent(None)
        self._idle.keep(connection)

    def close(self) -> None:
        """End the connections that are kept, and a probe that runs."""
        self._probe.cancel()
        self._idle.close()

    def connect(self, cluster: Cluster) -> None:
        """Open a connection for the next call, if there is none."""
        if not self._idle:
            self._link.credentials.headers()  # an exec plugin may give a certificate
            self.keep(self._open(cluster, settings.connect_timeout, Cancellation()))

    def probe(self, cluster: Cluster) -> None:
        """Ask the API server for a sign of life, on a connection of its own; those who ask at once share the answer.

        Raises:
            ClusterUnavailable: there is none within connect_timeout.
        """
        asked = time.monotonic()
        with self._probing:
            if self._probed < asked:
                self._failure = self._ask(cluster)
                self._probed = time.monotonic()
            failure = self._failure
        if failure is not None:
            raise copy(failure)

    def is_known_to_be_there(self, seconds: float) -> bool:
        """Whether the last probe was answered, and no longer than so many seconds ago."""
        return self._failure is None and time.monotonic() - self._probed < seconds

    def _ask(self, cluster: Cluster) -> ClusterUnavailable | None:
        self._probe = Cancellation()
        try:
            connection = self._open(cluster, settings.connect_timeout, self._probe)
        except ClusterUnavailable as error:
            return error
        try:
            reply = _exchange(cluster, connection, _Request("GET", PROBE))  # a refusal is an answer, too
            Reply(self, connection, reply, self._probe).read()
        except BROKEN as error:
            connection.close()
            return cluster.unavailable(error)
        except BaseException:
            connection.close()
            raise
        return None

    def _answer(self, cluster: Cluster, request: _Request, cancellation: Cancellation) -> Reply:
        seconds = request.seconds
        connection = self._idle.take(self._identity(cluster)) or self._open(cluster, seconds, cancellation)
        while True:
            cancellation.watch(connection)
            connection.stream.settimeout(request.limit)
            if not seconds:
                connection.stream.when_silent(
                    self._asking(cluster, request.method, connection), settings.connect_timeout
                )
            try:
                raw = _exchange(cluster, connection, request)
            except BROKEN as error:
                connection.close()
                if not connection.is_used_again or isinstance(error, TimeoutError) or cancellation.given_up.is_set():
                    raise cluster.unavailable(error, seconds or READ_SECONDS) from error
                connection = self._open(
                    cluster, seconds, cancellation
                )  # the API server closed that one while it was idle
            except _AskElsewhere:
                connection.close()
                connection = self._open(cluster, seconds, cancellation)
            except BaseException:  # Ctrl-C: what comes next on it would be this call's answer
                connection.close()
                raise
            else:
                if not seconds:
                    connection.stream.when_silent(partial(self.probe, cluster), settings.connect_timeout)
                return Reply(self, connection, raw, cancellation)

    def _asking(self, cluster: Cluster, method: str, connection: Connection) -> Callable[[], None]:
        def ask() -> None:
            self.probe(cluster)
            if connection.is_used_again and method == "GET":
                raise _AskElsewhere

        return ask

    def _identity(self, cluster: Cluster) -> Identity:
        credentials = self._link.credentials
        return self._link.access, cluster.proxy, credentials.client_certificate, credentials.client_key

    def _open(self, cluster: Cluster, seconds: float, cancellation: Cancellation) -> Connection:
        limit = min(seconds or READ_SECONDS, settings.connect_timeout)
        identity = self._identity(cluster)
        if self._tls_for != identity:
            access, _, certificate, key = identity
            self._tls = tls_context(access, certificate, key)
            self._tls_for = identity
        try:
            stream = _connect(cluster, self._tls, limit)
            connection = Connection(stream, urlsplit(cluster.server).netloc, identity)
            cancellation.watch(connection)
            try:
                stream.settimeout(limit)
                stream.handshake()
            except BaseException:
                connection.close()
                raise
        except BROKEN as error:
            raise cluster.unavailable(error, limit) from error
        return connection


def _connect(cluster: Cluster, tls: ssl.SSLContext | None, seconds: float) -> Stream:
    """A connection on which TLS's handshake, if it is TLS, is still to come."""
    parts = urlsplit(cluster.server)
    host, port = parts.hostname or "", parts.port or (443 if tls else 80)
    proxy = proxy_of(cluster)
    if not proxy:
        connection = socket.create_connection((host, port), seconds)
    else:
        connection = tunnel(proxy, host, port, seconds, tls) if tls else to_proxy(proxy, seconds)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is None:
            return TlsStream(connection) if isinstance(connection, ssl.SSLSocket) else Stream(connection)
        name = cluster.link.access.tls_server_name or host
        if isinstance(connection, ssl.SSLSocket):
            return TlsInTls(connection, tls, name)
        return TlsStream(tls.wrap_socket(connection, server_hostname=name, do_handshake_on_connect=False))
    except BaseException:
        connection.close()
        raise


def _exchange(cluster: Cluster, connection: Connection, request: _Request) -> http.client.HTTPResponse:
    """Send a request, and read its reply's head."""
    target, headers = urlsplit(cluster.server).path + request.path, request.headers
    proxy = cluster.proxy
    if proxy and not cluster.link.access.is_tls:  # it is sent to the proxy itself
        target, headers = cluster.server + request.path, (*login(proxy).items(), *headers)
    with LoggedRequest(LOG, request.method, urlsplit(target).path, cluster.context) as logged:
        reply = connection.send(request.method, target, headers, request.body)
        logged.status = reply.status
    return reply


def proxy_of(cluster: Cluster) -> str:
    """The URL of the proxy that leads to the API server, "" for none.

    Raises:
        ClusterUnavailable: it is of a kind that is not supported.
    """
    if cluster.proxy and not cluster.proxy.startswith(("http://", "https://")):
        raise ClusterUnavailable(
            f"The proxy of context {cluster.context!r} is of a kind that is not supported: "
            f"{urlsplit(cluster.proxy).scheme}.",
            context=cluster.context,
            cure="http:// and https:// proxies are.",
        )
    return cluster.proxy
