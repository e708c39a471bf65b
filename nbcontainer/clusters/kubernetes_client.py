"""The kubernetes package's own client, over our connections to an API server.

Its calls and objects are the package's own; how the API server is reached, TLS, proxies, credentials and impersonation
included, is ours. A connection that breaks is an error rather than the quiet end of a watch, an API server that hangs
is noticed, and closing the client ends the calls of other threads.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import kubernetes.client
import urllib3
import urllib3.exceptions
from kubernetes.client import rest

from nbcontainer.clusters.http import Cancellation, Reply
from nbcontainer.errors import ClusterUnavailable, Unsupported, UsageError

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

__all__ = ["ClusterClient", "manifests_of"]

REPLACED = {
    "call_api",
    "request",
}  # by kubernetes.stream, with what opens a socket of its own; by the package's version


def manifests_of(objects: object) -> str:
    """An object of the package, or several, as the text that can be applied; dictionaries are taken too."""
    found = objects if isinstance(objects, (list, tuple)) else [objects]
    client = kubernetes.client.ApiClient(kubernetes.client.Configuration(proxy=""))
    plain = [client.sanitize_for_serialization(each) for each in found]  # type: ignore[no-untyped-call,unused-ignore]
    return "\n---\n".join(json.dumps(each) for each in plain)


class ClusterClient(kubernetes.client.ApiClient):
    """`kubernetes.client.ApiClient` for one of our clusters: `kubernetes.client.CoreV1Api(client)`.

    Its methods raise `kubernetes.client.ApiException` where the API server refuses, urllib3's `ReadTimeoutError` where
    a `_request_timeout` of the caller's own runs out, and `ClusterUnavailable` where the API server cannot be reached,
    breaks off or hangs.
    """

    def __init__(self, cluster: Cluster) -> None:
        configuration = kubernetes.client.Configuration(host=cluster.server)
        configuration.proxy = None  # Python's rules are others than kubectl's, and SOCKS needs a further package
        super().__init__(configuration)
        self.rest_client = _Rest(cluster, configuration)

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
    """The package's way from a call to a request; its own `__init__` would only make a pool of other connections."""

    def __init__(self, cluster: Cluster, configuration: kubernetes.client.Configuration) -> None:
        self.configuration = configuration
        self.pool_manager = _Calls(cluster)  # type: ignore[assignment] # it has what is called of one


class _Calls:
    """Sends the package's requests; it calls this as it calls a `urllib3.PoolManager`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
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
        """Send a request; raises as `ClusterClient` says."""
        cluster = self._cluster
        if not url.startswith(f"{cluster.server}/"):
            raise UsageError(f"This client calls {cluster.server} alone.")
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
                goes_on=True,
                cancellation=cancellation,
            )
        except ClusterUnavailable as error:
            if seconds and isinstance(error.__cause__, TimeoutError):
                raise urllib3.exceptions.ReadTimeoutError(None, url, error.message) from error  # type: ignore[arg-type] # it has no pool
            raise
        return _Response(cluster, reply, method, url, cancellation)

    def clear(self) -> None:
        """End the calls that run."""
        for cancellation in list(self._running):
            cancellation.cancel()


def _seconds(timeout: urllib3.Timeout | None) -> float:
    """How long a read may take; 0 where the caller has set no limit."""
    if timeout is None:
        return 0.0
    begun = timeout.clone()
    begun.start_connect()
    limit = begun.read_timeout
    return float(limit) if isinstance(limit, (int, float)) else 0.0


class _Response(urllib3.HTTPResponse):
    """A reply as urllib3 gives them, whose breaks are ours."""

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
            pool=held,  # type: ignore[arg-type] # it has what is called of one
            connection=held,  # type: ignore[arg-type] # as above
            request_method=method,
            request_url=url,
        )
        self._cluster = cluster
        self._cancellation = cancellation  # for as long as it is read

    def read_chunked(self, *arguments: Any, **options: Any) -> Generator[bytes]:
        """As urllib3 has it; it ends where the caller has stopped it."""
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
    """The connection of a reply, and the pool that it goes back to."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.is_stopped = False

    @property
    def sock(self) -> _Held:
        """What `kubernetes.watch` shuts down to stop a watch of another thread."""
        return self

    def shutdown(self, _how: int) -> None:
        """End the reply, from any thread."""
        self.is_stopped = True
        self._reply.connection.close()

    def close(self) -> None:
        """Close the connection; what was read to its end is not in it any more."""
        self._reply.connection.close()

    def _put_conn(self, _connection: _Held) -> None:
        self._reply.release()
