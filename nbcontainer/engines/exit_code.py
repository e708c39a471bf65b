"""The exit code of a container, waited for on connections that may break or freeze."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial

from nbcontainer.byte_stream import Frozen
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.events import events
from nbcontainer.engines.failures import lost, plain
from nbcontainer.engines.http import OnOpen
from nbcontainer.engines.replies import ReplyStream
from nbcontainer.engines.silence import Silence, patience
from nbcontainer.errors import ApiError, EngineUnavailable, NbcontainerError, NotFound
from nbcontainer.json_objects import number_of, object_of, text_of, texts_of, value_of
from nbcontainer.model.logs import LogEvent
from nbcontainer.operation import Progress

PAUSE_SECONDS = 0.5  # between two connections
NOT_STARTED = ("created", "configured", "initialized")  # Docker's word, and Podman's


def has_ended(engine: Engine, path: str) -> bool:
    """Whether a container was started and is no longer running, or no longer exists.

    Raises:
        ApiError: the engine does not say.
        EngineUnavailable: it is gone.
    """
    try:
        found = engine.http().json("GET", f"{path}/json", timeout=patience())
    except NotFound:
        return True
    return not value_of(found, "State", "Running") and text_of(found, "State", "Status") not in NOT_STARTED


def wait_for_exit(engine: Engine, path: str, condition: str, on_open: OnOpen) -> ReplyStream:
    """Wait for a container's exit code. Docker begins its reply at once, Podman only with the container's end.

    Raises:
        NotFound: there is no such container.
        ApiError: the engine refused, or did not answer.
        EngineUnavailable: it is gone.
    """
    query = {"condition": condition}
    request = partial(engine.http().stream, "POST", f"{path}/wait", query=query, on_open=on_open)
    return request(timeout=None) if engine.is_podman else request()


class ExitCode:
    """A container's exit code, waited for on a thread; a connection that breaks is replaced.

    Attributes:
        known: set once it is known, or cannot be found out.

    Args:
        engine: whose container it is.
        path: the container's, "/containers/ID".
        waiting: the reply to POST …/wait, which was sent before the container was started.
        again: the condition to wait for on another connection.
        progress: knows of a stop.
    """

    def __init__(
        self, engine: Engine, path: str, waiting: ReplyStream, again: str, progress: Progress[LogEvent]
    ) -> None:
        self._engine, self._path, self._again, self._progress = engine, path, again, progress
        self._known: int | None = None
        self._error: NbcontainerError | None = None
        self.known = threading.Event()
        threading.Thread(target=self._wait, args=(waiting,), daemon=True, name="nbcontainer: exit code").start()

    def get(self, seconds: float | None = None) -> int | None:
        """The exit code; None where it is not known within `seconds`.

        Raises:
            NbcontainerError: it cannot be found out.
        """
        if not self.known.wait(seconds):
            return None
        if self._error is not None:
            raise self._error
        return self._known

    def _wait(self, waiting: ReplyStream) -> None:
        try:
            code = self._code(waiting)
            while code is None and not self._progress.stopping:
                code = self._ask_again()
            self._known = code
        except NbcontainerError as error:
            self._error = error
        self.known.set()

    def _ask_again(self) -> int | None:
        started = time.monotonic()
        try:
            with wait_for_exit(self._engine, self._path, self._again, self._progress.on_stop) as waiting:
                code = self._code(waiting)
        except NotFound:
            code = self._code_of_removed()
            if code is not None:
                return code
            message = f"{self._engine.name} removed the container before it reported its exit code."
            raise lost(message, self._engine.address) from None
        if code is None:
            time.sleep(max(0.0, PAUSE_SECONDS - (time.monotonic() - started)))
        return code

    def _code(self, waiting: ReplyStream) -> int | None:
        """The exit code that the engine reports; None where the connection broke or froze before."""
        Silence(waiting.stream, self._engine.http().check_alive, lambda: has_ended(self._engine, self._path))
        with contextlib.suppress(EngineUnavailable, Frozen):
            for message in waiting.lines():
                if isinstance(message.get("StatusCode"), int):
                    return self._checked(number_of(message, "StatusCode"))
                said = text_of(message, "Error", "Message") or text_of(message, "Error") or text_of(message, "message")
                raise ApiError(plain(said or f"{message}"))
        return None

    def _checked(self, code: int) -> int | None:
        """The code, unless it is Podman's -1 for a container whose end it is still recording."""
        if code >= 0:
            return code
        found = self._engine.http().json("GET", f"{self._path}/json")
        return number_of(found, "State", "ExitCode") if text_of(found, "State", "Status") == "exited" else None

    def _code_of_removed(self) -> int | None:
        """The exit code of a container that no longer exists, from the engine's events; None where it forgot them."""
        container = self._path.rpartition("/")[2]
        with contextlib.suppress(ApiError, ValueError):
            for event in events(self._engine, {"container": [container]}, since=0, now=time.time()):
                attributes = texts_of(object_of(event.get("Actor")), "Attributes")
                code = attributes.get("exitCode", attributes.get("containerExitCode", ""))
                if text_of(event, "Action") in ("die", "died") and code.isdigit():
                    return int(code)
        return None
