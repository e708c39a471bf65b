"""Calls to an engine over HTTP/1.1: JSON, streams of JSON lines, raw streams, hijacked connections.

Every reply that is not a success becomes one of our errors, with the engine's own message. A stream can be closed
from another thread, which ends the call at once.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Self
from urllib.parse import quote, urlencode

from nbcontainer.byte_stream import Frozen, Silent, Stream, closed_on_error
from nbcontainer.engines.failures import CHECK_RUNNING, Magic, api_error, lost, plain
from nbcontainer.engines.upgrade import UpgradeRefused, upgrade
from nbcontainer.errors import ApiError, EngineUnavailable, UsageError
from nbcontainer.http1 import ChunkedBody, Connection, IdleConnections
from nbcontainer.json_objects import JsonObject
from nbcontainer.model.commands import ENGINE_IN_USE
from nbcontainer.request_log import LoggedRequest
from nbcontainer.settings import settings

LOG = logging.getLogger(__name__)

CALL_SECONDS = 60.0
REPEATABLE = ("GET", "HEAD")  # any other call may have taken effect already
IDLE_SECONDS = 1.0  # after which a connection is tried before it is used for a call that is not repeatable
LINE_BYTES = 32 * 1024 * 1024  # BuildKit's trace lines are long, but not that long
READ_BYTES = 64 * 1024
Query = Mapping[str, object]
Content = bytes | bytearray | memoryview | Iterable[bytes] | None
Body = Mapping[str, object] | Content
OnOpen = Callable[[Callable[[], None]], None]


class Reply:
    """A whole reply."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> object:
        """The body as JSON; None where it is empty.

        Raises:
            ApiError: it is not JSON.
        """
        if not self.body.strip():
            return None
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError):
            raise ApiError(
                f"The engine's reply is not JSON: {plain(self.body, 100)!r}.", status=self.status, reason="garbage"
            ) from None
        return found


class ReplyStream:
    """A streamed reply. `close` may be called from any thread; the reader then gets an OSError or the end.

    Attributes:
        headers: the reply's, their names in lower case.
        stream: the connection. What is set there to be called while it is silent may raise `Frozen`.
    """

    def __init__(self, reply: http.client.HTTPResponse, stream: Stream, where: str, address: str) -> None:
        self.headers, self.stream = _headers_of(reply), stream
        self._reply, self._where, self._address = reply, where, address
        self._body = ChunkedBody() if reply.chunked else None

    def read(self) -> bytes:
        """The next bytes as they come; b"" at the end.

        Raises:
            EngineUnavailable: the engine broke off in the middle of its reply.
            Frozen: the connection is dead, though the engine is not.
        """
        return b"".join(self.pieces())

    def pieces(self) -> list[bytes]:
        """As `read`, in the pieces that the engine wrote, if the reply is chunked; [] at the end."""
        try:
            return self._pieces()
        except Frozen:
            raise
        except Silent as error:
            raise lost(str(error), self._address) from error
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # ValueError and AttributeError: http.client's file was closed by another thread
            raise lost(f"{self._where} broke off in the middle of its reply.", self._address) from error

    def _pieces(self) -> list[bytes]:
        if self._body is None:
            data = self._reply.read1(READ_BYTES)
            return [data] if data else []
        pieces: list[bytes] = []
        while not pieces and not self._body.ended:
            data = self._reply.fp.read1(READ_BYTES)
            if not data:
                raise http.client.IncompleteRead(data)
            pieces = self._body.feed(data)
        return pieces

    def lines(self) -> Iterator[JsonObject]:
        """The JSON objects of the body, one a line.

        Raises:
            ApiError: a line is not a JSON object.
            EngineUnavailable: the stream broke off.
        """
        rest = b""
        while data := self.read():
            *whole, rest = (rest + data).split(b"\n")
            if len(rest) > LINE_BYTES:
                raise ApiError(f"{self._where} sent a line of more than {LINE_BYTES >> 20} MiB.", reason="garbage")
            yield from (self._object(line) for line in whole if line.strip())
        if rest.strip():
            yield self._object(rest)

    def _object(self, line: bytes) -> JsonObject:
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(line)
            if isinstance(value, dict):
                return value
        raise ApiError(f"{self._where} sent what is not JSON: {plain(line, 100)!r}.", reason="garbage")

    def close(self) -> None:
        """Close the connection, from any thread."""
        self.stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
            found = _headers_of(reply)
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
                raise api_error(reply.status, refusal, _headers_of(reply), self._where, self._magic)
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


def _headers_of(reply: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.getheaders()}


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
