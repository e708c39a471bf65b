"""The messages of a push or a pull; where their connection freezes, from another one.

Docker joins a repeated request to the transfer that is running, and reports that one's state. Its containerd store and
Podman do not: there, the request is repeated only when the engine's events say that the transfer has ended, and then
reports at once what has become of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from nbcontainer import byte_stream
from nbcontainer.byte_stream import Frozen
from nbcontainer.engines import silence
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.events import Events
from nbcontainer.engines.replies import ReplyStream
from nbcontainer.json_objects import JsonObject, text_of

CONTAINERD = "io.containerd.snapshotter"


class TransferStream:
    """The messages of one push or pull.

    Args:
        engine: the engine.
        action: "push" or "pull".
        image: the image's name with registry and tag.
        request: makes the request.
        say: takes remarks.
    """

    def __init__(
        self,
        engine: Engine,
        action: str,
        image: str,
        request: Callable[[], ReplyStream],
        say: Callable[[str], object],
    ) -> None:
        self._engine, self._action, self._image = engine, action, image
        self._request, self._say = request, say
        self._known: dict[str, JsonObject] = {}  # the last message about each layer, and each other one
        self._joins: bool | None = None  # whether a repeated request joins the transfer, once that has been asked
        self._repeats = 0  # since the last message that was new
        self._heard = time.monotonic()
        self._is_said = False

    def messages(self) -> Generator[JsonObject, None, None]:
        """The engine's messages, each once.

        Raises:
            ApiError: the engine refused, or a message is not JSON.
            EngineUnavailable: it is gone.
        """
        reply = self._open()
        self._events = Events(self._engine, reply)
        try:
            while True:
                try:
                    yield from filter(self._is_new, reply.lines())
                    break
                except Frozen:
                    frozen = reply
                    self._repeats += 1
                    reply = self._open()  # before the old one is closed: Docker ends a transfer that nobody follows
                    frozen.close()
                    self._say_silent()
        finally:
            reply.close()

    def _open(self) -> ReplyStream:
        reply = self._request()
        after = min(silence.CHECK_SECONDS * 2**self._repeats, byte_stream.LONGEST_SECONDS)
        silence.Silence(reply.stream, self._engine.http().check_alive, self._is_behind, self._say_unknown, after=after)
        return reply

    def _is_new(self, message: JsonObject) -> bool:
        name = text_of(message, "id") or text_of(message, "status") or str(message)
        if self._known.get(name) == message:
            return False
        self._known[name] = message
        self._repeats, self._heard, self._is_said = 0, time.monotonic(), False
        return True

    def _is_behind(self) -> bool | None:
        if self._joins is None:
            self._joins = not self._engine.is_podman and CONTAINERD not in self._storage()
        return True if self._joins or self._events.has(self._action, self._image) else None

    def _storage(self) -> str:
        found = self._engine.http().json("GET", "/info", timeout=silence.patience())
        return str(found.get("DriverStatus")) if isinstance(found, dict) else ""

    def _say_unknown(self, words: str) -> None:
        self._say(f"{words} from {self._engine.name}; it has not reported the end of the {self._action}")

    def _say_silent(self) -> None:
        silent = time.monotonic() - self._heard
        if silent >= silence.SAID_SECONDS and not self._is_said:
            self._is_said = True
            self._say(f"nothing for {silent // 60:.0f} min; {self._engine.name} is still at it")
