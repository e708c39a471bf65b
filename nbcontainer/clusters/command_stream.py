"""A command in a container whose input and output are streams of bytes, for programs rather than for people."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.exec import CLOSE, ERROR, STDERR, STDIN, STDOUT, V4, V5, exit_code_of, refused
from nbcontainer.clusters.exec_end import end_command
from nbcontainer.errors import ApiError, ClusterUnavailable, CommandFailed, NotFound
from nbcontainer.model.pods import ExecRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from nbcontainer.clusters.connection import Cluster

CHUNK = 64 * 1024
MOST_ERRORS = 64 * 1024  # bytes of stderr that are kept

_endings: set[asyncio.Task[str]] = set()  # keeps a reference so that the tasks are not garbage-collected


class CommandStream:
    """A command that is run once.

    Attributes:
        errors: what it wrote on stderr.
    """

    def __init__(self, cluster: Cluster, pod: str, container: str, words: tuple[str, ...]) -> None:
        self._cluster = cluster
        self._request = ExecRequest(pod, words, container=container)
        self._said = b""

    @property
    def errors(self) -> str:
        """What it wrote on stderr."""
        return self._said.decode(errors="replace")

    async def run(self, take: Callable[[bytes], Awaitable[None]], source: asyncio.StreamReader | None = None) -> int:
        """Run it: `take` gets its output, `source` is its input. Returns its exit code.

        Raises:
            NotFound: there is no such pod, container or command.
            ApiError, ClusterUnavailable: it could not be run, or the connection broke.
        """
        began = time.monotonic()
        try:
            return await self._run(take, source)
        except (NotFound, CommandFailed):
            raise
        except BaseException:
            # closing its connection does not end a command that waits for somebody to read its output
            ending = asyncio.create_task(end_command(self._cluster, self._request, began, may_have_ended=True))
            _endings.add(ending)
            ending.add_done_callback(_endings.discard)
            raise

    async def _run(self, take: Callable[[bytes], Awaitable[None]], source: asyncio.StreamReader | None) -> int:
        request = self._request
        parameters: list[tuple[str, str | int | bool]] = [("command", word) for word in request.command]
        parameters += [("stdout", True), ("stderr", True), ("stdin", source is not None)]
        parameters += [("container", request.container)] if request.container else []
        path, opened = POD.path(self._cluster.namespace, request.name, "exec"), False
        try:
            async with self._cluster.websocket(path, parameters=parameters, protocols=(V5, V4), pinged=False) as socket:
                opened = True
                sending = asyncio.create_task(_send(socket, source))
                try:
                    return await self._receive(socket, take)
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except ApiError as error:
            if opened:
                raise
            raise await refused(self._cluster, request, error) from None

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse, take: Callable[[bytes], Awaitable[None]]) -> int:
        async for message in socket:
            data = message.data if isinstance(message.data, bytes) else b""
            if message.type.name == "PING":
                await socket.pong(data)
            elif data[:1] == bytes([STDOUT]):
                await take(data[1:])
            elif data[:1] == bytes([STDERR]):
                self._said = (self._said + data[1:])[:MOST_ERRORS]
            elif data[:1] == bytes([ERROR]):
                return exit_code_of(self._cluster, self._request, data[1:])
        raise ClusterUnavailable(
            f"The connection of the command in {self._request.name} broke before it ended.",
            context=self._cluster.context,
        )


async def _send(socket: aiohttp.ClientWebSocketResponse, source: asyncio.StreamReader | None) -> None:
    while source is not None and not socket.closed:
        part = await source.read(CHUNK)
        await socket.send_bytes(bytes([STDIN]) + part if part else bytes([CLOSE, STDIN]))
        if not part:
            return
