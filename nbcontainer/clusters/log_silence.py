"""A followed log that is silent: has its container written nothing, or is its connection frozen?

A connection that a proxy or NAT has forgotten looks like that of a quiet container. So what the stream may have missed
is requested again, on a new connection: after half a minute, then less and less often. If there is something that the
stream does not deliver either, it is frozen. Whoever follows the log then opens another one at the same position.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from nbcontainer.clusters.log_stream import copy_stream
from nbcontainer.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.frozen import FrozenConnections
    from nbcontainer.clusters.log_lines import LineReader
    from nbcontainer.logs.cutter import Piece
    from nbcontainer.logs.writer import Channel

FIRST_SECONDS, LONGEST_SECONDS = 30.0, 300.0  # of silence until the first probe, and to which this doubles
GRACE_SECONDS = 3.0  # how much later than a probe a stream may deliver the same line
END_SECONDS = 5.0  # how long after its container's end a silent stream may stay open
MOST_PROBES = 4  # at a time
MOST_LINES = 1_000  # of a probe: the last ones suffice


class FollowedLog(Protocol):
    """The log of a container, read by one stream after another."""

    async def has_missed(self) -> bool:
        """Whether the log has something that was not read.

        Raises:
            ApiError, ClusterUnavailable: this cannot be found out.
        """

    def is_over(self) -> bool:
        """Whether the container that is read has ended."""

    def tell(self, words: str) -> None:
        """Report something about the log."""


class Silence:
    """Watches the streams of one followed log for silence.

    Args:
        followed: the log.
        frozen: told of a frozen stream; where another connection is found frozen, the stream is checked at once.
        probes: limits how many logs are probed at a time.
    """

    def __init__(self, followed: FollowedLog, frozen: FrozenConnections, probes: asyncio.Semaphore) -> None:
        self._followed, self._frozen, self._probes = followed, frozen, probes
        self._arrived = self._checked = 0.0  # by the loop's clock: the last bytes, the last check
        self._news = asyncio.Event()
        self._is_suspect = False
        self._told = ""

    def arrived(self) -> None:
        """Some bytes have arrived."""
        self._arrived = self._now()

    def news(self) -> None:
        """The container may have ended."""
        self._news.set()

    def _suspect(self) -> None:
        """The connection may be frozen: probe it at once, unless it was working or was probed just now."""
        if self._now() - max(self._arrived, self._checked) > GRACE_SECONDS:
            self._is_suspect = True
            self._news.set()

    async def watch(self, reading: Coroutine[object, object, None]) -> bool:
        """Let `reading` follow the log, until it ends or its connection is found frozen.

        Returns:
            Whether it is frozen.

        Raises:
            ClusterUnavailable: the API server cannot be reached.
            Exception: what `reading` raises.
        """
        self.arrived()
        self._checked = self._arrived
        tasks = copying, checking = asyncio.ensure_future(reading), asyncio.ensure_future(self._until_frozen())
        try:
            with self._frozen.checked_by(self._suspect):
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await (copying if copying.done() else checking)
            return not copying.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_frozen(self) -> None:
        pause = FIRST_SECONDS
        while True:
            if self._arrived > self._checked:  # silence begins again
                pause = FIRST_SECONDS
            if await self._is_due(pause):
                if await self._is_frozen(self._arrived):
                    return
                pause = min(2 * pause, LONGEST_SECONDS)

    async def _is_due(self, pause: float) -> bool:
        """Wait for news, or for such a pause since the last bytes or check, or a while; returns whether to check."""

        def due() -> float:
            return max(self._arrived, self._checked) + pause

        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(due(), self._now() + FIRST_SECONDS)):
                await self._news.wait()
        self._news.clear()
        return self._now() >= due() or self._is_suspect or self._followed.is_over()

    async def _is_frozen(self, seen: float) -> bool:
        self._is_suspect = False
        if self._followed.is_over():  # a stream that works ends soon, after everything that was written
            await asyncio.sleep(END_SECONDS)
            return seen == self._arrived
        async with self._probes:
            missed = seen == self._arrived and await self._has_missed()
        self._checked = self._now()
        if missed:
            await asyncio.sleep(GRACE_SECONDS)
        if not missed or seen != self._arrived:
            return False
        self._frozen.found(by=self._suspect)
        self._followed.tell(f"its connection froze: nothing for {self._silent_for()}; a new one continues where it was")
        return True

    async def _has_missed(self) -> bool:
        try:
            missed = await self._followed.has_missed()
        except ApiError as error:
            if error.message != self._told:  # once
                self._told = error.message
                self._followed.tell(
                    f"nothing for {self._silent_for()}; whether it wrote cannot be checked: {error.message}"
                )
            return False
        self._told = ""
        return missed

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _silent_for(self) -> str:
        seconds = self._now() - self._arrived
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - as kubectl's ages


async def has_more(cluster: Cluster, path: str, parameters: Mapping[str, str | int | bool], reader: LineReader) -> bool:
    """Whether a log has more than what its reader was given; the reader itself is not changed.

    Args:
        cluster: the cluster.
        path: the log's path.
        parameters: the query that resumes the reader's stream, or that began it if nothing was read.
        reader: what was given the stream so far.

    Raises:
        ApiError, ClusterUnavailable: it cannot be read.
    """
    again = reader.twin(_Sink())
    again.begin(resume=bool(reader.resume_from))
    last = {"tailLines": min(MOST_LINES, int(parameters.get("tailLines", MOST_LINES)))}
    with suppress(_More):
        await copy_stream(cluster, path, {**parameters, **last}, reader=again)
        return again.unfinished > reader.unfinished
    return True


class _More(Exception):
    """There is more."""


class _Sink:
    """Stops at the first line that was not read before."""

    def add(self, _channel: Channel, pieces: Iterable[Piece]) -> None:
        """Take lines.

        Raises:
            _More: there are some.
        """
        if any(True for _ in pieces):
            raise _More
