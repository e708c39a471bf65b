"""Every connection that is opened has TCP's keepalive."""

import socket
import threading
import urllib.request
from contextlib import suppress

import pytest

from nbcontainer import tcp
from nbcontainer.engines import url_handlers
from nbcontainer.engines.dial import dial
from nbcontainer.proxy_tunnel import to_proxy

EXPECTED = {
    "TCP_KEEPIDLE": tcp.IDLE_SECONDS,
    "TCP_KEEPALIVE": tcp.IDLE_SECONDS,  # macOS's name
    "TCP_KEEPINTVL": tcp.INTERVAL_SECONDS,
    "TCP_KEEPCNT": tcp.PROBES,
}


def has_keepalive(connection):
    known = {name: value for name, value in EXPECTED.items() if hasattr(socket, name)}
    found = {name: connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in known}
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) and found == known


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("through_proxy", [False, True])
def test_an_engines_connection(port, through_proxy):
    with dial(f"tcp://127.0.0.1:{port}", through_proxy=through_proxy) as stream:
        assert has_keepalive(stream._socket)


def test_a_connection_to_a_proxy(port):
    with to_proxy(f"http://127.0.0.1:{port}", 5) as connection:
        assert has_keepalive(connection)


def test_a_registrys_connection(port, monkeypatch):
    found = []

    def connect(*arguments):
        connection = tcp.connect(*arguments)
        found.append(bool(has_keepalive(connection)))
        return connection

    monkeypatch.setattr(url_handlers, "connect", connect)
    with urllib.request.build_opener(*url_handlers.URL_HANDLERS).open(
        f"http://127.0.0.1:{port}/v2/", timeout=5
    ) as reply:
        assert reply.status == 200
    assert found == [True]


def test_other_sockets_are_left_as_they_are():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        tcp.keep_alive(ours)
        assert not ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
