"""A followed log of a container: a connection that breaks or is dead is replaced; no line is lost or repeated."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import groupby
from operator import itemgetter

from nbcontainer.byte_stream import Frozen, Silent
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.containers import inspect
from nbcontainer.engines.failures import lost
from nbcontainer.engines.http import OnOpen, Query, quoted
from nbcontainer.engines.log_stamps import Messages, Stamps, Unread
from nbcontainer.engines.output import Frames, LineParts, Pace
from nbcontainer.engines.replies import ReplyStream
from nbcontainer.engines.silence import Silence, patience
from nbcontainer.errors import ApiError, EngineUnavailable, NotFound
from nbcontainer.json_objects import JsonObject, text_of, value_of
from nbcontainer.settings import settings

END_SECONDS = 1.0  # between the end of a log and the engine's report that the container has ended
TRIES = 3  # of connections that deliver nothing
PAUSE_SECONDS = 0.5  # between them
FROZE = "its connection froze; a new one continues where it was"
BROKE = "its connection broke; a new one continues where it was"
ROTATED = "the log was rotated meanwhile: lines may be missing here"


def began(found: JsonObject) -> str:
    """When a running container was started; "" where it is not running."""
    return text_of(found, "State", "StartedAt") if value_of(found, "State", "Running") else ""


class WholeLog:
    """A log up to now, as (stream, bytes); the arguments are those of `FollowedLog`."""

    def __init__(self, engine: Engine, name: str, query: Query, on_open: OnOpen) -> None:
        self._name, self._pace = name, Pace()
        parts = partial(LineParts, same_stamp=not engine.is_podman) if query["timestamps"] else None
        self._frames = Frames(raw=bool(value_of(inspect(engine, name), "Config", "Tty")), parts=parts)
        self._reply = engine.http().stream("GET", f"/containers/{quoted(name)}/logs", query=query, on_open=on_open)

    def read(self) -> list[tuple[str, bytes]]:
        """The next pieces; nothing at the end.

        Raises:
            ApiError: the log broke off, or is not one.
            EngineUnavailable: the engine is gone.
        """
        while pieces := self._reply.pieces():
            found = list(self._frames.feed(*pieces))
            self._pace.wait(pieces)
            if found:
                return found
        if self._frames.broken:
            cure = "See the rest with `%docker logs`."
            raise ApiError(f"The log of {self._name} broke off.", reason="broken stream", cure=cure)
        return []

    def close(self) -> None:
        """End the reading, from any thread."""
        self._reply.close()


class FollowedLog:
    """The messages of one container's log, each with its timestamp.

    Args:
        engine: where the container is.
        name: its name.
        query: which part of its log, as the engine's API takes it.
        on_open: gets a function that ends the reading, from any thread.
        note: takes remarks on connections that were replaced; the second argument says whether lines may be missing.

    Raises:
        NotFound: there is no such container.
        EngineUnavailable: the engine is gone.
    """

    def __init__(
        self, engine: Engine, name: str, query: Query, on_open: OnOpen, note: Callable[[str, bool], object]
    ) -> None:
        self._engine, self._name, self._on_open, self._note = engine, name, on_open, note
        self._path = f"/containers/{quoted(name)}/logs"
        self._query = {**query, "timestamps": True}
        found = inspect(engine, name)
        self._began = began(found)
        self._raw = bool(value_of(found, "Config", "Tty"))
        self._parts = {stream: LineParts(same_stamp=not engine.is_podman) for stream in ("stdout", "stderr")}
        self._stamps, self._pace = Stamps(), Pace()
        self._unread: Unread | None = None
        self._tries = TRIES
        self._is_closed = False
        self._reply = self._open(self._query)
        self._opened = self._reply.headers.get("date", "")
        on_open(self.close)

    def _open(self, query: Query) -> ReplyStream:
        self._messages = Messages(raw=self._raw)
        reply = self._engine.http().stream("GET", self._path, query={**query, "follow": True}, on_open=self._on_open)
        Silence(reply.stream, self._engine.http().check_alive, self._is_behind)
        return reply

    def read(self) -> list[tuple[str, bytes]]:
        """The next lines as (stream, bytes), each with its timestamp; nothing at the end.

        Raises:
            ApiError: the log broke off, or is not one.
            EngineUnavailable: the engine is gone.
        """
        while True:
            try:
                pieces = self._reply.pieces()
                if not pieces:
                    if self._is_closed or not (self._messages.broken or self._goes_on()):
                        return []
                    said = f"The log of {self._name} broke off."
                    self._go_on(BROKE, ApiError(said, reason="broken stream", cure="Follow it again."))
                    continue
            except Frozen as error:
                self._go_on(FROZE, error)
                continue
            except EngineUnavailable as error:
                if self._is_closed:
                    return []
                self._go_on(BROKE, error)
                continue
            found = self._new(self._messages.feed(*pieces))
            self._pace.wait(pieces)
            if found:
                return [
                    (stream, self._parts[stream].join([message for _, message in messages]))
                    for stream, messages in groupby(found, itemgetter(0))
                ]

    def _new(self, found: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        if self._unread is not None:
            found = self._unread.feed(found)
            if self._unread.lost:
                self._unread.lost = False
                self._note(ROTATED, True)  # noqa: FBT003 - as in its signature
        if found:
            self._stamps.take(found)
            self._tries = TRIES
        return found

    def _go_on(self, why: str, error: Exception) -> None:
        """Follow the log on a new connection, from where it had got to; raises the error where that does not work."""
        self._reply.close()
        deadline = time.monotonic() + settings.connect_timeout
        while True:
            self._tries -= 1
            is_gone = time.monotonic() > deadline or isinstance(error.__cause__, Silent)
            if is_gone or self._tries < 0 or self._is_closed:
                if isinstance(error, Frozen):
                    raise lost(f"The connection to {self._engine.name} is lost: {error}", self._engine.address)
                raise error
            self._unread = Unread(self._stamps)
            try:
                self._began = began(inspect(self._engine, self._name))
                self._reply = self._open(self._rest())
            except EngineUnavailable:
                time.sleep(PAUSE_SECONDS)
                continue
            self._note(why, False)  # noqa: FBT003 - as in its signature
            return

    def _rest(self) -> Query:
        """The query for what follows."""
        if since := self._stamps.since:
            return {**self._query, "since": since, "tail": "all"}
        if self._query.get("tail") == "all" or not self._opened:
            return self._query
        opened = parsedate_to_datetime(self._opened)  # the engine's clock: what is older was not to be shown
        return {**self._query, "since": f"{opened.timestamp() + 1:.0f}", "tail": "all"}

    def _is_behind(self) -> bool:
        """Whether the log has more than has arrived, or its container has ended."""
        unread, log = Unread(self._stamps), Messages(raw=self._raw)
        query = {**self._rest(), "follow": False}
        try:
            with self._engine.http().stream("GET", self._path, query=query, timeout=patience()) as reply:
                while pieces := reply.pieces():
                    found = unread.feed(log.feed(*pieces))
                    if b"".join(message for _, message in found).strip(b"\r\n"):
                        return True
            return not self._began or began(inspect(self._engine, self._name)) != self._began
        except NotFound:  # it was removed, which ends its log
            return True

    def _goes_on(self) -> bool:
        """Whether the container has been running since its log was opened: then this was not the log's end."""
        if not self._began:
            return False
        with contextlib.suppress(ApiError):  # it was removed, or did not end within this time
            path = f"/containers/{quoted(self._name)}/wait"
            self._engine.http().call("POST", path, query={"condition": "not-running"}, timeout=END_SECONDS)
            return False
        try:
            return began(inspect(self._engine, self._name)) == self._began  # otherwise it was restarted
        except ApiError:
            return False

    def close(self) -> None:
        """End the reading, from any thread."""
        self._is_closed = True
        self._reply.close()
