"""An engine's replies over HTTP: whole ones, and streams of bytes or of JSON lines."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Self

from nbcontainer.byte_stream import Frozen, Silent, Stream
from nbcontainer.engines.failures import lost, plain
from nbcontainer.errors import ApiError
from nbcontainer.http1 import ChunkedBody
from nbcontainer.json_objects import JsonObject

LINE_BYTES = 32 * 1024 * 1024  # BuildKit's trace lines are long, but not that long
READ_BYTES = 64 * 1024


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
        self.headers, self.stream = headers_of(reply), stream
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


def headers_of(reply: http.client.HTTPResponse) -> dict[str, str]:
    """A reply's headers, their names in lower case."""
    return {name.lower(): value for name, value in reply.getheaders()}
