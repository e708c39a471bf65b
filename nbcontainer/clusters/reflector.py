"""List, then watch, then list again: a collection of objects, kept up to date.

The rules are those of client-go's reflector (https://kubernetes.io/docs/reference/using-api/api-concepts/): start a
watch at the list's resourceVersion, request bookmarks, and after "410 Gone" start over with a fresh list, without the
old resourceVersion. A watch that was closed is also followed by a fresh list: API servers cut off slow watchers, and
proxies cut streams, without an error that a client could see. Only a watch that we have given up, because it was silent
for too long, is resumed where it was. What the user may list but not watch is listed again and again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import orjson

from nbcontainer.clusters.failures import is_passing, status_error
from nbcontainer.clusters.managed_fields import METADATA_ALONE, loads
from nbcontainer.errors import ApiError, AuthFailed, ClusterUnavailable, Forbidden
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, value_of

if TYPE_CHECKING:
    import aiohttp

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.http import Cancellation

JSON = "application/json"
Read = TypeVar("Read")
Page = JsonObject  # a list, a Table or a watch event, as the API server sent it
PAGE = 500  # objects in a page, as in kubectl
UNAUTHORIZED, GONE = 401, 410
BATCH_SECONDS = 0.02  # changes within this time are returned together
WATCH_SECONDS = (
    300,
    600,
)  # the API server is asked to end a watch after a random time between these, as client-go does
SILENCE_SECONDS = 150.0  # bookmarks are sent every one or two minutes, so a watch that is silent this long may be dead
AWAITED_SECONDS = 30.0  # the same where a call waits for a change
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0  # seconds before listing again
POLL_SECONDS = 10.0  # between two lists of what may not be watched
AWAITED_POLL_SECONDS = 1.0  # the same where a call waits for a change


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects, listed afresh: the pages as the API server sent them.

    Attributes:
        polled: whether they are only listed from time to time, because the user may not watch them.
    """

    pages: list[Page]
    polled: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """Watch events that came together: {"type": "ADDED" | "MODIFIED" | "DELETED", "object": …}."""

    events: list[Page]


@dataclass(frozen=True, slots=True)
class Away:
    """The API server cannot be watched at the moment, and is tried again; or the user may not watch these objects.

    Attributes:
        reason: why.
        poll: the seconds between two lists, where the user may not watch; else 0.
    """

    reason: str
    poll: float = 0.0

    @property
    def note(self) -> str:
        """What a table says."""
        if self.poll:
            return f"not live, listed every {self.poll:g} s: {self.reason}"
        return f"reconnecting: {self.reason}"


class _Interrupted(Exception):
    """A watch that must begin with a new list; its text says why."""


class _Expired(_Interrupted):
    """The API server no longer has the resourceVersion that a watch began at."""


class _WatchForbidden(Exception):
    """The user may not watch the objects, but perhaps list them."""

    def __init__(self, refusal: Forbidden) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class _Silent(Exception):
    """A watch was silent for too long. Perhaps it is dead; or nothing has changed, where there are no bookmarks."""


@dataclass(slots=True)
class _Position:
    """How far a watch has come.

    Attributes:
        version: the resourceVersion of its last event, or at which it begins; "" to list first.
        resumed: whether it goes on from a watch that was silent.
    """

    version: str
    resumed: bool = False


def list_here(
    cluster: Cluster,
    path: str,
    parameters: Mapping[str, str],
    accept: str = JSON,
    *,
    cancellation: Cancellation | None = None,
) -> list[Page]:
    """All pages of a list; raises as `read_here`."""
    return read_here(cluster, path, parameters, accept, lambda page: page, cancellation=cancellation)


