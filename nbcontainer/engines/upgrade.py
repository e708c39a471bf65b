"""The Engine API's HTTP upgrade: an HTTP/1.1 connection becomes a raw one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbcontainer.errors import UsageError

if TYPE_CHECKING:
    from nbcontainer.byte_stream import Stream

REPLY_SECONDS = 5.0
HEADER_BYTES = 64 * 1024


class UpgradeRefused(ConnectionError):
    """The server answered an upgrade with an ordinary reply.

    Attributes:
        status: the reply's HTTP status.
        body: the beginning of the reply's body.
    """

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        super().__init__(f"The upgrade was refused with HTTP {status}.")


def upgrade(
    stream: Stream,
    path: str,
    *,
    protocol: str = "h2c",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout: float | None = REPLY_SECONDS,
) -> dict[str, str]:
    """Turn an HTTP/1.1 connection into a raw one; what arrived after the reply's headers stays in the stream.

    `POST /grpc` and `POST /session` with protocol "h2c" lead to the Engine's BuildKit, "tcp" is for attach and
    exec. Docker's reply is 101, or for older calls 200 and raw bytes.

    Returns:
        the reply's headers, their names in lower case.

    Raises:
        UpgradeRefused: the server answered, but not with an upgrade.
        OSError: the connection broke, or nothing arrived within `timeout` seconds.
    """
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: docker",
        "Connection: Upgrade",
        f"Upgrade: {protocol}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise UsageError("The path or a header of a call contains a line break.")
    stream.settimeout(timeout)
    stream.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    status, reply, rest = _read_head(stream, timeout)
    raw = reply.get("content-type", "").startswith("application/vnd.docker.") and "content-length" not in reply
    if status != 101 and not (status == 200 and protocol == "tcp" and raw):  # noqa: PLR2004 - HTTP's numbers
        with contextlib.suppress(OSError):
            if not rest:
                stream.settimeout(1)  # the body says why, which is worth a short wait
                rest = stream.recv(HEADER_BYTES)
        raise UpgradeRefused(status, rest)
    stream.unread(rest)
    stream.settimeout(None)
    return reply


def _read_head(stream: Stream, timeout: float | None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers, and the bytes after them."""
    deadline = None if timeout is None else time.monotonic() + timeout
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv()
        if not more:
            raise ConnectionError("The connection was closed before a reply came.")
        data += more
        if len(data) > HEADER_BYTES or not data.startswith(b"HTTP/"[: len(data)]):
            raise ConnectionError("The server does not speak HTTP.")
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError("timed out")
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 - version and status
        raise ConnectionError("The server does not speak HTTP.")
    pairs = (line.partition(":") for line in lines)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}, rest
