"""Calls to an engine over HTTP/1.1: JSON, streams of JSON lines, raw streams, hijacked connections.

Every reply that is not a success becomes one of our errors, with the engine's own message. A stream can be closed
from another thread, which ends the call at once.
"""

from __future__ import annotations

import http.client
import json
import logging
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, urlencode

from nbcontainer.byte_stream import Silent, Stream, closed_on_error
from nbcontainer.engines.failures import CHECK_RUNNING, Magic, api_error, lost, plain
from nbcontainer.engines.replies import Reply, ReplyStream, headers_of
from nbcontainer.engines.upgrade import UpgradeRefused, upgrade
from nbcontainer.errors import ApiError, EngineUnavailable, UsageError
from nbcontainer.http1 import Connection, IdleConnections
from nbcontainer.model.commands import ENGINE_IN_USE
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings

LOG = logging.getLogger(__name__)

CALL_SECONDS = 60.0
REPEATABLE = ("GET", "HEAD")  # any other call may have taken effect already
IDLE_SECONDS = 1.0  # after which a connection is tried before it is used for a call that is not repeatable
Query = Mapping[str, object]
Content = bytes | bytearray | memoryview | Iterable[bytes] | None
Body = Mapping[str, object] | Content
OnOpen = Callable[[Callable[[], None]], None]


class Http:
    """Calls to one engine.

    Args:
        dial: opens a new connection; its errors pass through.
        where: the engine in words, for messages.
        version: the API version that prefixes each path, such as "1.47"; "" for none.
        address: the engine's, for errors.
        magic: makes the `%docker` line for this engine from a verb and its words, for cures.

    Attributes:
        froze: when a kept connection was last found to be frozen (`time.monotonic`).
    """

    def __init__(
        self,
        dial: Callable[[], Stream],
        *,
        where: str,
        version: str = "",
        address: str = "",
        magic: Magic = ENGINE_IN_USE.magic,
    ) -> None:
        self._dial = dial
        self._magic = magic
        self._where = where
        self._address = address
        self._prefix = f"/v{version}" if version else ""
        self.froze = float("-inf")
        self._idle = IdleConnections[_Connection](most=1)
        # no __del__: in a cycle the socket may be finalized before it
        weakref.finalize(self, self._idle.close)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = CALL_SECONDS,
    ) -> Reply:
        """One call; `body` is JSON unless it is bytes. The connection is kept for the next one.

        Raises:
            ApiError: the engine refused; NotFound, Forbidden, Conflict where it said so.
            EngineUnavailable: it cannot be reached, or went away before it answered.
        """
        connection = self._kept(method)
        for attempt in (connection, None) if connection is not None else (None,):
            used = attempt or _Connection(self._dial(), self._where)
            is_repeatable = attempt is not None and method in REPEATABLE
            used.stream.when_silent(self._give_up if is_repeatable else self.check_alive, settings.connect_timeout)
            with closed_on_error(used):
                try:
                    reply = used.request(method, self._target(path, query), body, headers, timeout)
                    content = reply.read()
                except (OSError, http.client.HTTPException, ValueError) as error:
                    dropped = isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError))
                    if not is_repeatable or not dropped:
                        raise self._broken(error, timeout) from error
                    used.close()  # the engine had closed the connection while it was idle, or it was forgotten
                    continue
            if reply.will_close:
                used.close()
            else:
                self._idle.keep(used)
            found = headers_of(reply)
            if reply.status >= 400 or reply.status in (301, 302, 307):  # noqa: PLR2004 - HTTP's numbers
                raise api_error(reply.status, content, found, self._where, self._magic)
            return Reply(reply.status, found, content)
        raise AssertionError

    def json(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Body = None,
        timeout: float | None = CALL_SECONDS,
    ) -> object:
        """As `call`, and the reply's JSON."""
        return self.call(method, path, query=query, body=body, timeout=timeout).json()

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = CALL_SECONDS,
        on_open: OnOpen | None = None,
    ) -> ReplyStream:
        """A call whose reply is streamed.

        Args:
            method: the HTTP method.
            path: without the version.
            query: its parameters; those that are None are left out.
            body: JSON, bytes, or an iterable of bytes.
            headers: additional ones.
            timeout: seconds to wait for the reply's head; None for no limit.
            on_open: gets a function that closes the connection from any thread, before the engine has answered.

        Raises:
            ApiError: as `call`.
            EngineUnavailable: it cannot be reached.
        """
        connection = _Connection(self._dial(), self._where)
        connection.stream.when_silent(self.check_alive, settings.connect_timeout)
        if on_open is not None:
            on_open(connection.close)
        with closed_on_error(connection):
            try:
                reply = connection.request(method, self._target(path, query), body, headers, timeout)
                refusal = reply.read() if reply.status >= 400 else None  # noqa: PLR2004 - HTTP's numbers
                connection.stream.settimeout(None)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._broken(error, timeout) from error
            if refusal is not None:
                raise api_error(reply.status, refusal, headers_of(reply), self._where, self._magic)
        connection.stream.when_silent(self.check_alive)
        return ReplyStream(reply, connection.stream, self._where, self._address)

    def hijack(
        self,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, object] | None = None,
        protocol: str = "tcp",
        on_open: OnOpen | None = None,
    ) -> tuple[Stream, dict[str, str]]:
        """POST and take over the connection, for attach, exec ("tcp"), BuildKit ("h2c"); with the reply's headers.

        `on_open` is as in `stream`.

        Raises:
            ApiError: the engine refused.
            EngineUnavailable: it cannot be reached.
        """
        stream = self._dial()
        if on_open is not None:
            on_open(stream.close)
        content, headers = (b"", {}) if body is None else _encode_json(body)
        with closed_on_error(stream):
            target = self._target(path, query)
            with LoggedRequest(LOG, "POST", target, self._where) as request:
                try:
                    found = upgrade(stream, target, protocol=protocol, headers=headers, body=content)
                    request.status = "upgraded"
                except UpgradeRefused as refused:
                    request.status = refused.status
                    raise api_error(refused.status, refused.body, {}, self._where, self._magic) from None
                except OSError as error:
                    raise self._broken(error) from error
        if protocol == "tcp":  # BuildKit's own protocol can check on the connection itself
            stream.when_silent(self.check_alive)
        return stream, found

    def close(self, *, for_good: bool = False) -> None:
        """Close the idle connection; with `for_good`, later calls keep none either."""
        if for_good:
            self._idle.close_for_good()
        else:
            self._idle.close()

    def check_alive(self) -> None:
        """Check that an engine that is slow to reply answers at all.

        Raises:
            Silent: it is not.
        """
        ping = None
        try:
            ping = _Connection(self._dial(), self._where)
            ping.request("GET", "/_ping", None, None, settings.connect_timeout).read()
        except (OSError, http.client.HTTPException, EngineUnavailable) as error:
            raise Silent(f"{self._where} does not answer.") from error
        finally:
            if ping is not None:
                ping.close()

    def _kept(self, method: str) -> _Connection | None:
        """The idle connection; one that a NAT or a proxy has forgotten is not used for a call with an effect."""
        connection = self._idle.take()
        if connection is None or method in REPEATABLE or time.monotonic() - connection.last_used < IDLE_SECONDS:
            return connection
        connection.stream.when_silent(None)
        with closed_on_error(connection):
            try:
                reply = connection.request("GET", "/_ping", None, None, settings.connect_timeout)
                reply.read()
                if not reply.will_close:
                    return connection
            except TimeoutError:
                self.froze = time.monotonic()
            except (OSError, http.client.HTTPException, ValueError):
                pass
            connection.close()
        return None

    def _give_up(self) -> None:
        """Give up a connection on which no reply comes, if the engine answers on another one.

        Raises:
            Silent: it does not.
            ConnectionResetError: it does.
        """
        self.check_alive()
        self.froze = time.monotonic()
        raise ConnectionResetError("The connection froze.")

    def _target(self, path: str, query: Query | None) -> str:
        pairs = [(name, _query_text(value)) for name, value in (query or {}).items() if value is not None]
        return f"{self._prefix}{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    def _broken(self, error: Exception, timeout: float | None = None) -> ApiError | EngineUnavailable:
        if isinstance(error, TimeoutError):
            after = f" within {timeout:g} s" if timeout else ""
            return ApiError(f"{self._where} did not answer{after}.", reason="timeout", cure=CHECK_RUNNING)
        if isinstance(error, http.client.RemoteDisconnected):
            return lost(f"{self._where} closed the connection without an answer.", self._address)
        if isinstance(error, Silent):
            return lost(str(error), self._address)
        if isinstance(error, http.client.IncompleteRead):
            return lost(f"{self._where} broke off in the middle of its reply.", self._address)
        if isinstance(error, OSError):
            words = (error.strerror or str(error)).rstrip(".")
            return lost(f"The connection to {self._where} broke: {plain(words)}.", self._address)
        return ApiError(f"The server at {self._where} does not speak the Engine API.", reason="garbage")