def read_here(
    cluster: Cluster,
    path: str,
    parameters: Mapping[str, str],
    accept: str,
    read: Callable[[Page], Read],
    *,
    cancellation: Cancellation | None = None,
) -> list[Read]:
    """What `read` makes of each page of a list; if a page token expires meanwhile, the list is started over, once.

    Only one page is in memory at a time, as the API server sent it.

    Raises:
        ApiError, ClusterUnavailable: as in `Cluster.call`.
    """
    pages: list[Read] = []
    token, has_begun_anew = "", False
    while token or not pages:
        query = {**parameters, "limit": str(PAGE), **({"continue": token} if token else {})}
        try:
            page = cluster.call("GET", path, parameters=query, accept=accept, cancellation=cancellation)
        except ApiError as error:
            if error.status != GONE or has_begun_anew:
                raise
            pages, token, has_begun_anew = [], "", True
            continue
        check_page(page)
        pages.append(read(page))
        token = text_of(page, "metadata", "continue")
    return pages


async def list_all(cluster: Cluster, path: str, parameters: Mapping[str, str], accept: str = JSON) -> list[Page]:
    """`list_here` for the background loop."""
    return await cluster.in_thread(
        lambda cancellation: list_here(cluster, path, parameters, accept, cancellation=cancellation)
    )


async def reflect(
    cluster: Cluster,
    path: str,
    parameters: Mapping[str, str],
    accept: str = JSON,
    *,
    version: str = "",
    listed: bool = False,
    silence: float = 0.0,
) -> AsyncIterator[Listed | Changed | Away]:
    """Yield the list, then changes, and the list again whenever the watch was interrupted. Ends only with an error.

    Where the user may list but not watch, the list is yielded again after each `POLL_SECONDS`.

    Args:
        cluster: the cluster.
        path: the collection's path.
        parameters: the query, which may narrow it.
        accept: the accepted media types.
        version: the resourceVersion of a list that the caller already has: then changes come first.
        listed: whether it was listed before, perhaps long ago.
        silence: seconds after which a silent watch is resumed on a new connection; 0 for `SILENCE_SECONDS`.

    Raises:
        ApiError: the API server refuses, and a retry would not help.
        ClusterUnavailable: the very first list found no API server. Later, the reflector retries forever.
    """
    pause, listed_once, position = FIRST_PAUSE, listed or bool(version), _Position(version)
    while True:
        try:
            if not position.version:
                pages = await list_all(cluster, path, parameters, accept)
                listed_once = True
                yield Listed(pages)
                position = _Position(version_of(pages))
            began = time.monotonic()
            async for events in _watch(cluster, path, parameters, accept, position=position, silence=silence):
                pause = FIRST_PAUSE
                yield Changed(events)
            position.version = ""
            if position.resumed or time.monotonic() - began > WATCH_SECONDS[0] / 2:
                continue  # the watch's own time limit
            yield Away("the API server closed the watch")
        except _WatchForbidden as error:
            seconds = AWAITED_POLL_SECONDS if silence else POLL_SECONDS
            async for news in _poll(cluster, path, parameters, accept, why=error.refusal.message, seconds=seconds):
                yield news
        except _Interrupted as error:
            yield Away(str(error))
        except (ApiError, ClusterUnavailable) as error:
            if not listed_once or not _may_recover(error):
                raise
            yield Away(error.message)
        position.version = ""
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
        pause = min(pause * 2, LONGEST_PAUSE)


def _may_recover(error: ApiError | ClusterUnavailable) -> bool:
    """Whether to try again: each try reads credentials that are no longer accepted anew, and they may be renewed."""
    return is_passing(error) or (isinstance(error, AuthFailed) and error.status == UNAUTHORIZED)


async def _poll(
    cluster: Cluster, path: str, parameters: Mapping[str, str], accept: str, *, why: str, seconds: float
) -> AsyncIterator[Listed | Away]:
    """The list, again and again: `why` says why it cannot be watched. Ends only with an error."""
    is_away = False
    yield Away(why, seconds)
    while True:
        await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - jitter, not a secret
        try:
            pages = await list_all(cluster, path, parameters, accept)
        except (ApiError, ClusterUnavailable) as error:
            if not _may_recover(error):
                raise
            yield Away(error.message)
            is_away = True
            continue
        yield Listed(pages, polled=True)
        if is_away:
            yield Away(why, seconds)
            is_away = False


