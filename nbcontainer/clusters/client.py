"""An API server's coroutines: calls, streams and WebSockets over one aiohttp session on the background loop.

aiohttp takes a while to import; what needs none of it is in `connection` and `short_calls`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson
from yarl import URL

from nbcontainer.clusters.authentication import tls_context
from nbcontainer.clusters.failures import decode_status, raise_for_status, status_error
from nbcontainer.clusters.short_calls import PROBE
from nbcontainer.errors import ApiError, ClusterUnavailable
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings

if TYPE_CHECKING:
    import ssl

    from nbcontainer.clusters.authentication import Headers
    from nbcontainer.clusters.connection import Cluster, Link, Parameters

__all__ = ["Client"]

Answer = TypeVar("Answer")
LOG = logging.getLogger(__name__)

SWITCHING_PROTOCOLS = 101
UNAUTHORIZED = 401
IDLE_SECONDS = 80.0  # the API server closes idle connections after 90
READ_SECONDS = 60.0  # the API server ends ordinary calls after 60
HANDSHAKE_SECONDS = 30.0  # for what an API server that is there does before a command begins
HEARTBEAT_SECONDS = 10.0  # after which a silent WebSocket is pinged; it breaks without an answer in half of that time
READ_BUFFER = 2**18  # bytes; log streams run at 10 MB/s and more
SILENT_SECONDS = 15.0  # after which a stream's API server is asked whether it is there, as client-go's HTTP/2 pings do
BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


class Client:
    """The session to one context's API server, shared by all namespaces."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._session: aiohttp.ClientSession | None = None
        self._session_for: tuple[Any, ...] = ()
        self._retired: list[aiohttp.ClientSession] = []
        self._tls: ssl.SSLContext | None = None
        self._probing: asyncio.Task[None] | None = None
        self._proven = 0.0  # when a probe was last answered, of `time.monotonic`

    async def session(self) -> tuple[aiohttp.ClientSession, Headers]:
        """The session, and the headers that prove who one is."""
        access, credentials = self._link.access, self._link.credentials
        headers = await credentials.headers_soon()
        wanted = (access, credentials.client_certificate, credentials.client_key)
        if self._session is None or self._session.closed or self._session_for != wanted:
            if self._session is not None:
                self._retired.append(self._session)  # streams may still run on it
            self._tls = tls_context(access, credentials.client_certificate, credentials.client_key)
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls or False, keepalive_timeout=IDLE_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": "nbcontainer"},
                read_bufsize=READ_BUFFER,
                cookie_jar=aiohttp.DummyCookieJar(),
                json_serialize=lambda value: orjson.dumps(value).decode(),
            )
            self._session_for = wanted
        return self._session, headers

    async def close(self) -> None:
        """End all connections."""
        for session in (self._session, *self._retired):
            if session is not None:
                await session.close()
        self._session, self._retired = None, []

    async def send(
        self,
        cluster: Cluster,
        method: str,
        path: str,
        *,
        parameters: Parameters,
        headers: dict[str, str],
        body: bytes | None,
    ) -> tuple[int, bytes]:
        """Call the API server; give its HTTP status and what it said, refusals included (but 401)."""
        async with self._respond(
            cluster, method, path, parameters=parameters, headers=headers, silence=READ_SECONDS, body=body
        ) as response:
            return response.status, await _read(cluster, response)

    @asynccontextmanager
    async def stream(
        self, cluster: Cluster, path: str, *, parameters: Parameters, accept: str, silence: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """`Cluster.stream`."""
        async with self._respond(
            cluster, "GET", path, parameters=parameters, headers={"Accept": accept}, silence=silence
        ) as response:
            if response.status >= 400:  # noqa: PLR2004 - HTTP's own boundary
                raise_for_status(cluster, response.status, decode_status(await _read(cluster, response)))
            watcher = asyncio.create_task(self._end_if_gone(cluster, response.content))
            try:
                yield response
            except BROKEN as error:
                raise cluster.unavailable(error, silence or 0.0) from error
            finally:
                watcher.cancel()
                _break_off(response)  # what was not read must not be waited for

    @asynccontextmanager
    async def websocket(
        self, cluster: Cluster, path: str, *, parameters: Parameters, protocols: tuple[str, ...]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """`Cluster.websocket`."""
        url = URL(cluster.url(path, parameters), encoded=True)
        try:
            try:
                socket = await self._shake_hands(cluster, url, protocols)
            except aiohttp.WSServerHandshakeError as error:
                if error.status != UNAUTHORIZED:
                    raise
                self._link.refresh()  # as for other calls, once
                socket = await self._shake_hands(cluster, url, protocols)
        except aiohttp.WSServerHandshakeError as error:
            # aiohttp drops the refusal's text; a plain call of the same path is refused with the same words
            await cluster.request("GET", path, parameters=parameters)
            raise ApiError(f"{cluster.server} refused a WebSocket.", status=error.status) from None
        except BROKEN as error:
            raise cluster.unavailable(error, settings.connect_timeout + HANDSHAKE_SECONDS) from error
        try:
            yield socket
        except (aiohttp.ClientError, OSError) as error:
            raise cluster.unavailable(error) from error
        finally:
            with suppress(*BROKEN):
                async with asyncio.timeout(0.3):
                    await socket.close()

    async def _shake_hands(
        self, cluster: Cluster, url: URL, protocols: tuple[str, ...]
    ) -> aiohttp.ClientWebSocketResponse:
        session, headers = await self.session()
        with LoggedRequest(LOG, "GET", url.raw_path, cluster.context) as request:
            try:
                async with asyncio.timeout(settings.connect_timeout + HANDSHAKE_SECONDS):
                    socket = await self._answer(
                        cluster,
                        session.ws_connect(
                            url,
                            protocols=protocols,
                            headers=headers,
                            proxy=_proxy(cluster),
                            server_hostname=cluster.link.access.tls_server_name or None,
                            max_msg_size=0,
                            autoclose=True,
                            heartbeat=HEARTBEAT_SECONDS,
                        ),
                    )
            except aiohttp.WSServerHandshakeError as error:
                request.status = error.status
                raise
            request.status = SWITCHING_PROTOCOLS
        return socket

    @asynccontextmanager
    async def _respond(
        self,
        cluster: Cluster,
        method: str,
        path: str,
        *,
        parameters: Parameters,
        headers: dict[str, str],
        silence: float | None,
        body: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a call; credentials that are not accepted are read again once."""
        response = await self._call(
            cluster, method, path, parameters=parameters, headers=headers, silence=silence, body=body
        )
        if response.status == UNAUTHORIZED:
            response.close()
            self._link.refresh()
            response = await self._call(
                cluster, method, path, parameters=parameters, headers=headers, silence=silence, body=body
            )
        try:
            if response.status == UNAUTHORIZED:
                raise status_error(cluster, UNAUTHORIZED, decode_status(await _read(cluster, response)))
            yield response
        finally:
            response.release()

    async def _call(
        self,
        cluster: Cluster,
        method: str,
        path: str,
        *,
        parameters: Parameters,
        headers: dict[str, str],
        silence: float | None,
        body: bytes | None = None,
    ) -> aiohttp.ClientResponse:
        session, own = await self.session()
        if not cluster.compresses:
            headers = {**headers, "Accept-Encoding": "identity"}
        url = URL(cluster.url(path, parameters), encoded=True)
        try:
            with LoggedRequest(LOG, method, url.raw_path, cluster.context) as request:
                response = await self._answer(
                    cluster,
                    session.request(
                        method,
                        url,
                        headers=(*headers.items(), *own),
                        data=body,
                        allow_redirects=False,
                        proxy=_proxy(cluster),
                        server_hostname=cluster.link.access.tls_server_name or None,
                        timeout=aiohttp.ClientTimeout(
                            total=None, connect=None, sock_connect=settings.connect_timeout, sock_read=silence
                        ),
                    ),
                )
                request.status = response.status
        except aiohttp.SocketTimeoutError as error:
            raise cluster.unavailable(error, silence or 0.0) from error
        except BROKEN as error:
            raise cluster.unavailable(error) from error
        return response

    async def _answer(self, cluster: Cluster, call: Coroutine[Any, Any, Answer]) -> Answer:
        """A call's answer. If it has not begun within connect_timeout, the API server must show that it is there."""
        calling = asyncio.ensure_future(call)
        probing: asyncio.Future[None] | None = None
        try:
            done, _ = await asyncio.wait({calling}, timeout=settings.connect_timeout)
            if not done:
                probing = asyncio.ensure_future(self.probe(cluster))
                await asyncio.wait({calling, probing}, return_when=asyncio.FIRST_COMPLETED)
                if not calling.done():
                    await probing
            return await calling
        finally:
            for task in (calling, probing):
                if task is not None and not task.done():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

    async def probe(self, cluster: Cluster) -> None:
        """Ask the API server for a sign of life, on a connection of its own; those who ask at once share the answer.

        Raises:
            ClusterUnavailable: there is none within connect_timeout.
        """
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._ask(cluster))
            self._probing.add_done_callback(_hear)  # those who asked may have gone by then
        await asyncio.shield(self._probing)

    async def _ask(self, cluster: Cluster) -> None:
        connector = aiohttp.TCPConnector(force_close=True, ssl=self._tls or False)
        url = cluster.url(PROBE)
        try:
            with LoggedRequest(LOG, "GET", urlsplit(url).path, cluster.context) as request:
                async with (
                    aiohttp.ClientSession(connector=connector) as session,
                    session.get(
                        url,
                        allow_redirects=False,
                        proxy=_proxy(cluster),
                        server_hostname=cluster.link.access.tls_server_name or None,
                        timeout=aiohttp.ClientTimeout(total=settings.connect_timeout),
                    ) as response,
                ):
                    request.status = response.status
                    self._proven = time.monotonic()  # a refusal is an answer, too
        except BROKEN as error:
            raise cluster.unavailable(error) from error

    async def _end_if_gone(self, cluster: Cluster, content: aiohttp.StreamReader) -> None:
        """Break a silent stream once its API server gives no sign of life: what is frozen may look as if idle."""
        seen = -1
        while True:
            if seen == content.total_bytes and time.monotonic() - self._proven >= SILENT_SECONDS:
                try:
                    await self.probe(cluster)
                except ClusterUnavailable as error:
                    content.set_exception(error)
                    return
            seen = content.total_bytes
            await asyncio.sleep(SILENT_SECONDS)


async def _read(cluster: Cluster, response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except BROKEN as error:
        raise cluster.unavailable(error, READ_SECONDS) from error


def _break_off(response: aiohttp.ClientResponse) -> None:
    """End a reply's connection at once: TLS would wait half a minute for the farewell of a far end that is silent."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _hear(task: asyncio.Task[None]) -> None:
    """Take a task's error, which asyncio writes to the person's output where nobody has taken it."""
    if not task.cancelled():
        task.exception()


def _proxy(cluster: Cluster) -> str | None:
    if cluster.proxy and not cluster.proxy.startswith(("http://", "https://")):
        raise ClusterUnavailable(
            f"The proxy of context {cluster.context!r} is of a kind that is not supported: "
            f"{urlsplit(cluster.proxy).scheme}.",
            context=cluster.context,
            cure="http:// and https:// proxies are.",
        )
    return cluster.proxy or None
