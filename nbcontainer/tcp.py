"""TCP connections that notice when the other side is gone."""

from __future__ import annotations

import contextlib
import socket
import sys

IDLE_SECONDS = 30  # without data, after which the other side's TCP is asked whether the connection still exists
INTERVAL_SECONDS = 10  # between two such questions
PROBES = 4  # unanswered ones, after which the connection is broken: 70 s after the last data

# by platform: macOS has another name for the first
_OPTIONS = (
    (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), IDLE_SECONDS),
    (("TCP_KEEPINTVL",), INTERVAL_SECONDS),
    (("TCP_KEEPCNT",), PROBES),
)


def connect(
    address: tuple[str, int], timeout: float | None = None, source_address: tuple[str, int] | None = None
) -> socket.socket:
    """As `socket.create_connection`, with `keep_alive`, and without waiting to fill a packet.

    Raises:
        OSError: nothing answers there.
    """
    connection = socket.create_connection(address, timeout, source_address)
    with contextlib.suppress(OSError):  # it is broken already, which its first use reports
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small messages must not wait for an ACK
    keep_alive(connection)
    return connection


def keep_alive(connection: socket.socket) -> None:
    """Turn on TCP's keepalive: it ends a connection whose other side is gone, and keeps NATs from forgetting it.

    Other sockets, such as unix sockets, are left as they are. A proxy in between answers for the other side.
    """
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):  # as above
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "win32":
            milliseconds = (1, IDLE_SECONDS * 1000, INTERVAL_SECONDS * 1000)  # always 10 probes
            connection.ioctl(socket.SIO_KEEPALIVE_VALS, milliseconds)
            return
        for names, value in _OPTIONS:
            number = next((getattr(socket, name) for name in names if hasattr(socket, name)), None)
            if number is not None:
                connection.setsockopt(socket.IPPROTO_TCP, number, value)
