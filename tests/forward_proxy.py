"""The tests' own HTTP proxy: CONNECT, and requests with absolute URLs. It records the requests."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class ForwardProxy(socketserver.ThreadingTCPServer):
    """Runs while it is in a `with` block.

    Args:
        tls: as which server it speaks TLS; None for plain HTTP.

    Attributes:
        addresses: "host:port" → where that really is; what is not in it is taken as it stands.
        targets: the "host:port" of each request, in order.
        logins: what each request had as Proxy-Authorization, "" for nothing.
    """

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Forwarding)
        self._tls = tls
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.addresses: dict[str, str] = {}
        self.targets: list[str] = []
        self.logins: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def finish_request(self, request, client_address):
        """Handle a connection, TLS's handshake included."""
        if self._tls is None:
            super().finish_request(request, client_address)
        else:
            with self._tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Forwarding(socketserver.BaseRequestHandler):
    server: ForwardProxy

    def handle(self) -> None:
        head, _, body = self._read().partition(b"\r\n\r\n")
        if not head:
            return
        first, *headers = head.decode().split("\r\n")
        method, target, version = first.split(" ")
        tunnel = method == "CONNECT"
        host = target if tunnel else urlsplit(target).netloc
        named = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in headers)}
        self.server.targets.append(host)
        self.server.logins.append(named.pop("proxy-authorization", ""))
        address, _, port = self.server.addresses.get(host, host).rpartition(":")
        with socket.create_connection((address, int(port)), 10) as far:
            far.settimeout(None)
            if tunnel:
                self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                lines = [f"{method} {urlsplit(target)._replace(scheme='', netloc='').geturl()} {version}"]
                lines += [f"{name}: {value}" for name, value in (named | {"connection": "close"}).items()]
                far.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            back = threading.Thread(target=_copy, args=(far, self.request), daemon=True)
            back.start()
            _copy(self.request, far)
            back.join()

    def _read(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data and (more := self.request.recv(65_536)):
            data += more
        return data


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
