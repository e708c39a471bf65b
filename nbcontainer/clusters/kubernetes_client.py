"""The kubernetes package's own client, over our connections to an API server.

Its calls and objects are the package's own; the way to the API server is ours, including TLS, proxies, credentials and
impersonation. A connection that breaks is an error rather than the quiet end of a watch, an API server that hangs is
noticed, and closing the client ends the calls of other threads.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import kubernetes.client
import urllib3
import urllib3.exceptions
from kubernetes.client import rest

from nbcontainer.clusters.http import Cancellation, Reply
from nbcontainer.errors import ClusterUnavailable, Unsupported, UsageError

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

READING = frozenset({"GET", "HEAD"})
REPLACED = {
    "call_api",
    "request",
}  # what kubernetes.stream replaces, by the package's version, with a function that opens a socket of its own


def manifests_of(objects: object) -> str:
    """One object of the package, or several, as text that can be applied; dictionaries are accepted too."""
    found = objects if isinstance(objects, (list, tuple)) else [objects]
    client = kubernetes.client.ApiClient(kubernetes.client.Configuration(proxy=""))
    plain = [client.sanitize_for_serialization(each) for each in found]  # type: ignore[no-untyped-call,unused-ignore]
    return "\n---\n".join(json.dumps(each) for each in plain)


class ClusterClient(kubernetes.client.ApiClient):
    """`kubernetes.client.ApiClient` for one of our clusters: `kubernetes.client.CoreV1Api(client)`.

    It calls `check` before each request that may change something.

    Its methods raise `kubernetes.client.ApiException` where the API server refuses, urllib3's `ReadTimeoutError` where
    a `_request_timeout` of the caller's own runs out, and `ClusterUnavailable` where the API server cannot be reached,
    breaks off or hangs.
    """

    def __init__(self, cluster: Cluster, check: Callable[[], None]) -> None:
        configuration = kubernetes.client.Configuration(host=cluster.server)
        configuration.proxy = None  # ours: Python's rules differ from kubectl's, and SOCKS needs another package
        super().__init__(configuration)
        self.rest_client = _Rest(cluster, configuration, check)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in REPLACED:
            super().__setattr__(name, value)
        elif value != getattr(self, name, None):
            raise Unsupported(
                "kubernetes.stream, which opens a connection of its own, as somebody else",
                "This client",
                cure="nbc.pods.exec(NAME, COMMAND) runs a command in a pod.",
            )


class _Rest(rest.RESTClientObject):
    """Turns the package's calls into requests; the base's `__init__` is skipped, as it would make its own pool."""

    def __init__(
        self, cluster: Cluster, configuration: kubernetes.client.Configuration, check: Callable[[], None]
    ) -> None:
        self.configuration = configuration
        self.pool_manager = _Calls(cluster, check)  # type: ignore[assignment] # it has the members that are used


class _Calls:
    """Sends the package's requests, in place of a `urllib3.PoolManager`."""

    def __init__(self, cluster: Cluster, check: Callable[[], None]) -> None:
        self._cluster, self._check = cluster, check
        self._running = weakref.WeakSet[Cancellation]()

    def request(
        self,
        method: str,
        url: str,
        *,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: urllib3.Timeout | None = None,
        **_: object,
    ) -> urllib3.HTTPResponse:
        """Send a request; raises the errors that `ClusterClient` documents."""
        cluster = self._cluster
        if not url.startswith(f"{cluster.server}/"):
            raise UsageError(f"This client calls only {cluster.server}.")
        if method not in READING:
            self._check()
        own = {name.lower() for name, _ in cluster.link.credentials.headers()}
        chosen = tuple((name, value) for name, value in (headers or {}).items() if name.lower() not in own)
        seconds = _seconds(timeout)
        cancellation = Cancellation()
        self._running.add(cancellation)
        try:
            reply = cluster.link.http.open(
                cluster,
                method,
                url.removeprefix(cluster.server),
                headers=(*chosen, ("Accept-Encoding", "identity")),
                body=body.encode() if isinstance(body, str) else body,
                seconds=seconds,
                open_ended=_is_open_ended(url),
                cancellation=cancellation,
            )
        except ClusterUnavailable as error:
            if seconds and isinstance(error.__cause__, TimeoutError):
                raise urllib3.exceptions.ReadTimeoutError(None, url, error.message) from error  # type: ignore[arg-type] # it has no pool
            raise
        return _Response(cluster, reply, method, url, cancellation)

    def clear(self) -> None:
        """End the running calls."""
        for cancellation in list(self._running):
            cancellation.cancel()


def _is_open_ended(url: str) -> bool:
    """Whether the response may be silent for any time: a watch, or a followed log."""
    query = dict(parse_qsl(urlsplit(url).query))
    return any(query.get(name, "").lower() in {"true", "1"} for name in ("watch", "follow"))


def _seconds(timeout: urllib3.Timeout | None) -> float:
    """How long a read may take; 0 where the caller has set no limit."""
    if timeout is None:
        return 0.0
    started = timeout.clone()
    started.start_connect()
    limit = started.read_timeout
    return float(limit) if isinstance(limit, (int, float)) else 0.0


class _Response(urllib3.HTTPResponse):
    """A urllib3 response that raises our errors when its connection breaks."""

    def __init__(self, cluster: Cluster, reply: Reply, method: str, url: str, cancellation: Cancellation) -> None:
        self._held = held = _Held(reply)
        super().__init__(
            body=reply.raw,
            headers=urllib3.HTTPHeaderDict(reply.raw.headers.items()),
            status=reply.status,
            version=11,
            reason=reply.raw.reason,
            preload_content=False,
            original_response=reply.raw,
            pool=held,  # type: ignore[arg-type] # it has the members that are used
            connection=held,  # type: ignore[arg-type] # it has the members that are used
            request_method=method,
            request_url=url,
        )
        self._cluster = cluster
        self._cancellation = cancellation  # valid until it has been read

    def read_chunked(self, *arguments: Any, **options: Any) -> Generator[bytes]:
        """As in urllib3; it ends without an error if the caller has stopped it."""
        try:
            yield from super().read_chunked(*arguments, **options)
        except ClusterUnavailable:
            if not self._held.is_stopped:
                raise

    @contextmanager
    def _error_catcher(self) -> Iterator[None]:
        try:
            with super()._error_catcher():
                yield
        except urllib3.exceptions.ProtocolError as error:
            raise self._cluster.unavailable(error.__cause__ or error) from error


class _Held:
    """A response's connection, and the pool that it is returned to."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.is_stopped = False

    @property
    def sock(self) -> _Held:
        """The socket that `kubernetes.watch` shuts down to stop another thread's watch."""
        return self

    def shutdown(self, _how: int) -> None:
        """End the response, from any thread."""
        self.is_stopped = True
        self._reply.connection.close()

    def close(self) -> None:
        """Close the connection, unless the response was read to its end and no longer holds it."""
        self._reply.connection.close()

    def _put_conn(self, _connection: _Held) -> None:
        self._reply.release()
