"""A proxy to an API server that a test can break within a line.

It is plain HTTP on the client's side, except for clients with their own credentials: those are sent only over TLS.
"""

from __future__ import annotations

import base64
import json
import selectors
import socket
import ssl
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from nbcontainer.clusters.authentication import tls_context
from nbcontainer.clusters.kubeconfig import Access
from tests.environment.cluster import Kubernetes

PIECE = 65_536


@dataclass
class Break:
    """Where the next stream breaks: within the marker, in a reply to a request with these words."""

    words: bytes
    marker: bytes
    how: str
    then_refuse: bool


class BreakingProxy:
    """A TCP proxy to one API server, which proves who it is by the access's client certificate.

    Args:
        access: the way to the API server.
        anonymous: its clients prove who they are themselves, over TLS.

    Attributes:
        requests: the first line of each request, in order.
        breaks: how many streams were broken.
        refusing: whether connections are closed as soon as they are made.
        refused: how many were.
        moving: cleared, nothing is passed on, though connections are taken and stay open.
    """

    def __init__(self, access: Access, *, anonymous: bool = False) -> None:
        self._host, port = access.server.removeprefix("https://").rsplit(":", 1)
        self._port = int(port)
        certificate, key = (b"", b"") if anonymous else (access.client_certificate, access.client_key)
        self._tls = tls_context(replace(access, insecure=True), certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._break: Break | None = None
        self._clean = False
        self._near_tls = server_tls() if anonymous else None
        self.authority = access.certificate_authority
        self.server = f"{'https' if anonymous else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.breaks = 0
        self.refusing, self.refused = False, 0
        self.moving = threading.Event()
        self.moving.set()
        self.released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def break_next(self, words: bytes, marker: bytes, how: str, *, then_refuse: bool = False) -> None:
        """Break a stream: "reset" is RST, "closed" is FIN within a chunk.

        "clean" is an end that HTTP cannot distinguish from a good one (the request must be sent after this call).
        "held" is not a break: the data is passed on once `released` is set. `then_refuse` sets `refusing` at the break.
        """
        self._clean = how == "clean"
        self._break = Break(words, marker, how, then_refuse)

    def kubeconfig(self, path: Path, user: dict[str, object] | None = None) -> Path:
        """A kubeconfig with one context that leads through the proxy."""
        return write_kubeconfig(path, self.server, user, self.authority)

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.refusing:
                    near.close()
                    self.refused += 1
                else:
                    threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:  # noqa: C901 - both ways of one connection
        self.moving.wait()
        if self._near_tls is not None:
            try:
                near = self._near_tls.wrap_socket(near, server_side=True)
            except OSError:  # the client closed it while everything stood still
                return
        far = self._tls.wrap_socket(socket.create_connection((self._host, self._port)), server_hostname=self._host)
        request = b""
        with near, far, selectors.DefaultSelector() as ready, suppress(OSError):
            ready.register(near, selectors.EVENT_READ)
            ready.register(far, selectors.EVENT_READ)
            while True:
                found = [key.fileobj for key, _ in ready.select()]
                self.moving.wait()
                if near in found:
                    data = near.recv(PIECE)
                    if not data:
                        return
                    line, _, _ = data.partition(b"\r\n")
                    if line.endswith(b" HTTP/1.1"):
                        request = line
                        self.requests.append(line)
                        if self._clean:  # a reply to HTTP/1.0 ends with its connection
                            data = data.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)
                    far.sendall(data)
                while far in found:
                    data = _received(far)
                    if data is None:
                        break
                    if not data or self._pass_on(near, request, data):
                        return
                    if not far.pending():
                        break

    def _pass_on(self, near: socket.socket, request: bytes, data: bytes) -> bool:
        """Pass data on to the client; returns whether that broke the stream."""
        planned = self._break
        at = data.find(planned.marker) if planned is not None and planned.words in request else -1
        if planned is None or at < 0:
            near.sendall(data)
            return False
        self._break = None
        if planned.how == "held":
            self.breaks += 1
            self.released.wait()
            near.sendall(data)
            return False
        self.refusing = self.refusing or planned.then_refuse
        near.sendall(data[: at + len(planned.marker) // 2])
        if planned.how == "reset":
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.breaks += 1
        return True


def _received(connection: ssl.SSLSocket) -> bytes | None:
    """What came; None where that was TLS's own, such as a session ticket."""
    connection.settimeout(0)
    try:
        return connection.recv(PIECE)
    except ssl.SSLWantReadError:
        return None
    finally:
        connection.settimeout(None)


def server_tls() -> ssl.SSLContext:
    """The API server's certificate and key."""
    pki = Kubernetes().pki
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate("apiserver"), pki.key("apiserver"))
    return context


def write_kubeconfig(path: Path, server: str, user: dict[str, object] | None = None, authority: bytes = b"") -> Path:
    """A kubeconfig with one context."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    document = {
        "current-context": "proxied",
        "contexts": [{"name": "proxied", "context": {"cluster": "proxied", "user": "someone"}}],
        "clusters": [{"name": "proxied", "cluster": cluster}],
        "users": [{"name": "someone", "user": user or {}}],
    }
    path.write_text(json.dumps(document))
    return path
