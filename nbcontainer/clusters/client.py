"""Long-lived connections to an API server: streams and WebSockets over one aiohttp session on the background loop.

aiohttp takes a while to import; what does not need it is in `connection` and `http`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, TypeVar

import aiohttp
import orjson
from yarl import URL

from nbcontainer.clusters.authentication import tls_context
from nbcontainer.clusters.failures import decode_status, raise_for_status, status_error
from nbcontainer.clusters.http import IDLE_SECONDS, READ_SECONDS, proxy_of
from nbcontainer.errors import ApiError, AuthFailed, ClusterUnavailable
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings
from nbcontainer.tcp import keep_alive

if TYPE_CHECKING:
    import ssl
    from asyncio.trsock import TransportSocket

    from nbcontainer.clusters.authentication import Headers
    from nbcontainer.clusters.connection import Cluster, Link, Parameters

Answer = TypeVar("Answer")
LOG = logging.getLogger(__name__)

SWITCHING_PROTOCOLS = 101
UNAUTHORIZED = 401
HANDSHAKE_SECONDS = 30.0  # how long an API server that is reachable may take until a command starts
HEARTBEAT_SECONDS = 10.0  # after which a silent WebSocket is pinged; with no answer in half of that time, it is closed
CLOSE_SECONDS = 0.3  # how long to wait for TLS's close_notify
READ_BUFFER = 2**18  # bytes; log streams run at 10 MB/s and more
SILENT_SECONDS = 15.0  # after which a silent stream's API server is probed, as client-go's HTTP/2 pings do
LONGEST_SILENT_SECONDS = 300.0  # to which the time until the next probe doubles
BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


class Client:
    """The session to one context's API server, shared by all namespaces."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._session: aiohttp.ClientSession | None = None
        self._session_for: tuple[object, ...] = ()
        self._retired: list[aiohttp.ClientSession] = []
        self._tls: ssl.SSLContext | None = None

    async def session(self) -> tuple[aiohttp.ClientSession, Headers]:
        """The session, and the headers with the credentials."""
        access, credentials = self._link.access, self._link.credentials
        headers = await credentials.headers_soon()
        wanted = (access, credentials.client_certificate, credentials.client_key)
        if self._session is None or self._session.closed or self._session_for != wanted:
            if self._session is not None:
                self._retired.append(self._session)  # streams may still run on it
            self._tls = tls_context(access, credentials.client_certificate, credentials.client_key)
            # connections are not reused: one that has died meanwhile would look like a stream on which nothing happens
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls or False, force_close=True)
            # otherwise asyncio waits 30 s for the close_notify of a silent server; the public argument is deprecated
            connector._ssl_shutdown_timeout = CLOSE_SECONDS  # noqa: SLF001 - see above
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

    @asynccontextmanager
    async def stream(
        self,
        cluster: Cluster,
        path: str,
        *,
        parameters: Parameters,
        accept: str,
        silence: float | None,
        resumable: bool,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """`Cluster.stream`."""
        loop = asyncio.get_running_loop()
        with ExitStack() as ending:
            # the list before a watch, and probes, leave connections that perhaps nothing uses again
            ending.callback(loop.call_later, 2 * IDLE_SECONDS, self._link.http.close_old)
            response = await self._accepted(lambda: self._call(cluster, path, parameters, accept, silence))
            ending.callback(_abort, response)  # do not wait for what was not read
            if response.status >= 400:  # noqa: PLR2004 - HTTP's own boundary
                raise_for_status(cluster, response.status, decode_status(await _read(cluster, response)))
            watcher = asyncio.create_task(self._end_if_gone(cluster, response.content))
            ending.callback(watcher.cancel)
            try:
                with self._ended_if_suspect(response.content) if resumable else nullcontext():
                    yield response
            except BROKEN as error:
                raise cluster.unavailable(error, silence or 0.0) from error

    @asynccontextmanager
    async def websocket(
        self, cluster: Cluster, path: str, *, parameters: Parameters, protocols: tuple[str, ...], pinged: bool
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """`Cluster.websocket`."""
        url = URL(cluster.url(path, parameters), encoded=True)
        try:
            socket = await self._accepted(lambda: self._handshake(cluster, url, protocols, pinged=pinged))
        except aiohttp.WSServerHandshakeError as error:
            # aiohttp drops the refusal's text, so we make a plain call of the same path to get it
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

    async def _handshake(
        self, cluster: Cluster, url: URL, protocols: tuple[str, ...], *, pinged: bool
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
                            proxy=proxy_of(cluster) or None,
                            server_hostname=cluster.link.access.tls_server_name or None,
                            max_msg_size=0,
                            autoclose=True,
                            autoping=pinged,
                            heartbeat=HEARTBEAT_SECONDS if pinged else None,
                        ),
                    )
            except aiohttp.WSServerHandshakeError as error:
                request.status = error.status
                if error.status == UNAUTHORIZED:
                    raise status_error(cluster, UNAUTHORIZED, {"message": "Unauthorized"}) from None
                raise
            request.status = SWITCHING_PROTOCOLS
        self._link.http.reached()
        with suppress(AttributeError):  # asyncio's, of a connection through TLS that has just been lost
            _keep_alive(socket.get_extra_info("socket"))
        return socket

    async def _accepted(self, open: Callable[[], Awaitable[Answer]]) -> Answer:  # noqa: A002 - what it does
        """What `open` returns; credentials that are not accepted are read again once."""
        try:
            return await open()
        except AuthFailed as error:
            if error.status != UNAUTHORIZED:
                raise
            self._link.refresh()
            return await open()

    async def _call(
        self, cluster: Cluster, path: str, parameters: Parameters, accept: str, silence: float | None
    ) -> aiohttp.ClientResponse:
        session, own = await self.session()
        headers = {"Accept": accept} | ({} if cluster.compresses else {"Accept-Encoding": "identity"})
        url = URL(cluster.url(path, parameters), encoded=True)
        timeout = aiohttp.ClientTimeout(
            total=None, connect=None, sock_connect=settings.connect_timeout, sock_read=silence
        )
        try:
            with LoggedRequest(LOG, "GET", url.raw_path, cluster.context) as request:
                response = await self._answer(
                    cluster,
                    session.get(
                        url,
                        headers=(*headers.items(), *own),
                        allow_redirects=False,
                        proxy=proxy_of(cluster) or None,
                        server_hostname=cluster.link.access.tls_server_name or None,
                        timeout=timeout,
                    ),
                )
                request.status = response.status
        except aiohttp.SocketTimeoutError as error:
            raise cluster.unavailable(error, silence or 0.0) from error
        except BROKEN as error:
            raise cluster.unavailable(error, READ_SECONDS if type(error) is TimeoutError else 0.0) from error
        self._link.http.reached()
        if response.connection is not None and response.connection.transport is not None:
            _keep_alive(response.connection.transport.get_extra_info("socket"))
        if response.status == UNAUTHORIZED:
            raise status_error(cluster, UNAUTHORIZED, decode_status(await _read(cluster, response)))
        return response

    async def _answer(self, cluster: Cluster, call: Coroutine[object, object, Answer]) -> Answer:
        """A call's response. If it has not started within connect_timeout, the API server is probed.

        If that answers, the call may take as long as an ordinary one: its own connection may be frozen.
        """
        calling = asyncio.ensure_future(call)
        probing: asyncio.Future[None] | None = None
        try:
            done, _ = await asyncio.wait({calling}, timeout=settings.connect_timeout)
            if not done:
                probing = asyncio.ensure_future(self.probe(cluster))
                await asyncio.wait({calling, probing}, return_when=asyncio.FIRST_COMPLETED)
                if not calling.done():
                    await probing
            async with asyncio.timeout(READ_SECONDS):
                return await calling
        finally:
            for task in (calling, probing):
                if task is not None and not task.done():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

    async def probe(self, cluster: Cluster) -> None:
        """`Http.probe`, which decides whether the API server is reachable."""
        await asyncio.to_thread(self._link.http.probe, cluster)

    def _ended_if_suspect(self, content: aiohttp.StreamReader) -> AbstractContextManager[None]:
        """End a stream, as if it had been silent for too long, once another connection is found frozen."""
        frozen = TimeoutError("another connection is frozen")
        return self._link.frozen.checked_by(lambda: content.set_exception(frozen))

    async def _end_if_gone(self, cluster: Cluster, content: aiohttp.StreamReader) -> None:
        """Close a silent stream once its API server fails a probe: a dead connection looks like an idle one.

        A probe is made on a new connection: it does not show whether the stream's own was forgotten.
        """
        seen, pause = -1, SILENT_SECONDS
        while True:
            known = self._link.http.since_reached()
            if seen != content.total_bytes:
                seen, pause, known = content.total_bytes, SILENT_SECONDS, 0.0
            elif known >= pause:
                try:
                    await self.probe(cluster)
                except ClusterUnavailable as error:
                    content.set_exception(error)
                    return
                known, pause = 0.0, min(2 * pause, LONGEST_SILENT_SECONDS)
            await asyncio.sleep(pause - known)


async def _read(cluster: Cluster, response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except BROKEN as error:
        raise cluster.unavailable(error, READ_SECONDS) from error


def _abort(response: aiohttp.ClientResponse) -> None:
    """Close a response's connection at once: TLS would wait half a minute for a silent server's close_notify."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _keep_alive(connection: TransportSocket | None) -> None:
    """Turn on TCP's keepalive, once aiohttp has connected: its `socket_factory` is newer than some of its versions."""
    if connection is not None:
        with connection.dup() as same:
            keep_alive(same)