class _Connection(Connection):
    """A connection to an engine.

    Args:
        stream: the connection.
        where: the engine in words.
    """

    def __init__(self, stream: Stream, where: str) -> None:
        super().__init__(stream, "docker")
        self._where = where

    def request(
        self, method: str, target: str, body: Body, headers: Mapping[str, str] | None, timeout: float | None
    ) -> http.client.HTTPResponse:
        """Send a request, whose body may be an iterable of bytes, and read the head of its reply."""
        self.stream.settimeout(timeout)
        content, extra = _encode(body)
        with LoggedRequest(LOG, method, target, self._where) as request:
            self.http.request(method, target, content, {**extra, **(headers or {})}, encode_chunked=False)
            reply = self.http.getresponse()
            request.status = reply.status
        return reply


def _encode(body: Body) -> tuple[Content, dict[str, str]]:
    if isinstance(body, Mapping):
        return _encode_json(body)
    return body, {}


def _encode_json(body: Mapping[str, object]) -> tuple[bytes, dict[str, str]]:
    return json.dumps(dict(body)).encode(), {"Content-Type": "application/json"}


def _query_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def quoted(name: str) -> str:
    """A name as one or more segments of a path: "team/app" keeps its slash.

    Raises:
        UsageError: a segment is empty, "." or "..": the path would be that of something else.
    """
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise UsageError(f"{plain(name, 100)!r} is not a valid name.")
    return quote(name, safe="/:@")
