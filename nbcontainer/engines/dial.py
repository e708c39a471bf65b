"""A byte stream to a daemon: unix socket, tcp, TLS, or ssh.

Everything here raises OSError (mostly ConnectionError) with a readable sentence; `nbcontainer.engines.connection` adds
which engine is meant, and what to do.
"""

from __future__ import annotations

import socket
import sys
from urllib.parse import unquote, urlsplit

from nbcontainer.byte_stream import Stream, TlsStream, closed_on_error
from nbcontainer.engines.child_process import dial_command
from nbcontainer.engines.tls import Tls
from nbcontainer.errors import Unsupported, UsageError
from nbcontainer.proxy_tunnel import connect_tcp
from nbcontainer.tcp import connect

CONNECT_SECONDS = 5.0
# ssh's own probes go through the connection itself: one that a NAT or a proxy has forgotten ends after 45 s
ALIVE_SECONDS = 15
ALIVE_PROBES = 3


def dial(
    address: str, *, tls: Tls | None = None, timeout: float = CONNECT_SECONDS, through_proxy: bool = False
) -> Stream:
    """Connect to an engine's address: unix://, tcp://, https:// or ssh://.

    Args:
        address: in the form of DOCKER_HOST; a bare path is a unix socket.
        tls: for tcp:// with TLS.
        timeout: seconds for the connection, TLS's handshake included. ssh connects only on first use.
        through_proxy: whether to use the environment's proxy for tcp, as docker does for engines but not for builders.

    Raises:
        OSError: nothing answers there.
        Unsupported: a Windows named pipe.
        UsageError: it is not a valid engine address.
    """
    if address.startswith("/"):
        address = f"unix://{address}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{address!r} is not a valid engine address: {error}.") from None
    match parts.scheme:
        case "unix":
            return Stream(_connect_unix(address.removeprefix("unix://"), timeout))
        case "tcp" | "http" | "https":
            secure = tls is not None or parts.scheme == "https"
            if not parts.hostname:
                raise UsageError(f"{address!r} names no host.", cure="An engine's address looks like tcp://host:2375.")
            place = (parts.hostname, port or (2376 if secure else 2375))
            connection = (
                connect_tcp(*place, secure=secure, timeout=timeout) if through_proxy else connect(place, timeout)
            )
            return _with_tls(connection, parts.hostname, tls or Tls()) if secure else _plain(connection)
        case "ssh":
            return dial_command(ssh_command(address, timeout))
        case "npipe":
            raise Unsupported(
                "Windows named pipes",
                "nbcontainer",
                cure="Let Docker Desktop listen on tcp://127.0.0.1:2375 and set DOCKER_HOST to it, or work in WSL.",
            )
    raise UsageError(
        f"{address!r} is not a valid engine address.",
        cure="An address looks like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host.",
    )


def _connect_unix(path: str, timeout: float) -> socket.socket:
    if sys.platform == "win32":  # whose Python has no Unix sockets
        raise Unsupported("Unix sockets", "Python on Windows", cure="Set DOCKER_HOST to tcp://…, or work in WSL.")
    connection = socket.socket(socket.AF_UNIX)
    with closed_on_error(connection):
        connection.settimeout(timeout)
        connection.connect(path)
        connection.settimeout(None)
    return connection


def _plain(connection: socket.socket) -> Stream:
    connection.settimeout(None)
    return Stream(connection)


def _with_tls(connection: socket.socket, host: str, tls: Tls) -> Stream:
    with closed_on_error(connection):
        return TlsStream(tls.context().wrap_socket(connection, server_hostname=host))


def ssh_command(address: str, timeout: float = CONNECT_SECONDS) -> list[str]:
    """The ssh command for an ssh:// address, with docker's own command and options (docker/cli, cli/connhelper).

    Raises:
        UsageError: no host, a password, or a query.
    """
    parts = urlsplit(address)
    if not parts.hostname or parts.password is not None or parts.query or parts.fragment:
        raise UsageError(
            "An ssh engine address is ssh://[user@]host[:port], with no password in it.",
            cure="Let ssh find its key in ~/.ssh or in an agent.",
        )
    alive = ["-o", f"ServerAliveInterval={ALIVE_SECONDS}", "-o", f"ServerAliveCountMax={ALIVE_PROBES}"]
    command = ["ssh", "-o", f"ConnectTimeout={max(1, round(timeout))}", *alive, "-T"]
    if parts.username:
        command += ["-l", unquote(parts.username)]
    if parts.port:
        command += ["-p", str(parts.port)]
    command += ["--", parts.hostname, "docker"]
    if parts.path not in ("", "/"):
        command += ["--host", f"unix://{parts.path}"]
    return [*command, "system", "dial-stdio"]
