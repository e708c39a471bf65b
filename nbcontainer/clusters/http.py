"""HTTP to an API server, on the calling thread, using only the standard library.

All calls but the long-lived ones (watches, logs and WebSockets are in `client`) are made here. This module decides
which credentials are sent, when they are read again, which connections are kept, and whether a silent API server is
slow or gone. It does not use aiohttp, because a kernel's first table must not wait for its import.
"""

from __future__ import annotations

import http.client
import logging
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

from nbcontainer.byte_stream import Stream, TlsStream, closed_on_error
from nbcontainer.clusters.authentication import tls_context
from nbcontainer.errors import ClusterUnavailable
from nbcontainer.http1 import Connection, IdleConnections
from nbcontainer.proxy_tunnel import TlsInTls, login, to_proxy, tunnel
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings
from nbcontainer.tcp import connect

if TYPE_CHECKING:
    from nbcontainer.clusters.authentication import Headers
    from nbcontainer.clusters.connection import Cluster, Link
    from nbcontainer.clusters.kubeconfig import Access

LOG = logging.getLogger(__name__)
BROKEN = (OSError, http.client.HTTPException)  # TLS errors and time limits are OSErrors
IDLE_CONNECTIONS = 10
IDLE_SECONDS = 80.0  # the API server closes idle connections after 90
TRUSTED_SECONDS = 5.0  # how long an idle connection is not doubted; on one that is frozen, only a GET can be repeated
READ_SECONDS = 60.0  # the API server ends ordinary calls after 60
PROBE = "/version"  # answered from memory, without authorization
GZIP = 16 + zlib.MAX_WBITS
UNAUTHORIZED = 401
FIELD_MANAGER = "nbcontainer"  # of all fields that we change, in whatever way

Identity = tuple["Access", str, bytes, bytes]  # who may reuse a connection: access, proxy, client certificate, its key


class Cancellation:
    """Ends a call from another thread: closes its connection, and ends a plugin that runs for it."""

    def __init__(self) -> None:
        self.given_up = threading.Event()
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def watch(self, connection: Connection | None) -> None:
        """Set the connection that the call waits for; None once it is over, because others may then use it."""
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
    """A request; `path` is relative to the API server's own path."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes | None = None
    seconds: float = 0.0
    open_ended: bool = False

    @property
    def limit(self) -> float | None:
        """How many seconds it may be silent; None for no limit, as long as the API server answers probes."""
        return self.seconds or (None if self.open_ended else READ_SECONDS)


class Reply:
    """A response whose head has arrived.

    Attributes:
        raw: http.client's response, to be read or closed.
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
        """The whole body; the connection is kept for the next call.

        Raises:
            OSError, http.client.HTTPException: the connection broke.
        """
        with closed_on_error(self.connection):
            text = self.raw.read()
        self.release()
        return zlib.decompress(text, GZIP) if self.raw.headers.get("Content-Encoding") == "gzip" else text

    def release(self) -> None:
        """Keep the connection if the response was read to its end; otherwise close it."""
        self._cancellation.watch(None)
        if self.raw.isclosed() and not self.raw.will_close:
            self._home.keep(self.connection)
        else:
            self.connection.close()


class _UseNewConnection(Exception):
    """An API server is reachable, but has not answered on a reused connection: that one may be dead."""


