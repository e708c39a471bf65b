"""Following one container through restarts, broken connections and stream limits, with no line lost or repeated."""

from __future__ import annotations

import asyncio
import math
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.failures import is_passing
from nbcontainer.clusters.log_silence import MOST_PROBES, Silence, has_more
from nbcontainer.clusters.log_sources import container_status
from nbcontainer.clusters.log_stream import copy_stream
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError, ClusterUnavailable, Forbidden, NotFound
from nbcontainer.json_objects import JsonObject, text_of, value_of
from nbcontainer.model.logs import LogSource

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.log_lines import LineReader
    from nbcontainer.logs.writer import LogWriter

MOST_STREAMS, FEWEST_STREAMS = 256, 8
POLL_SECONDS = 2.0  # between two reads of a source that has no stream of its own
NEWS_SECONDS = 1.0  # how long the watch may lag behind the end of a stream
MARGIN = 2  # seconds by which an API's whole seconds, and a slow request, may be off
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
TOO_MANY_REQUESTS = 429


def _open_files() -> int:
    """How many files this process may have open; 0 or less if unlimited."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 - not on Windows

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Slots:
    """How many streams may be open at once. Further sources are polled in turn, so none is refused.

    The limit is halved when the API server refuses one more stream, and grows again with each stream that opens.

    Args:
        most: how many at most, as the user wants it; 0 for as many as possible.

    Attributes:
        used: whether any stream was opened successfully.
        probes: limits how many silent streams are probed at a time.
    """

    def __init__(self, most: int = 0) -> None:
        files = _open_files()
        self.limit = max(FEWEST_STREAMS, min(MOST_STREAMS, files // 4 if files > 0 else MOST_STREAMS))
        self.limit = min(self.limit, most) if most else self.limit
        self._most = self.limit
        self._taken = 0
        self.used = False
        self.probes = asyncio.Semaphore(MOST_PROBES)

    def acquire(self) -> bool:
        """Whether a stream may be opened; call `release` when it has ended."""
        if self._taken >= self.limit:
            return False
        self._taken += 1
        return True

    def release(self) -> None:
        """A stream has ended."""
        self._taken -= 1

    def too_many(self) -> None:
        """The API server refused one more."""
        self.limit = min(self._most, max(FEWEST_STREAMS, self._taken // 2))

    def opened(self) -> None:
        """A stream was opened successfully."""
        self.used = True
        self.limit = min(self._most, self.limit + 1)


class Followed:
    """One container whose log is followed.

    Args:
        bounds: `sinceSeconds` or `sinceTime`, and `tailLines` at the time of the call; empty for what starts later.
        joins: whether to emit that it joined later.
    """

    def __init__(
        self,
        cluster: Cluster,
        pod: JsonObject,
        container: str,
        *,
        source: str,
        reader: LineReader,
        bounds: dict[str, int | str],
        joins: bool,
        writer: LogWriter,
        slots: Slots,
    ) -> None:
        self._cluster, self._writer, self._slots = cluster, writer, slots
        self._container, self._source, self._reader, self._bounds = container, source, reader, bounds
        self._joins = joins
        reader.position.on_gap = self._emit_gap
        self._silence = Silence(self, cluster.link.frozen, slots.probes)
        self._called = time.monotonic()
        self._opened = 0.0  # when a stream was first opened
        self._pod: JsonObject | None = pod
        self._news = asyncio.Event()
        self._reading = ""  # the ID of the container that is being read
        self._finished = ""  # the ID of the last one that was read to its end
        self._note = ""
        self._away = False  # whether an event has said that the log cannot be read at the moment
        self.pod_name = text_of(pod, "metadata", "name")
        self.pod_uid = text_of(pod, "metadata", "uid")

    def update(self, pod: JsonObject | None) -> None:
        """Take the pod's new state from the watch; None if it is gone."""
        if pod is not None:
            self.pod_uid = text_of(pod, "metadata", "uid")  # may be another pod of the same name, as in StatefulSets
        self._pod = pod
        self._news.set()
        self._silence.news()

    async def run(self) -> None:
        """Read until the pod is gone or has ended.

        Raises:
            Forbidden: this user may not read logs.
        """
        pause = FIRST_PAUSE
        while current := await self._next_container():
            try:
                if current != self._reading:
                    await self._catch_up()
                    self._start(current)
                followed = await self._take_turn()
                pause = FIRST_PAUSE
                await self._after_stream(followed=followed)
            except (ApiError, ClusterUnavailable) as error:
                if not await self._should_retry(error, pause):
                    break
                pause = min(pause * 2, LONGEST_PAUSE)
        self._reader.finish()
        self._writer.emit(LogSource(self._source, open=False, note=self._end_words()))

    def _start(self, container_id: str) -> None:
        """Switch to a container's new instance."""
        restarted = bool(self._reading)
        self._reader.finish()
        self._reader.begin(resume=False)
        note = f"{self._source} joined" if self._joins and not restarted else ""
        if restarted:
            self._bounds = {}
            code = value_of(self._status(), "lastState", "terminated", "exitCode")
            note = f"{self._source} was restarted" + (f" (exit code {code})" if code is not None else "")
        self._reading = container_id
        self._writer.emit(LogSource(self._source, open=True, note=note))

    async def _take_turn(self) -> bool:
        """Read further, with a follow stream if the limit allows one; returns whether it did."""
        if not self._slots.acquire():
            await self._read(follow=False)
            return False
        try:
            await self._silence.watch(self._read(follow=True))
        finally:
            self._slots.release()
        return True

    async def _read(self, *, follow: bool, previous: bool = False) -> None:
        since = self._reader.resume_from
        parameters = self._parameters(self._first_bounds())
        parameters |= {"follow": True} if follow else {}
        parameters |= {"previous": True} if previous else {}

        def opened() -> None:
            self._slots.opened()
            self._opened = self._opened or time.monotonic()
            if self._away:
                self._note, self._away = "", False
                self._writer.emit(LogSource(self._source, open=True))
            self._reader.begin(resume=bool(since), within=bool(self._bounds))

        await copy_stream(
            self._cluster,
            self._path,
            parameters,
            reader=self._reader,
            opened=opened,
            arrived=self._silence.arrived,
        )

    @property
    def _path(self) -> str:
        return POD.path(self._cluster.namespace, self.pod_name, "log")

    def _parameters(self, first: dict[str, int | str]) -> dict[str, str | int | bool]:
        """The query that goes on where the reader is; `first` are the bounds while nothing has been read."""
        since = self._reader.resume_from
        bounds: dict[str, str | int | bool] = {"sinceTime": since} if since else {**first}
        return {"container": self._container, "timestamps": True, **bounds}

    async def has_missed(self) -> bool:
        """Whether the log has something that was not read.

        Raises:
            ApiError, ClusterUnavailable: this cannot be found out.
        """
        try:
            return await has_more(self._cluster, self._path, self._parameters(self._least_bounds()), self._reader)
        except NotFound:  # its watch has not said that the pod is gone
            self._cluster.link.frozen.found()
            raise

    def is_over(self) -> bool:
        """Whether the container that is read has ended."""
        return self._pod is None or not self._is_running()

    def tell(self, words: str) -> None:
        """Emit a note about a log that goes on."""
        self._writer.emit(LogSource(self._source, open=True, note=f"{self._source}: {words}"))

    def _first_bounds(self) -> dict[str, int | str]:
        """The bounds while nothing has been read: all lines since the call, however late this request is."""
        bounds, now = self._bounds, time.monotonic()
        if bounds.get("tailLines") == 0 and self._opened:
            return {"sinceSeconds": math.ceil(now - self._opened)}
        if "sinceSeconds" in bounds:
            late = math.ceil(now - self._called) if self._opened else int(now - self._called)
            return bounds | {"sinceSeconds": int(bounds["sinceSeconds"]) + late}
        return bounds

    def _least_bounds(self) -> dict[str, int | str]:
        """The bounds while nothing has been read: only lines that the first stream must have delivered, if any."""
        bounds, now = self._bounds, time.monotonic()
        if bounds.get("tailLines") == 0:
            return {"sinceSeconds": max(1, int(now - self._opened) - MARGIN)}
        if "sinceSeconds" in bounds:
            return bounds | {"sinceSeconds": max(1, int(bounds["sinceSeconds"]) + int(now - self._called) - MARGIN)}
        return bounds

    async def _after_stream(self, *, followed: bool) -> None:
        """A stream ended: find out whether the container ended, or only the connection.

        An unfinished last line counts as a line only if the container ended; otherwise the next stream repeats it.
        """
        if followed and self._is_running():
            await self._wait_for_news(NEWS_SECONDS)
        elif not followed:
            await self._wait_for_news(POLL_SECONDS)
        status = self._status()
        if self._pod is None or (status.get("containerID") == self._reading and not self._is_running()):
            # read what was written between the stream's last byte and the container's end
            if self._pod is not None:
                await self._read_rest(previous=False)
            self._reader.finish()
            self._finished = self._reading

    async def _catch_up(self) -> None:
        """Read the rest of an instance that ended while its stream was broken."""
        last = text_of(self._status(), "lastState", "terminated", "containerID")
        if not self._reading or self._reading == self._finished:
            return
        if last == self._reading:
            await self._read_rest(previous=True)

    async def _read_rest(self, *, previous: bool) -> None:
        """Read the last output of an ended instance; emits a note if the node no longer has it."""
        try:
            await self._read(follow=False, previous=previous)
        except NotFound:
            if self._pod is not None:
                await self._wait_for_news(NEWS_SECONDS)  # the watch is about to report its deletion
        except ApiError as error:
            if is_passing(error):
                raise
            # while a pod is being deleted, the node removes its log as soon as the stream has ended
            if self._pod is not None and not value_of(self._pod, "metadata", "deletionTimestamp"):
                note = f"{self._source}: the end of its log may be missing: {error.message}"
                self._writer.emit(LogSource(self._source, open=False, note=note))

    def _emit_gap(self, since: str) -> None:
        self.tell(f"the node has rotated its log: lines after {since} may be missing")

    async def _should_retry(self, error: ApiError | ClusterUnavailable, pause: float) -> bool:
        """Whether to try again after an error; the error is emitted once."""
        if isinstance(error, ApiError) and error.status == TOO_MANY_REQUESTS:
            self._slots.too_many()
        elif isinstance(error, Forbidden) and not self._slots.used:
            raise error
        elif self._pod is None:
            return False
        elif error.message != self._note:
            self._note, self._away = error.message, True
            self._writer.emit(LogSource(self._source, open=False, note=f"{self._source}: {error.message}"))
        if isinstance(error, Forbidden):
            return False
        await self._wait_for_news(pause)
        return True

    async def _next_container(self) -> str:
        """The ID of the instance to read, once there is one; "" when there will be none."""
        while self._pod is not None:
            current = text_of(self._status(), "containerID")
            if current and current != self._finished:
                return current
            if text_of(self._pod, "status", "phase") in {"Succeeded", "Failed"}:
                return ""
            found = trouble(self._pod)
            if found is not None and found.message != self._note:
                self._note = found.message
                self._writer.emit(LogSource(self._source, open=False, note=found.message))
            await self._wait_for_news(None)
        return ""

    async def _wait_for_news(self, seconds: float | None) -> None:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _status(self) -> JsonObject:
        return container_status(self._pod, self._container) if self._pod is not None else {}

    def _is_running(self) -> bool:
        status = self._status()
        return status.get("containerID") == self._reading and value_of(status, "state", "running") is not None

    def _end_words(self) -> str:
        if self._pod is None or value_of(self._pod, "metadata", "deletionTimestamp"):
            return f"{self.pod_name} was deleted"
        code = value_of(self._status(), "state", "terminated", "exitCode")
        reason, said = (text_of(self._pod, "status", key).strip() for key in ("reason", "message"))
        if reason:  # of the pod itself, such as Evicted or DeadlineExceeded
            return f"{self._source} ended: {reason}{f': {said}' if said else ''}"
        return f"{self._source} ended" + (f" with exit code {code}" if code else "")
