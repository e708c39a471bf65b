"""One API server: raw JSON calls for threads and for the background loop, streams and WebSockets.

`find_cluster` reads the kubeconfig and sends nothing; the first call opens a connection. Nothing heavy is imported
here: the code that uses aiohttp is in `client`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode, urlsplit

import orjson

from nbcontainer import clusters, operation
from nbcontainer.clusters.authentication import Credentials
from nbcontainer.clusters.failures import decode_status, explain, no_object, raise_for_status, status_error
from nbcontainer.clusters.frozen import FrozenConnections
from nbcontainer.clusters.http import Cancellation, Http
from nbcontainer.clusters.kubeconfig import Access, files, read_access
from nbcontainer.clusters.managed_fields import METADATA_ALONE, loads
from nbcontainer.errors import ClusterUnavailable
from nbcontainer.json_objects import JsonObject
from nbcontainer.model.commands import ClusterCommands
from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation
from nbcontainer.proxies import environment_proxy
from nbcontainer.settings import settings

if TYPE_CHECKING:
    import aiohttp

    from nbcontainer.clusters.client import Client
    from nbcontainer.clusters.discovery import Kinds
    from nbcontainer.clusters.kubernetes_client import ClusterClient

Answer = TypeVar("Answer")
Parameters = Mapping[str, str | int | bool] | Iterable[tuple[str, str | int | bool]]

JSON = "application/json"
UNAUTHORIZED = 401
_METADATA_ALONE = urlencode(METADATA_ALONE)
THREADS = 32


class Link:
    """What all namespaces of one context share: credentials, connections, and the cluster's kinds."""

    def __init__(self, access: Access, impersonation: Impersonation = NOBODY_ELSE) -> None:
        self.access = access
        self.impersonation = impersonation
        self.credentials = Credentials(access)
        self.kinds: Kinds | None = None
        self.frozen = FrozenConnections()
        self.http = Http(self)
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The aiohttp client, which is imported on first use. Only for the background loop."""
        if self._client is None:
            self._client = clusters.client.Client(self)
        return self._client

    @property
    def is_open(self) -> bool:
        """Whether there is a session to close."""
        return self._client is not None

    def refresh(self) -> None:
        """Read the kubeconfig again: its credentials were not accepted."""
        access = replace(
            read_access(self.access.context, "", self.impersonation), context=self.access.context, namespace=""
        )
        if _whose(access) != _whose(self.access):
            return  # the context now names another server or user, for which the current call is not meant
        self.access = access
        self.credentials = Credentials(self.access)

    async def close(self) -> None:
        """End all connections."""
        self.http.close()
        if self._client is not None:
            await self._client.close()


@dataclass(frozen=True)
class Cluster:
    """A Kubernetes API server in one context and namespace.

    Its coroutines run on nbcontainer's background loop; `run` calls one from anywhere else.

    Attributes:
        kubeconfig: the files that define the context, as in KUBECONFIG.
        named: whether the call named the context, so another call must name it too.
    """

    context: str
    namespace: str
    server: str
    link: Link
    kubeconfig: str = ""
    named: bool = False

    @property
    def where(self) -> str:
        """Context and namespace, as tables show them."""
        return f"{self.context} · {self.namespace}"

    @property
    def commands(self) -> ClusterCommands:
        """The commands that reach it from a terminal."""
        named, acting = self.context if self.named else "", self.link.impersonation.flags
        if self.link.access.in_cluster:
            # without a context, kubectl uses the service account
            return ClusterCommands("", self.namespace, os.devnull, named, acting)
        return ClusterCommands(self.context, self.namespace, self.kubeconfig, named, acting)

    def client(self, check: Callable[[], None] = lambda: None) -> ClusterClient:
        """A client of the kubernetes package that uses this cluster's own connections.

        Args:
            check: is called before each request that may change something, and raises where that is refused.
        """
        return clusters.kubernetes_client.ClusterClient(self, check)

    def in_namespace(self, namespace: str) -> Cluster:
        """The same cluster in another namespace ("" for the same)."""
        return replace(self, namespace=namespace) if namespace else self

    def run(self, coroutine: Coroutine[object, object, Answer]) -> Answer:
        """Run a coroutine on the background loop and wait for it; Ctrl-C cancels it."""
        return operation.run_soon(coroutine)

    def call(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters = (),
        body: object = None,
        accept: str = JSON,
        seconds: float = 0.0,
        cancellation: Cancellation | None = None,
    ) -> JsonObject:
        """Call the API server on the caller's own thread, and decode its JSON. Ctrl-C ends it.

        Args:
            method: the HTTP method.
            path: the URL's path.
            parameters: its query.
            body: what is sent, as JSON.
            accept: the accepted media types.
            seconds: the longest silence, 0 for the default.
            cancellation: lets another thread end the call.

        Raises:
            ApiError: it refused; as NotFound, Forbidden, Conflict or AuthFailed where one of them fits.
            ClusterUnavailable: it does not answer.
        """
        prepared = _prepare(accept, body, JSON)
        status, document = self._exchange(method, self._target(path, parameters), prepared, seconds, cancellation)
        raise_for_status(self, status, document)
        return document

    async def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters = (),
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> JsonObject:
        """`call` for the background loop; raises the same errors."""
        status, document = await self.send(
            method, path, parameters=parameters, body=body, content_type=content_type, accept=accept
        )
        raise_for_status(self, status, document)
        return document

    async def send(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters = (),
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> tuple[int, JsonObject]:
        """Call the API server; returns its HTTP status and its answer, also for refusals (except 401)."""
        target, prepared = self._target(path, parameters), _prepare(accept, body, content_type)
        return await self.in_thread(lambda cancellation: self._exchange(method, target, prepared, 0.0, cancellation))

    async def in_thread(self, work: Callable[[Cancellation], Answer]) -> Answer:
        """Run blocking calls on a thread; cancelling this ends the call that is running."""
        cancellation = Cancellation()
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads, work, cancellation)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise

    def _exchange(
        self,
        method: str,
        target: str,
        prepared: tuple[dict[str, str], bytes | None],
        seconds: float,
        cancellation: Cancellation | None,
    ) -> tuple[int, JsonObject]:
        headers, body = prepared
        status, text = self.link.http.send(
            self, method, target, headers=headers, body=body, seconds=seconds, cancellation=cancellation
        )
        if status == UNAUTHORIZED:
            raise status_error(self, status, decode_status(text))
        return status, self._decode(status, text, metadata_alone=_METADATA_ALONE in target)

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        parameters: Parameters = (),
        accept: str = JSON,
        silence: float | None = None,
        resumable: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a long response (a watch, a followed log); leaving the block closes it.

        Args:
            path: the URL's path.
            parameters: its query.
            accept: the accepted media types.
            silence: seconds without a byte after which it counts as dead, None for never.
            resumable: whether it may be ended once another connection to the API server was found frozen; then, and
                after `silence`, the error's cause is a TimeoutError.

        Raises:
            ApiError, ClusterUnavailable: as in `request`, also while it is read inside the block.
        """
        async with self.link.client.stream(
            self, path, parameters=parameters, accept=accept, silence=silence, resumable=resumable
        ) as response:
            yield response

    @asynccontextmanager
    async def websocket(
        self, path: str, *, parameters: Parameters = (), protocols: tuple[str, ...] = (), pinged: bool = True
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket (exec, port-forward); leaving the block closes it.

        Args:
            path: the URL's path.
            parameters: its query.
            protocols: the accepted subprotocols.
            pinged: whether it counts as dead if it does not answer pings. An API server answers none while the other
                side does not read what was sent. If not, pings and their answers are received like other messages.

        Raises:
            ApiError: the API server refused it; with its own message.
            ClusterUnavailable: it does not answer.
        """
        async with self.link.client.websocket(
            self, path, parameters=parameters, protocols=protocols, pinged=pinged
        ) as socket:
            yield socket

    def url(self, path: str, parameters: Parameters = ()) -> str:
        """The whole URL of a call."""
        pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
        query = urlencode([(key, _word(value)) for key, value in pairs])
        return f"{self.server}{path}?{query}" if query else f"{self.server}{path}"

    def _target(self, path: str, parameters: Parameters) -> str:
        """Path and query of a call."""
        return self.url(path, parameters).removeprefix(self.server)

    @property
    def proxy(self) -> str:
        """The proxy's URL, "" for none. As in kubectl, NO_PROXY does not apply to a proxy from the kubeconfig."""
        return self.link.access.proxy or environment_proxy(self.server)

    @property
    def acts_as(self) -> str:
        """The user that is impersonated, "" for none."""
        return self.link.access.user.impersonate

    @property
    def compresses(self) -> bool:
        """Whether to request compressed responses: on the same machine, gzip costs more than it saves."""
        return self.link.access.compress and not _is_local(self.server)

    def _decode(self, status: int, text: bytes, *, metadata_alone: bool) -> JsonObject:
        try:
            document = loads(text, metadata_alone=metadata_alone) if text else {}
        except orjson.JSONDecodeError:
            raise no_object(self.server, status, text) from None
        if not isinstance(document, dict):
            raise no_object(self.server, status, text)
        return document

    def unavailable(self, error: BaseException, seconds: float = 0.0) -> ClusterUnavailable:
        """The error that says why the API server does not answer within `seconds` (0 for connect_timeout)."""
        message, cure = explain(error, self.server, seconds or settings.connect_timeout, proxy=self.proxy)
        return ClusterUnavailable(f"Context {self.context!r}: {message}", context=self.context, cure=cure)


def find_cluster(context: str = "", namespace: str = "", impersonation: Impersonation = NOBODY_ELSE) -> Cluster:
    """The cluster that kubectl would use, from the kubeconfig and the settings. Sends nothing.

    Args:
        context: a context's name; "" for `settings.context`, or else the kubeconfig's current one.
        namespace: "" for `settings.namespace`, or else the context's own.
        impersonation: whom its calls impersonate.

    Raises:
        ClusterUnavailable: there is no kubeconfig, no such context, or the context is incomplete.
        UsageError: groups or a uid are to be impersonated, but no user.
    """
    access = read_access(context or settings.context, namespace or settings.namespace, impersonation)
    shared = replace(access, namespace="")
    with _links_lock:
        link = _links.get((access.context, impersonation))
        if link is None or link.access != shared:
            if link is not None:
                _old_links.append(link)
            link = _links[access.context, impersonation] = Link(shared, impersonation)
    return Cluster(access.context, access.namespace, access.server, link, files(), named=bool(context))


def _whose(access: Access) -> tuple[object, ...]:
    """Where calls go and as whom: the kubeconfig's user entry, whatever its credentials, and who it impersonates."""
    user = access.user
    acts_as = user.impersonate, user.impersonate_uid, user.impersonate_groups, user.impersonate_extra
    return access.server, access.origin, acts_as


def _prepare(accept: str, body: object, content_type: str) -> tuple[dict[str, str], bytes | None]:
    """A call's headers, and its body as bytes."""
    if body is None:
        return {"Accept": accept}, None
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    return {"Accept": accept, "Content-Type": content_type}, sent


def _word(value: str | int | bool) -> str:  # noqa: FBT001 - a query's value, not a switch
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_local(server: str) -> bool:
    return (urlsplit(server).hostname or "") in {"127.0.0.1", "localhost", "::1"}


# asyncio's default executor has few threads, and calls to an API server that hangs would occupy all of them
_threads = ThreadPoolExecutor(THREADS, "nbcontainer: call of a cluster")
_links: dict[tuple[str, Impersonation], Link] = {}
_old_links: list[Link] = []
_links_lock = threading.Lock()


@atexit.register
def _close_all() -> None:
    """Close the connections, after the operations that use them were stopped."""
    operation.stop_all()  # its own atexit handler runs after this one, but streams must end before their session

    async def close() -> None:
        for link in (*_links.values(), *_old_links):
            await link.close()

    if any(link.is_open for link in (*_links.values(), *_old_links)):
        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(close(), operation.background_loop()).result(1.0)
