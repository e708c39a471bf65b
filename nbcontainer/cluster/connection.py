"""One API server: raw JSON calls, streams and WebSockets over one aiohttp session on the background loop.

`find_cluster` reads the kubeconfig and sends nothing; a connection is opened by the first call, or by `preload`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from yarl import URL

from nbcontainer import operation
from nbcontainer.cluster.authentication import Credentials, tls_context
from nbcontainer.cluster.failures import explain, raise_for_status, status_error
from nbcontainer.cluster.kubeconfig import Access, read_access
from nbcontainer.errors import ApiError, ClusterUnavailable
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.cluster.discovery import Kinds

__all__ = ["Cluster", "Parameters", "find_cluster", "preload"]

Answer = TypeVar("Answer")
Parameters = Mapping[str, str | int | bool] | Iterable[tuple[str, str | int | bool]]

JSON = "application/json"
UNAUTHORIZED = 401
IDLE_SECONDS = 80.0  # the API server closes idle connections after 90
READ_SECONDS = 60.0  # the API server ends ordinary calls after 60
READ_BUFFER = 2**18  # bytes; log streams run at 10 MB/s and more


class _Link:
    """The session to one context's API server, shared by all namespaces."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.credentials = Credentials(access)
        self.kinds: Kinds | None = None
        self._session: aiohttp.ClientSession | None = None
        self._session_for: tuple[Any, ...] = ()
        self._retired: list[aiohttp.ClientSession] = []

    async def session(self) -> tuple[aiohttp.ClientSession, dict[str, str]]:
        """The session, and the headers that prove who one is."""
        headers = await self.credentials.headers()
        wanted = (self.access, self.credentials.client_certificate, self.credentials.client_key)
        if self._session is None or self._session.closed or self._session_for != wanted:
            if self._session is not None:
                self._retired.append(self._session)  # streams may still run on it
            tls = tls_context(self.access, self.credentials.client_certificate, self.credentials.client_key)
            connector = aiohttp.TCPConnector(
                limit=0, ssl=tls if tls is not None else False, keepalive_timeout=IDLE_SECONDS
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": "nbcontainer"},
                read_bufsize=READ_BUFFER,
                cookie_jar=aiohttp.DummyCookieJar(),
                json_serialize=lambda value: orjson.dumps(value).decode(),
            )
            self._session_for = wanted
        return self._session, headers

    @property
    def is_open(self) -> bool:
        """Whether there is a session to close."""
        return self._session is not None

    def refresh(self) -> None:
        """Read the kubeconfig again: its credentials were not accepted."""
        self.access = replace(read_access(self.access.context), context=self.access.context)
        self.credentials = Credentials(self.access)

    async def close(self) -> None:
        for session in (self._session, *self._retired):
            if session is not None:
                await session.close()
        self._session, self._retired = None, []


