"""Short calls to an API server on the caller's own thread, by the standard library alone.

A kernel's first table must not wait for aiohttp to load, and `doctor` bounds each call by a time of its own. Streams,
WebSockets, and what goes through a proxy are `client`'s.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
import zlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbcontainer.clusters.authentication import tls_context
from nbcontainer.replies import Response
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings

if TYPE_CHECKING:
    import ssl

    from nbcontainer.clusters.authentication import Headers
    from nbcontainer.clusters.connection import Cluster, Link
    from nbcontainer.clusters.kubeconfig import Access

__all__ = ["BROKEN", "PROBE", "ShortCalls"]

LOG = logging.getLogger(__name__)
BROKEN = (OSError, http.client.HTTPException)  # TLS errors and time limits are OSErrors
IDLE_SECONDS = 80.0  # the API server closes idle connections after 90
READ_SECONDS = 60.0  # the API server ends ordinary calls after 60
PROBE = "/version"  # answered from memory, to anybody
GZIP = 16 + zlib.MAX_WBITS

Identity = tuple["Access", bytes, bytes]  # what a connection is made of: it serves no other; with certificate and key


class ShortCalls:
    """The connections to one context's API server that are kept between calls."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._tls: ssl.SSLContext | None = None
        self._tls_for: Identity | None = None

    def send(
        self,
        cluster: Cluster,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        body: bytes | None = None,
        seconds: float = 0.0,
    ) -> tuple[int, bytes]:
        """Call the API server; give its HTTP status and what it said, refusals included.

        Args:
            cluster: whose call it is.
            method: the HTTP method.
            path: the URL's path with its query.
            headers: beside those that prove who one is.
            body: what is sent.
            seconds: that it may be silent; connecting has the setting connect_timeout, or this if it is less. 0: as
                long as an API server that is there may take. A GET that is not answered within connect_timeout is
                made again once another connection has shown that one is there.

        Raises:
            ClusterUnavailable: it does not answer.
        """
        encoding = "gzip" if cluster.compresses else "identity"
        common = (("User-Agent", "nbcontainer"), ("Accept-Encoding", encoding))
        whole = (*common, *headers.items(), *self._link.credentials.headers())
        path = urlsplit(cluster.server).path + path
        connection, fresh = self._take(), False
        doubtful = method == "GET" and not seconds
        while True:
            if connection is None:
                connection, fresh = self._open(cluster, seconds or READ_SECONDS), True
            limit = settings.connect_timeout if doubtful else seconds or READ_SECONDS
            try:
                connection.limit(limit)
                with LoggedRequest(LOG, method, path, cluster.context) as request:
                    connection.send_request(method, path, body, whole)
                    response = connection.getresponse()
                    request.status = response.status
                    text = response.read()
            except BROKEN as error:
                connection.close()
                if isinstance(error, TimeoutError) and doubtful:
                    connection, fresh, doubtful = self._proven(cluster), True, False
                    continue
                if fresh or isinstance(error, TimeoutError):
                    raise cluster.unavailable(error, limit) from error
                connection = None  # the API server closed it while it was idle
            except BaseException:  # Ctrl-C: what comes next on it would be this call's answer
                connection.close()
                raise
            else:
                self._give(connection)
                gzipped = response.headers.get("Content-Encoding") == "gzip"
                return response.status, zlib.decompress(text, GZIP) if gzipped else text

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def connect(self, cluster: Cluster) -> None:
        """Open a connection for the next call, if there is none."""
        if not self._idle:
            self._give(self._open(cluster, settings.connect_timeout))

    def _proven(self, cluster: Cluster) -> _Connection:
        """A new connection that an API server has answered on: one that is slow is told from one that is gone."""
        connection = self._open(cluster, settings.connect_timeout)
        try:
            with LoggedRequest(LOG, "GET", f"{urlsplit(cluster.server).path}{PROBE}", cluster.context) as request:
                connection.request("GET", f"{urlsplit(cluster.server).path}{PROBE}")
                response = connection.getresponse()
                request.status = response.status
                response.read()
        except BROKEN as error:
            connection.close()
            raise cluster.unavailable(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _take(self) -> _Connection | None:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if time.monotonic() - connection.used < IDLE_SECONDS and connection.identity == self._identity():
                    return connection
                connection.close()
        return None

    def _give(self, connection: _Connection) -> None:
        connection.used = time.monotonic()
        with self._lock:
            self._idle.append(connection)

    def _identity(self) -> Identity:
        credentials = self._link.credentials
        return self._link.access, credentials.client_certificate, credentials.client_key

    def _open(self, cluster: Cluster, seconds: float) -> _Connection:
        credentials = self._link.credentials
        credentials.headers()  # an exec plugin may give a certificate
        identity = self._identity()
        if self._tls_for != identity:
            self._tls = tls_context(*identity)
            self._tls_for = identity
        limit = min(seconds, settings.connect_timeout)
        connection = _Connection(cluster, self._tls, identity, limit)
        try:
            connection.connect()
        except BROKEN as error:
            raise cluster.unavailable(error, limit) from error
        return connection


class _Connection(http.client.HTTPConnection):
    """One connection; `used` is when it was last."""

    response_class = Response

    def __init__(self, cluster: Cluster, tls: ssl.SSLContext | None, identity: Identity, seconds: float) -> None:
        parts = urlsplit(cluster.server)
        self._host_name = parts.hostname or ""
        super().__init__(self._host_name, parts.port or (443 if tls else 80), timeout=seconds)
        self._tls = tls
        self._server_name = cluster.link.access.tls_server_name or self._host_name
        self.identity = identity
        self.used = 0.0

    def connect(self) -> None:
        super().connect()
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server_name)

    def send_request(self, method: str, path: str, body: bytes | None, headers: Headers) -> None:
        """`request`, but a header may come more than once, and may have any letters."""
        self.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value.encode())
        if body is not None or method in {"POST", "PUT", "PATCH"}:
            self.putheader("Content-Length", str(len(body or b"")))
        self.endheaders(body)

    def limit(self, seconds: float) -> None:
        """How long it may be silent from now on."""
        if self.sock is not None:
            self.sock.settimeout(seconds)
