"""One connection to a port of a pod, through the API server."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import WSMsgType

from nbcontainer.clusters import spdy
from nbcontainer.clusters.discovery import POD
from nbcontainer.errors import ApiError, ClusterUnavailable, Unsupported

if TYPE_CHECKING:
    import aiohttp

    from nbcontainer.clusters.connection import Cluster

ERRORS, DATA = 1, 3  # the streams of a connection
MOST_REPEATED = 64 * 1024  # bytes from this machine that are kept until the pod has answered
REFUSED = "ConnectionRefused"


class LocalClosed(Exception):
    """The program on this machine has closed its connection, or it broke."""


class PortTunnel:
    """One connection to a port of a pod.

    Args:
        cluster: the cluster.
        pod: the pod's name.
        port: the pod's port.
        early: what an earlier tunnel, in whose place this is, has read from this machine.
    """

    def __init__(self, cluster: Cluster, pod: str, port: int, early: bytes = b"") -> None:
        self._cluster, self._pod, self._port = cluster, pod, port
        self._answered = False
        self.early = early
        self.is_open = False

    @property
    def can_be_replaced(self) -> bool:
        """Whether another tunnel can take its place: nothing has come from the pod, and what was sent is known."""
        return not self._answered and len(self.early) <= MOST_REPEATED

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes, both ways, until the pod closes the connection."""
        path = POD.path(self._cluster.namespace, self._pod, "portforward")
        async with self._cluster.websocket(path, protocols=(spdy.TUNNEL,), pinged=False) as tunnel:
            if tunnel.protocol != spdy.TUNNEL:
                cure = f"{self._cluster.commands.kubectl('port-forward')} in a terminal supports it."
                raise Unsupported("port-forward through a WebSocket", f"{self._cluster.server}", cure=cure)
            self.is_open = True
            opening = spdy.Opening()
            about = {"port": str(self._port), "requestid": "0"}
            await tunnel.send_bytes(
                opening.stream(ERRORS, {"streamtype": "error", **about})
                + spdy.data(ERRORS, last=True)
                + opening.stream(DATA, {"streamtype": "data", **about})
                + (spdy.data(DATA, self.early) if self.early else b"")
            )
            up = asyncio.create_task(self._upload(tunnel, reader))
            down = asyncio.create_task(self._download(tunnel, writer))
            try:
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
                if not down.done():
                    await up  # raises if the local connection broke; if only its input has ended, the answer follows
                await down
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)

    async def _download(self, tunnel: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter) -> None:
        frames, said, open_streams = spdy.Reader(), b"", {ERRORS, DATA}
        async for message in tunnel:
            if message.type is WSMsgType.PING:
                await tunnel.pong(message.data)
            for frame in frames.feed(message.data) if message.type is WSMsgType.BINARY else ():
                if frame.stream == DATA:
                    self._answered = self._answered or bool(frame.payload)
                    writer.write(frame.payload)
                else:
                    said += frame.payload
                if frame.last:
                    open_streams.discard(frame.stream)
            if not open_streams:
                break
            if frames.pings:
                await tunnel.send_bytes(frames.pings)
                frames.pings = b""
            await _drain(writer)
        if said:
            raise self._failed(said.decode(errors="replace"))
        if DATA in open_streams:
            raise ClusterUnavailable(
                f"A connection to port {self._port} of {self._pod} broke.", context=self._cluster.context
            )
        with suppress(OSError):
            writer.write_eof()
            await _drain(writer)

    async def _upload(self, tunnel: aiohttp.ClientWebSocketResponse, reader: asyncio.StreamReader) -> None:
        """Send what the program on this machine writes, and then that it has ended."""
        while True:
            try:
                part = await reader.read(spdy.CHUNK)
            except OSError:
                with suppress(OSError):
                    await tunnel.send_bytes(spdy.reset(DATA))
                raise LocalClosed from None
            if self.can_be_replaced:
                self.early += part
            if tunnel.closed:
                return
            with suppress(OSError):  # what reads the answer knows why it broke
                await tunnel.send_bytes(spdy.data(DATA, part, last=not part))
            if not part:
                return

    def _failed(self, said: str) -> ApiError:
        """Why the pod's node could not connect, from its words, which name every layer."""
        if "connection refused" in said:
            return ApiError(
                f"Nothing listens on port {self._port} in the pod {self._pod}.",
                reason=REFUSED,
                cure="A program that listens only on another address than localhost cannot be reached this way.",
            )
        words = said.rpartition("failed to execute portforward in network namespace ")[2] or said
        return ApiError(f"Port {self._port} of {self._pod} cannot be reached: {words.strip()}", reason="PortForward")


async def _drain(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.drain()
    except OSError:
        raise LocalClosed from None
