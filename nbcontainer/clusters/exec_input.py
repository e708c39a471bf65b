"""A long input of a command in a container, which the command may leave unread.

containerd reports a command's end only after it has passed on the whole input, but it passes on no more than the 64 KiB
of a pipe, and some more of its own, until the command reads; a command that has ended never does (`kubectl exec -i`
hangs there). So a shell starts the command, reports its end on stderr with a mark, and reads the rest of the input.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson
from aiohttp import WSMsgType

from nbcontainer.json_objects import value_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import aiohttp

    from nbcontainer.clusters.connection import Cluster

PIPE_BYTES = 64 * 1024  # a pipe's capacity: no one waits for a command that does not read so much
SILENT_SECONDS, LONGEST_SILENT_SECONDS = 15.0, 300.0  # after which the API server is probed, at first and at last
UNKNOWN_SECONDS = 30.0  # of silence after which it is said that a connection cannot be checked
NOT_FOUND = b"-"  # after the mark: there is no such command

# Needs only POSIX sh. $1: the mark; the rest is the command. The shell outlives a TERM that is sent to the whole group;
# its stdout stays open, because containerd passes on no more input once that is closed
SCRIPT = r"""
trap : TERM
if command -v "$2" >/dev/null 2>&1; then
  (shift; exec "$@")
  code=$?
  echo "$1" >&2
else
  code=127
  echo "$1-" >&2
fi
cat >/dev/null 2>&1 || while read -r rest; do :; done
exit $code
"""


class LongInput:
    """The shell around a command with a long input.

    Attributes:
        ended: whether the command has ended, so that it needs no more input.
    """

    def __init__(self, command: tuple[str, ...]) -> None:
        mark = f"\x1e{secrets.token_hex(16)}"
        self.command = ("sh", "-c", SCRIPT, "sh", mark, *command)
        self.ended = False
        self._mark = mark.encode()
        self._held = b""
        self._is_missing = False

    def without_mark(self, data: bytes) -> bytes:
        """The part of stderr's next bytes that the command wrote; what may begin the mark is held back."""
        data, self._held = self._held + data, b""
        before, mark, after = data.partition(self._mark)
        if mark and b"\n" in after:
            word, _, after = after.partition(b"\n")
            self.ended, self._is_missing = True, word == NOT_FOUND
            return before + after
        at = data.rfind(self._mark[:1])
        if at >= 0 and (mark or self._mark.startswith(data[at:])):
            at = len(before) if mark else at
            data, self._held = data[:at], data[at:]
        return data

    def has_not_run(self, status: bytes) -> bool:
        """Whether the command was not run: the container has no shell, or the shell found no such command.

        Args:
            status: the Status object at the shell's end, as JSON.
        """
        try:
            found = orjson.loads(status)
        except ValueError:
            return False
        return self._is_missing or (
            value_of(found, "status") == "Failure" and value_of(found, "reason") != "NonZeroExitCode"
        )


async def messages(
    cluster: Cluster, socket: aiohttp.ClientWebSocketResponse, *, sent: Callable[[], int], tell: Callable[[str], None]
) -> AsyncIterator[aiohttp.WSMessage]:
    """The messages to their end; while there are none, the API server is probed.

    It answers a ping on the connection itself only after what was sent before has been read. So if a ping is not
    answered, and the input does not move on either, the connection may be frozen.

    Args:
        cluster: the cluster.
        socket: the connection.
        sent: says how many bytes of the input were sent so far.
        tell: called once, if it cannot be known whether the connection is frozen.

    Raises:
        ClusterUnavailable: the API server does not answer a probe.
    """
    clock = asyncio.get_running_loop().time
    pause, heard, moved, is_told = SILENT_SECONDS, clock(), sent(), False
    sending: asyncio.Future[None] | None = None
    while True:
        try:
            message = await socket.receive(timeout=pause)
        except TimeoutError:
            if sent() > moved:
                heard, moved = clock(), sent()
            elif clock() - heard > UNKNOWN_SECONDS and not is_told:
                is_told = True
                tell(f"nothing for {clock() - heard:.0f} s; its connection cannot be checked while input is unread")
            await cluster.link.client.probe(cluster)
            if sending is None or sending.done():
                sending = asyncio.ensure_future(_ping(socket))
            pause = min(2 * pause, LONGEST_SILENT_SECONDS)
            continue
        heard = clock()
        if message.type is WSMsgType.PING:
            await socket.pong(message.data)
        elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            pause = SILENT_SECONDS
            yield message
        elif message.type is not WSMsgType.PONG:
            return


async def _ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    with suppress(OSError, RuntimeError):  # it is closed, which the reader learns
        await socket.ping()