async def _watch(
    cluster: Cluster, path: str, parameters: Mapping[str, str], accept: str, *, position: _Position, silence: float
) -> AsyncIterator[list[Page]]:
    """A watch, until the API server closes it; where it is silent for too long, it is resumed on a new connection."""
    while True:
        try:
            async for events in _one_watch(cluster, path, parameters, accept, position=position, silence=silence):
                yield events
        except _Silent:
            position.resumed = True
            continue
        except _Expired:
            if not position.resumed:
                raise
            # without bookmarks, the API server forgets the version of the last change, however quiet it was since
        return


async def _one_watch(
    cluster: Cluster, path: str, parameters: Mapping[str, str], accept: str, *, position: _Position, silence: float
) -> AsyncIterator[list[Page]]:
    """One connection's watch: batches of its events, bookmarks left out."""
    more = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": position.version,
        "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),  # noqa: S311 - jitter, not a secret
    }
    whole, is_open = {**parameters, **more}, False
    metadata_alone = METADATA_ALONE.items() <= parameters.items()
    silence = silence or SILENCE_SECONDS
    try:
        async with cluster.stream(path, parameters=whole, accept=accept, silence=silence, resumable=True) as response:
            is_open = True
            async for lines in _batches(response.content):
                if events := _events(cluster, lines, position, metadata_alone=metadata_alone):
                    yield events
    except Forbidden as error:
        raise _WatchForbidden(error) from None
    except ClusterUnavailable as error:
        if is_open and isinstance(error.__cause__, TimeoutError):
            raise _Silent from error
        raise


def _events(cluster: Cluster, lines: list[bytes], position: _Position, *, metadata_alone: bool) -> list[Page]:
    """The changes in a watch's lines, without bookmarks; the position is moved on."""
    events = list[Page]()
    for line in lines:
        try:
            event = loads(line, metadata_alone=metadata_alone)
        except orjson.JSONDecodeError:
            raise _Interrupted("the API server's answer was cut short") from None
        if not isinstance(value_of(event, "type"), str) or not isinstance(value_of(event, "object"), dict):
            raise ApiError("The API server's answer cannot be read: it is not a watch.")
        if event["type"] == "ERROR":
            _raise_watch_error(cluster, object_of(event, "object"))
        position.version = text_of(event, "object", "metadata", "resourceVersion") or position.version
        if event["type"] != "BOOKMARK":
            events.append(event)
    return events


def version_of(pages: list[Page]) -> str:
    """The resourceVersion at which a list's watch begins."""
    return text_of(pages[0], "metadata", "resourceVersion")


def check_page(page: Page) -> None:
    """Check that an answer is a list or a Table: something other than an API server may have sent it.

    Raises:
        ApiError: it is not.
    """
    listed = all(_is_objects(page.get(key) or []) for key in ("items", "rows", "columnDefinitions"))
    cells = [row.get("cells") or [] for row in entries_of(page, "rows")]
    if (
        not listed
        or not all(isinstance(one, list) for one in cells)
        or not isinstance(page.get("metadata") or {}, dict)
    ):
        raise ApiError("The API server's answer cannot be read: it is not a list.")


def _is_objects(part: object) -> bool:
    return isinstance(part, list) and all(isinstance(one, dict) for one in part)


def _raise_watch_error(cluster: Cluster, status: JsonObject) -> None:
    if status.get("code") == GONE or text_of(status, "reason") in {"Expired", "Gone"}:
        raise _Expired("the API server has forgotten this version")
    raise status_error(cluster, number_of(status, "code") or 500, status)


async def _batches(content: aiohttp.StreamReader) -> AsyncIterator[list[bytes]]:
    """The stream's lines, in batches: each is yielded with those of the next few hundredths of a second."""
    rest, lines, due = b"", list[bytes](), 0.0
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with asyncio.timeout_at(due if lines else None):
                chunk = await content.readany()
        except TimeoutError:
            if not lines:
                raise  # the stream's own time limit: it was silent for too long
        else:
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
            lines += [line for line in whole if line]
        if lines and loop.time() >= due:
            yield lines
            lines, due = [], loop.time() + BATCH_SECONDS
    if lines:
        yield lines
