"""A proxy to an engine or registry that counts the requests on the wire, as the server sees them."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress

REQUEST = re.compile(rb"([A-Z]+) (/[^ ?]*)\S* HTTP/1\.1\r\n")


class Relay:
    """Takes connections on a port of 127.0.0.1 and passes them on.

    Args:
        target: a unix socket's path, or "host:port".

    Attributes:
        address: where it listens, "host:port".
        requests: "METHOD path" of each HTTP request.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, self._connect() as far:
            back = threading.Thread(target=self._copy, args=(far, near, False), daemon=True)
            back.start()
            self._copy(near, far, True)  # noqa: FBT003 - as in its own signature
            back.join()

    def _connect(self) -> socket.socket:
        if not self._target.startswith("/"):
            host, _, port = self._target.rpartition(":")
            return socket.create_connection((host, int(port)))
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._target)
        return far

    def _copy(self, source: socket.socket, sink: socket.socket, noted: bool) -> None:  # noqa: FBT001 - one way only
        with suppress(OSError):
            while data := source.recv(65_536):
                found = REQUEST.match(data) if noted else None
                if found:
                    self.requests.append(f"{found[1].decode()} {found[2].decode()}")
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
