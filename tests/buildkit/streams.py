"""Byte streams for tests: socket pairs, and one that drops, delays or damages the data."""

import contextlib
import socket


class SocketStream:
    """A socket as a `ByteStream`, preceded by the data that came with an HTTP upgrade."""

    def __init__(self, connected, rest=b""):
        self.socket, self.rest = connected, rest
        self.sent = 0

    def recv(self, size):
        if self.rest:
            rest, self.rest = self.rest, b""
            return rest
        return self.socket.recv(size)

    def sendall(self, data):
        self.sent += len(data)
        self.socket.sendall(data)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def pair():
    """Two connected streams."""
    left, right = socket.socketpair()
    return SocketStream(left), SocketStream(right)
