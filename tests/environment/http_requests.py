"""HTTP with the standard library: to local servers and unix sockets, bypassing the machine's proxy."""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """An HTTP reply, whatever its status."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(
    url: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | BinaryIO | None = None
) -> Answer:
    """Sends a request directly to a local server, bypassing any proxy that the machine has configured."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(url, method=method, headers=headers or {}, data=body)
    try:
        with opener.open(asked, timeout=30) as reply:
            return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def request_unix(path: Path, target: str, method: str = "GET", seconds: float = 30) -> bytes:
    """The body of an engine's reply on its unix socket."""
    connection = _UnixConnection(path, seconds)
    try:
        connection.request(method, target)
        return connection.getresponse().read()
    finally:
        connection.close()