@dataclass(frozen=True)
class Cluster:
    """A Kubernetes API server in one context and namespace.

    Its coroutines run on nbcontainer's background loop; `run` calls one from anywhere else.
    """

    context: str
    namespace: str
    server: str
    link: _Link

    @property
    def where(self) -> str:
        """Context and namespace, as tables show them."""
        return f"{self.context} · {self.namespace}"

    def in_namespace(self, namespace: str) -> Cluster:
        """The same cluster in another namespace ("" for the same)."""
        return replace(self, namespace=namespace) if namespace else self

    def run(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine on the background loop and wait for it; Ctrl-C cancels it."""
        return operation.run_soon(coroutine)

    async def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters = (),
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Any:
        """Call the API server and decode its JSON.

        Raises:
            ApiError: it refused; NotFound, Forbidden, Conflict and AuthFailed are told apart.
            ClusterUnavailable: it does not answer.
        """
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
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> tuple[int, Any]:
        """Call the API server; give its HTTP status and what it said, refusals included (but 401)."""
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
            body = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self._respond(
            method, path, parameters=parameters, headers=headers, silence=READ_SECONDS, body=body
        ) as response:
            text = await self._read(response)
            try:
                return response.status, orjson.loads(text) if text else {}
            except orjson.JSONDecodeError:
                said = text[:200].decode(errors="replace").strip()
                raise ApiError(f"{self.server} answered with no JSON: {said}", status=response.status) from None

    @asynccontextmanager
    async def stream(
        self, path: str, *, parameters: Parameters = (), accept: str = JSON, silence: float | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a long answer (a watch, a followed log); leaving the block closes it.

        Args:
            path: the URL's path.
            parameters: its query.
            accept: the media types that are understood.
            silence: seconds without a byte after which it counts as dead, None for never.

        Raises:
            ApiError, ClusterUnavailable: as `request`, also while it is read inside the block.
        """
        async with self._respond(
            "GET", path, parameters=parameters, headers={"Accept": accept}, silence=silence
        ) as response:
            if response.status >= 400:  # noqa: PLR2004 - HTTP's own boundary
                raise_for_status(self, response.status, _decode_status(await self._read(response)))
            try:
                yield response
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self.unavailable(error) from error
            finally:
                response.close()  # what was not read must not be waited for

    @asynccontextmanager
    async def websocket(
        self, path: str, *, parameters: Parameters = (), protocols: tuple[str, ...] = ()
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket (exec, port-forward); leaving the block closes it.

        Raises:
            ApiError: the API server refused it, in its own words.
            ClusterUnavailable: it does not answer.
        """
        session, headers = await self.link.session()
        try:
            socket = await asyncio.wait_for(
                session.ws_connect(
                    self._url(path, parameters),
                    protocols=protocols,
                    headers=headers,
                    proxy=self._proxy(),
                    server_hostname=self.link.access.tls_server_name or None,
                    max_msg_size=0,
                    autoclose=True,
                ),
                settings.connect_timeout + READ_SECONDS / 2,
            )
        except aiohttp.WSServerHandshakeError as error:
            # aiohttp drops the refusal's text; a plain call of the same path is refused with the same words
            await self.request("GET", path, parameters=parameters)
            raise ApiError(f"{self.server} refused a WebSocket.", status=error.status) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.unavailable(error) from error
        try:
            yield socket
        except (aiohttp.ClientError, OSError) as error:
            raise self.unavailable(error) from error
        finally:
            with suppress(TimeoutError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(0.3):
                    await socket.close()

    @asynccontextmanager
    async def _respond(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters,
        headers: dict[str, str],
        silence: float | None,
        body: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a call; credentials that are not accepted are read again once."""
        response = await self._call(method, path, parameters=parameters, headers=headers, silence=silence, body=body)
        if response.status == UNAUTHORIZED:
            response.close()
            self.link.refresh()
            response = await self._call(
                method, path, parameters=parameters, headers=headers, silence=silence, body=body
            )
        try:
            if response.status == UNAUTHORIZED:
                raise status_error(self, UNAUTHORIZED, _decode_status(await self._read(response)))
            yield response
        finally:
            response.release()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters,
        headers: dict[str, str],
        silence: float | None,
        body: bytes | None = None,
    ) -> aiohttp.ClientResponse:
        session, own = await self.link.session()
        if not self.link.access.compress or _is_local(self.server):
            headers = {**headers, "Accept-Encoding": "identity"}  # on one machine, gzip costs more than it saves
        try:
            return await session.request(
                method,
                self._url(path, parameters),
                headers={**headers, **own},
                data=body,
                allow_redirects=False,
                proxy=self._proxy(),
                server_hostname=self.link.access.tls_server_name or None,
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=None, sock_connect=settings.connect_timeout, sock_read=silence
                ),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.unavailable(error) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            return await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.unavailable(error) from error

    def _url(self, path: str, parameters: Parameters) -> URL:
        pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
        query = urlencode([(key, _word(value)) for key, value in pairs])
        return URL(f"{self.server}{path}?{query}" if query else f"{self.server}{path}", encoded=True)

    def _proxy(self) -> str | None:
        proxy = self.link.access.proxy or _environment_proxy(self.server)
        if proxy and not proxy.startswith(("http://", "https://")):
            raise ClusterUnavailable(
                f"The proxy of context {self.context!r} is of a kind that is not supported: {urlsplit(proxy).scheme}.",
                context=self.context,
                cure="http:// and https:// proxies are.",
            )
        return proxy or None

    def unavailable(self, error: BaseException) -> ClusterUnavailable:
        """Say in words why the API server does not answer."""
        message, cure = explain(error, self.server)
        return ClusterUnavailable(f"Context {self.context!r}: {message}", context=self.context, cure=cure)


def find_cluster(context: str = "", namespace: str = "") -> Cluster:
    """The cluster that kubectl would use, by the kubeconfig and the settings. Sends nothing.

    Args:
        context: a context's name; "" for `settings.context`, else the kubeconfig's current one.
        namespace: "" for `settings.namespace`, else the context's own.

    Raises:
        ClusterUnavailable: there is no kubeconfig, no such context, or it is not whole.
    """
    access = read_access(context or settings.context, namespace or settings.namespace)
    shared = replace(access, namespace="")
    with _links_lock:
        link = _links.get(access.context)
        if link is None or link.access != shared:
            if link is not None:
                _old_links.append(link)
            link = _links[access.context] = _Link(shared)
    return Cluster(access.context, access.namespace, access.server, link)


def preload() -> threading.Thread:
    """Import what calls need and open the connection, on a thread beside the caller; failures are kept silent."""

    def load() -> None:
        import nbcontainer.cluster.tables  # noqa: F401, PLC0415 - imported so that the first call need not

        with suppress(ClusterUnavailable, ApiError):
            cluster = find_cluster()
            cluster.run(cluster.request("GET", "/version"))

    thread = threading.Thread(target=load, daemon=True, name="nbcontainer: preload cluster")
    thread.start()
    return thread


def _decode_status(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"message": text[:500].decode(errors="replace").strip()} if text else {}


def _word(value: str | int | bool) -> str:  # noqa: FBT001 - a query's value, not a switch
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_local(server: str) -> bool:
    return (urlsplit(server).hostname or "") in {"127.0.0.1", "localhost", "::1"}


def _environment_proxy(server: str) -> str:
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - seldom needed

    if not any(name.lower() in {"http_proxy", "https_proxy", "all_proxy"} for name in os.environ):
        return ""
    parts = urlsplit(server)
    if proxy_bypass(parts.netloc) or _is_local(server):
        return ""
    return getproxies().get(parts.scheme, "")


_links: dict[str, _Link] = {}
_old_links: list[_Link] = []
_links_lock = threading.Lock()


@atexit.register
def _close_all() -> None:
    """Close the connections, after the operations that use them were stopped."""
    operation._stop_all()  # noqa: SLF001 - atexit runs it only later, and streams must end before their session

    async def close() -> None:
        for link in (*_links.values(), *_old_links):
            await link.close()

    if any(link.is_open for link in (*_links.values(), *_old_links)):
        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(close(), operation.background_loop()).result(1.0)
