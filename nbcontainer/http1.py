"""HTTP/1.1 over our streams: connections, a pool of idle ones, and responses that are complete or an error."""

from __future__ import annotations

import http.client
import io
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from nbcontainer.byte_stream import Stream

_LONGEST_HEAD = 1024  # bytes of a chunk's size and extensions
_LONGEST_CHUNK = 1024 * 1024  # bytes; of a longer one, parts are passed on
_MOST_KNOWN = 4096


class Connection:
    """A connection for one call after another.

    Args:
        stream: the connection itself.
        host: the Host header's value.
        identity: who may use it, for servers that authenticate the connection; it is used for nobody else.
    """

    def __init__(self, stream: Stream, host: str, identity: object = None) -> None:
        self.stream, self.identity = stream, identity
        self.last_used = 0.0  # by `time.monotonic`
        self.is_used_again = False
        self.http = http.client.HTTPConnection(host)
        self.http.response_class = Response
        self.http.auto_open = 0
        self.http.sock = _Unclosed(stream)

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes | None
    ) -> http.client.HTTPResponse:
        """Make a call, and read the response's head. A header may be repeated, and contain any characters.

        Raises:
            OSError, http.client.HTTPException: it broke.
        """
        self.http.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            self.http.putheader(name, value.encode())
        if body is not None or method in {"POST", "PUT", "PATCH"}:
            self.http.putheader("Content-Length", str(len(body or b"")))
        self.http.endheaders(body)
        return self.http.getresponse()

    def close(self) -> None:
        """Close it, from any thread."""
        self.stream.close()


class _Unclosed:
    """The socket methods that http.client calls. It closes its socket while the response is still being read."""

    def __init__(self, stream: Stream) -> None:
        self.sendall, self.makefile = stream.sendall, stream.makefile

    def close(self) -> None:
        """Leave it open: the response's reader closes it."""


Kept = TypeVar("Kept", bound=Connection)


class IdleConnections(Generic[Kept]):
    """The idle connections to one server, kept for the next calls.

    Args:
        most: how many are kept.
        seconds: after which one is no longer used, because the server may be about to close it.
    """

    def __init__(self, most: int, seconds: float = float("inf")) -> None:
        self._most, self._seconds = most, seconds
        self._kept: list[Kept] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def take(self, identity: object = None) -> Kept | None:
        """The most recently used one, unless the server has closed it meanwhile."""
        while True:
            with self._lock:
                connection = self._kept.pop() if self._kept else None
            if connection is None:
                return None
            is_young = time.monotonic() - connection.last_used < self._seconds
            if is_young and connection.identity == identity and not connection.stream.readable(0):
                connection.is_used_again = True
                return connection
            connection.close()

    def keep(self, connection: Kept) -> None:
        """Keep one whose response has been read."""
        connection.last_used = time.monotonic()
        with self._lock:
            self._kept.append(connection)
            count = max(0, len(self._kept) - self._most)
            surplus, self._kept[:] = self._kept[:count], self._kept[count:]
        for each in surplus:
            each.close()

    def close_old(self) -> None:
        """Close those that are no longer used."""
        now = time.monotonic()
        with self._lock:
            old = [each for each in self._kept if now - each.last_used >= self._seconds]
            self._kept[:] = [each for each in self._kept if each not in old]
        for each in old:
            each.close()

    def close_for_good(self) -> None:
        """Close all of them, and keep none any more."""
        self._most = 0
        self.close()

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            kept, self._kept[:] = list(self._kept), []
        for each in kept:
            each.close()


class ChunkedBody:
    """Undoes the chunked transfer coding (RFC 9112, section 7.1) of a streamed body, many small chunks at a time.

    http.client returns them one by one, and docker's daemon sends one for each line of a log.

    Attributes:
        ended: whether the last chunk has come; trailers are not read.
    """

    def __init__(self) -> None:
        self._rest = b"\r\n"  # each chunk's size stands between two line ends, except the first one's
        self._known: dict[bytes, int] = {}  # sizes that need not be read again
        self._head = 0  # how long the last one was
        self._left = 0  # bytes that are still to come of a chunk that is passed on in parts
        self.ended = False

    def feed(self, data: bytes) -> list[bytes]:
        """The chunks that the next bytes of the body complete, each as the server wrote it.

        Raises:
            ValueError: these are not chunks.
        """
        data = self._rest + data if self._rest else data
        found: list[bytes] = []
        at = self._pass_on(data, found) if self._left else 0
        known, head, size, add = self._known, self._head, len(data), found.append
        while not self._left:
            length = known.get(data[at : at + head])
            if length is None:
                end = data.find(b"\r\n", at + 2, at + _LONGEST_HEAD)
                if end < 0:
                    if size - at >= _LONGEST_HEAD:
                        raise ValueError("no chunk's size")
                    break
                head = end + 2 - at
                length = self._learn(data[at : at + head])
            if not length:
                self.ended = True
                break
            start = at + head
            end = start + length
            if end > size:
                if size - start > _LONGEST_CHUNK:
                    self._left = length
                    at = start + self._pass_on(data[start:], found)
                break
            add(data[start:end])
            at = end
        self._head, self._rest = head, data[at:]
        return found

    def _learn(self, head: bytes) -> int:
        """The size of a chunk that begins in this way."""
        length = int(head.partition(b";")[0], 16)
        if length < 0 or not head.startswith(b"\r\n"):
            raise ValueError("not a chunk's size")
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[head] = length
        return length

    def _pass_on(self, data: bytes, found: list[bytes]) -> int:
        """Pass on the next part of a long chunk; returns its length."""
        part = data[: self._left]
        self._left -= len(part)
        if part:
            found.append(part)
        return len(part)


class Response(http.client.HTTPResponse):
    """A response with a complete head.

    http.client also accepts the connection's end as the end of the headers. A response that is cut there would be a
    success with an empty body: an empty list.
    """

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type] # http.client's own
        self.fp = _WholeLines(self.fp.detach())


class _WholeLines(io.BufferedReader):
    """A reader whose lines must end with a newline, except the first, which http.client checks itself."""

    _begun = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if self._begun and not line.endswith(b"\n") and not 0 <= (-1 if size is None else size) <= len(line):
            raise http.client.IncompleteRead(line)
        self._begun = True
        return line