class Http:
    """The calls to one context's API server."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._idle = IdleConnections[Connection](IDLE_CONNECTIONS, IDLE_SECONDS)
        self._tls: ssl.SSLContext | None = None
        self._tls_for: Identity | None = None
        self._probing = threading.Lock()
        self._failure: ClusterUnavailable | None = None  # the last probe's
        self._probed = float("-inf")  # when the last probe ended (`time.monotonic`)
        self._probe = Cancellation()  # ends the probe that is running

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
        """Call the API server, as `open` does; returns its HTTP status and its answer, also for refusals."""
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
        open_ended: bool = False,
        cancellation: Cancellation | None = None,
    ) -> Reply:
        """Call the API server; returns its response, whatever it is. Credentials that are refused are read again once.

        Args:
            cluster: the cluster to call.
            method: the HTTP method.
            path: the URL's path with its query.
            headers: in addition to the credentials.
            body: what is sent.
            seconds: how long it may be silent; connecting may take the setting connect_timeout, or this if it is
                less. 0: as long as an ordinary call may take, if the API server answers a probe after each
                connect_timeout of silence.
            open_ended: whether the response is open-ended, like a watch: then silence has no limit.
            cancellation: lets another thread end the call.

        Raises:
            ClusterUnavailable: it does not answer.
        """
        cancellation = cancellation or Cancellation()
        for is_last_try in (False, True):
            own = self._link.credentials.headers(cancellation.given_up)
            if cancellation.given_up.is_set():
                raise cluster.unavailable(ConnectionAbortedError(0, "it was cancelled"))
            request = _Request(method, path, (*headers, *own), body, seconds, open_ended)
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

    def close_old(self) -> None:
        """Close the kept connections that are too old to be used again."""
        self._idle.close_old()

    def close(self) -> None:
        """Close the connections that are kept, and end a running probe."""
        self._probe.cancel()
        self._idle.close()

    def connect(self, cluster: Cluster) -> None:
        """Open a connection for the next call, if none is kept."""
        if not self._idle:
            self._link.credentials.headers()  # first, because an exec plugin may return a client certificate
            self.keep(self._open(cluster, settings.connect_timeout, Cancellation()))

    def probe(self, cluster: Cluster) -> None:
        """Check on a separate connection that the API server answers; concurrent callers share one probe.

        Raises:
            ClusterUnavailable: it does not answer within connect_timeout.
        """
        asked = time.monotonic()
        with self._probing:
            if self._probed < asked:
                self._failure = self._ask(cluster)
                self._probed = time.monotonic()
            failure = self._failure
        if failure is not None:
            raise copy(failure)

    def reached(self) -> None:
        """Note that the API server has answered on a new connection: it need not be probed now."""
        self._failure, self._probed = None, time.monotonic()

    def since_reached(self) -> float:
        """How many seconds ago the API server has last answered on a new connection; infinite if it did not since."""
        return float("inf") if self._failure is not None else time.monotonic() - self._probed

    def _ask(self, cluster: Cluster) -> ClusterUnavailable | None:
        self._probe = Cancellation()
        try:
            connection = self._open(cluster, settings.connect_timeout, self._probe)
        except ClusterUnavailable as error:
            return error
        try:
            with closed_on_error(connection):
                reply = _exchange(cluster, connection, _Request("GET", PROBE))  # a refusal is an answer as well
                Reply(self, connection, reply, self._probe).read()
        except BROKEN as error:
            return cluster.unavailable(error)
        return None

    def _answer(self, cluster: Cluster, request: _Request, cancellation: Cancellation) -> Reply:
        seconds = request.seconds
        connection = self._idle_for(request.method, self._identity(cluster)) or self._open(
            cluster, seconds, cancellation
        )
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
                # the API server closed that one while it was idle
                connection = self._open(cluster, seconds, cancellation)
            except _UseNewConnection:
                self._link.frozen.found_elsewhere()
                connection.close()
                connection = self._open(cluster, seconds, cancellation)
            except BaseException:  # e.g. Ctrl-C: the next response on this connection would belong to this call
                connection.close()
                raise
            else:
                if not seconds:
                    connection.stream.when_silent(partial(self.probe, cluster), settings.connect_timeout)
                return Reply(self, connection, raw, cancellation)

    def _idle_for(self, method: str, identity: Identity) -> Connection | None:
        """A kept connection for a call, if there is one."""
        connection = self._idle.take(identity)
        if connection is None or method == "GET" or time.monotonic() - connection.last_used < TRUSTED_SECONDS:
            return connection
        connection.close()
        return None

    def _asking(self, cluster: Cluster, method: str, connection: Connection) -> Callable[[], None]:
        def ask() -> None:
            self.probe(cluster)
            if connection.is_used_again and method == "GET":
                raise _UseNewConnection

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
            with closed_on_error(connection):
                stream.settimeout(limit)
                stream.handshake()
        except BROKEN as error:
            raise cluster.unavailable(error, limit) from error
        return connection


def _connect(cluster: Cluster, tls: ssl.SSLContext | None, seconds: float) -> Stream:
    """A connection before its TLS handshake, if it uses TLS."""
    parts = urlsplit(cluster.server)
    host, port = parts.hostname or "", parts.port or (443 if tls else 80)
    proxy = proxy_of(cluster)
    if not proxy:
        connection = connect((host, port), seconds)
    else:
        connection = tunnel(proxy, host, port, seconds, tls) if tls else to_proxy(proxy, seconds)
    with closed_on_error(connection):
        if tls is None:
            return TlsStream(connection) if isinstance(connection, ssl.SSLSocket) else Stream(connection)
        name = cluster.link.access.tls_server_name or host
        if isinstance(connection, ssl.SSLSocket):
            return TlsInTls(connection, tls, name)
        return TlsStream(tls.wrap_socket(connection, server_hostname=name, do_handshake_on_connect=False))


def _exchange(cluster: Cluster, connection: Connection, request: _Request) -> http.client.HTTPResponse:
    """Send a request, and read the response's head."""
    target, headers = urlsplit(cluster.server).path + request.path, request.headers
    proxy = cluster.proxy
    if proxy and not cluster.link.access.is_tls:  # plain http is sent to the proxy itself, not through a tunnel
        target, headers = cluster.server + request.path, (*login(proxy).items(), *headers)
    with LoggedRequest(LOG, request.method, urlsplit(target).path, cluster.context) as logged:
        reply = connection.send(request.method, target, headers, request.body)
        logged.status = reply.status
    return reply


def proxy_of(cluster: Cluster) -> str:
    """The URL of the proxy to the API server, "" for none.

    Raises:
        ClusterUnavailable: its scheme is not supported.
    """
    if cluster.proxy and not cluster.proxy.startswith(("http://", "https://")):
        raise ClusterUnavailable(
            f"The proxy of context {cluster.context!r} has a scheme that is not supported: "
            f"{urlsplit(cluster.proxy).scheme}.",
            context=cluster.context,
            cure="Use an http:// or https:// proxy.",
        )
    return cluster.proxy
