"""What an engine's events say of work whose own connection is silent."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime

from nbcontainer.engines.connection import Engine
from nbcontainer.engines.replies import ReplyStream
from nbcontainer.engines.silence import patience
from nbcontainer.errors import UsageError
from nbcontainer.json_objects import JsonObject, object_of, text_of, texts_of
from nbcontainer.model.references import parse_reference

EARLIER_SECONDS = 2  # Podman stamps an event with the time at which its work began


class Events:
    """An engine's events since a reply began, by the engine's clock."""

    def __init__(self, engine: Engine, reply: ReplyStream) -> None:
        self._engine, self._opened = engine, time.monotonic()
        date = reply.headers.get("date", "")
        self._began = parsedate_to_datetime(date).timestamp() if date else time.time()

    def has(self, action: str, image: str) -> bool:
        """Whether something has happened to an image since, such as "pull"; a request of up to two seconds.

        Args:
            action: what.
            image: its name with registry and tag, or its id without "sha256:", as the engine has it for that action.

        Raises:
            ApiError: the engine does not say.
            EngineUnavailable: it is gone.
        """
        now = self._began + time.monotonic() - self._opened
        found = events(self._engine, {"type": ["image"]}, since=int(self._began) - EARLIER_SECONDS, now=now)
        return any(text_of(event, "Action") == action and _is_of(event, image) for event in found)


def events(engine: Engine, filters: dict[str, list[str]], *, since: int, now: float) -> list[JsonObject]:
    """The engine's events between two times in seconds since the epoch, by its clock.

    Raises:
        ApiError: the engine does not say.
        EngineUnavailable: it is gone.
    """
    until = int(now) + 2  # Podman 4.3 reports nothing up to a time that has passed
    query = {"since": since, "until": until, "filters": filters}
    reply = engine.http().call("GET", "/events", query=query, timeout=patience())
    return [object_of(json.loads(line)) for line in reply.body.splitlines() if line.startswith(b"{")]


def _is_of(event: JsonObject, image: str) -> bool:
    names = (text_of(event, "Actor", "ID"), texts_of(object_of(event.get("Actor")), "Attributes").get("name", ""))
    return image in names or any(_whole(name) == image for name in names if name)


def _whole(name: str) -> str:
    """A name with its registry and its tag; "" where it is none, such as an id."""
    try:
        return str(parse_reference(name).tagged())
    except UsageError:
        return ""
