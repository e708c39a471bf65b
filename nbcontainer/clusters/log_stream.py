"""One log stream, copied to a container's reader."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

from nbcontainer.clusters.http import READ_SECONDS
from nbcontainer.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp import ClientResponse

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.log_lines import LineReader

LOG_GONE = "LogGone"  # the reason of an error: the node no longer has this container's log
# kubelets write some errors into the log itself, with status 200 and without a line end
REFUSAL = re.compile(
    rb"unable to retrieve container logs for [a-z0-9-]+://[0-9a-f]+"
    rb'|failed to try resolving symlinks in path "[^"\n]*": [^\n]*'
)
LONGEST_REFUSAL = 1_000  # bytes
_GATHERED_SECONDS = 0.01  # for which a fast stream's bytes wait in the socket, to be read together
_LARGE_PIECE = 64 * 1024  # bytes; such pieces are not made larger


async def copy_stream(
    cluster: Cluster,
    path: str,
    parameters: Mapping[str, str | int | bool],
    *,
    reader: LineReader,
    opened: Callable[[], None] = lambda: None,
    arrived: Callable[[], None] = lambda: None,
    rest: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
) -> None:
    """Copy a log to its end; `rest` is awaited between two pieces, and lets other tasks run.

    A log that is not followed is sent without pauses, so a longer silence is an error.

    Raises:
        ApiError: the API server or the node refuses it; the reason is `LOG_GONE` if the node no longer has the log.
        ClusterUnavailable: the connection broke.
    """
    silence = None if parameters.get("follow") else READ_SECONDS
    try:
        async with cluster.stream(path, parameters=parameters, accept="*/*", silence=silence) as response:
            opened()
            held, doubtful, last = b"", True, 0.0
            async for chunk in response.content.iter_any():
                arrived()
                before, last = last, time.monotonic()
                if last - before < _GATHERED_SECONDS * 2 and len(chunk) < _LARGE_PIECE:
                    await _gather(response)
                held, doubtful = held + chunk, doubtful and _may_be_refusal(held + chunk)
                if doubtful:
                    continue
                reader.feed(held)
                held = b""
                await rest()  # at full speed, the next chunk is always ready
    except ApiError as error:
        if REFUSAL.search(error.message.encode()):
            raise _gone(error.message, error.status) from None
        raise
    if REFUSAL.fullmatch(held):
        raise _gone(held.decode(errors="replace"), 0)
    reader.feed(held)


async def _gather(response: ClientResponse) -> None:
    """Let the socket gather bytes for a moment.

    An API server sends a log in pieces of a few kilobytes; to wake, decrypt and pass on each of them costs more than
    everything that is done with its lines.
    """
    transport = response.connection and response.connection.transport
    if not transport:
        return  # the response has ended
    # a paused TLS transport of asyncio still wakes for each piece: the one below it is asked, where it is known
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport
    below.pause_reading()
    try:
        await asyncio.sleep(_GATHERED_SECONDS)
    finally:
        below.resume_reading()


def _may_be_refusal(beginning: bytes) -> bool:
    """Whether the stream so far may be nothing but an error text."""
    words = (b"unable to retrieve container logs for ", b'failed to try resolving symlinks in path "')
    begins = any(beginning.startswith(word[: len(beginning)]) for word in words)
    return begins and len(beginning) < LONGEST_REFUSAL and b"\n" not in beginning


def _gone(said: str, status: int) -> ApiError:
    return ApiError(f"The node no longer has this log: {said}", status=status, reason=LOG_GONE)
