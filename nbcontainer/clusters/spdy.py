"""The few SPDY/3.1 frames that a port-forward needs, which the API server takes inside a WebSocket.

Each forwarded connection is a pair of streams, "data" and "error". Headers are compressed without SPDY's dictionary,
which is optional for a reader, and the server's own headers, which are empty, are not read.
See https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/ and, for the tunnel,
https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TUNNEL = "SPDY/3.1+portforward.k8s.io"  # the WebSocket's protocol; Kubernetes 1.30 and later
CONTROL, VERSION = 0x8000, 3
SYN_STREAM, RST_STREAM, PING = 1, 3, 6
FIN = 1
HEADER = struct.Struct(">II")  # a frame's: of data, the stream; of control, version and type; then flags and length
CHUNK = 64 * 1024  # bytes of data in a frame


@dataclass(frozen=True, slots=True)
class Data:
    """A part of a stream's data; with `last` nothing follows, because it has ended or was reset."""

    stream: int
    payload: memoryview | bytes
    last: bool = False


class Opening:
    """Opens the streams of one connection, whose headers are compressed together."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj()

    def stream(self, number: int, headers: Mapping[str, str]) -> bytes:
        """The frame that opens a stream; a client's numbers are odd."""
        block = struct.pack(">I", len(headers))
        for word in (word.encode() for pair in headers.items() for word in pair):
            block += struct.pack(">I", len(word)) + word
        compressed = self._compressor.compress(block) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return _control(SYN_STREAM, struct.pack(">IIBB", number, 0, 0, 0) + compressed)


def _control(kind: int, body: bytes) -> bytes:
    return HEADER.pack((CONTROL | VERSION) << 16 | kind, len(body)) + body


def data(stream: int, payload: bytes = b"", *, last: bool = False) -> bytes:
    """A frame with data of a stream."""
    return HEADER.pack(stream, (FIN if last else 0) << 24 | len(payload)) + payload


def reset(stream: int) -> bytes:
    """The frame that gives up a stream."""
    return _control(RST_STREAM, struct.pack(">II", stream, 5))  # 5: cancelled


class Reader:
    """Cuts what arrives into frames. The data of a frame is passed on as it comes, without waiting for all of it.

    Attributes:
        pings: the frames of pings, which are to be sent back as they are.
    """

    def __init__(self) -> None:
        self.pings = b""
        self._rest = b""  # of a header, or of a control frame
        self._stream, self._left, self._last = 0, 0, False  # the data frame that has begun

    def feed(self, received: bytes) -> Iterator[Data]:
        """The frames, or parts of data frames, in the next bytes."""
        view = memoryview(self._rest + received if self._rest else received)
        self._rest = b""
        while view:
            if self._left:
                part, view = view[: self._left], view[self._left :]
                self._left -= len(part)
                yield Data(self._stream, part, last=self._last and not self._left)
                continue
            if len(view) < HEADER.size:
                break
            first, second = HEADER.unpack_from(view)
            flags, length = second >> 24, second & 0xFFFFFF
            if first >> 31 == 0:
                view = view[HEADER.size :]
                self._stream, self._left, self._last = first, length, bool(flags & FIN)
                if not length:
                    yield Data(first, b"", last=self._last)
                continue
            if len(view) < HEADER.size + length:
                break
            frame, view = bytes(view[: HEADER.size + length]), view[HEADER.size + length :]
            kind = first & 0xFFFF
            if kind == PING:
                self.pings += frame
            elif kind == RST_STREAM and length >= 4:  # noqa: PLR2004 - bytes of a stream's number
                yield Data(struct.unpack_from(">I", frame, HEADER.size)[0] & 0x7FFFFFFF, b"", last=True)
        self._rest = bytes(view)
