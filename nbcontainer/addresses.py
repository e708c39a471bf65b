"""Whether two addresses lead to the same engine, or to the same API server, however each of them is written.

This uses only what is known on this machine: it opens no connection, and looks up no name except hosts in ssh's own
configuration. If something is not specified, such as the user in an ssh address, the addresses count as the same.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

SSH_PORT = 22
SSH_SECONDS = 5.0  # for `ssh -G`, which reads ssh's configuration
SSH_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")  # docker's own on the remote, if the path names no socket
SERVER_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class _Parts:
    scheme: str
    user: str
    host: str
    port: int
    path: str


def same_engine(one: str, other: str) -> bool:
    """Whether both are addresses of the same engine."""
    a, b = _engine_parts(one), _engine_parts(other)
    if a is None or b is None or a.scheme != b.scheme:
        return False
    match a.scheme:
        case "unix":
            return a.path == b.path or _is_same_file(a.path, b.path)
        case "tcp":
            return a.host == b.host and (a.port == b.port or not (a.port and b.port))
        case "ssh":
            users = a.user == b.user or not (
                a.user and b.user
            )  # a missing user may be the same one, from ssh's configuration
            return users and a.path == b.path and _is_same_ssh_host(a, b)
    return a == b


def same_server(one: str, other: str) -> bool:
    """Whether both are addresses of the same API server: its host, port and path."""
    a, b = _server_parts(one), _server_parts(other)
    return a is not None and b is not None and (a.host, a.port, a.path) == (b.host, b.port, b.path)


def canonical(address: str) -> str:
    """An address, or a pattern of addresses, in its normal form; all schemes over TCP become one."""
    address = address.strip()
    if address.startswith(("/", "unix://")):
        return f"unix://{_real_path(address.removeprefix('unix://'))}"
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    place, slash, path = rest.partition("/")
    scheme = scheme.lower()
    path = _ssh_path(f"{slash}{path}") if scheme == "ssh" else f"{slash}{path}"
    scheme = "tcp" if scheme in {"http", "https"} else scheme
    return f"{scheme}://{unicodedata.normalize('NFKC', place).lower()}{path}".rstrip("/")


def without_password(address: str) -> str:
    """An address without a password, to be shown."""
    before, scheme, rest = address.rpartition("://")
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    return f"{before}{scheme}{user.partition(':')[0]}{at}{host}{slash}{path}"


def _engine_parts(address: str) -> _Parts | None:
    """An engine's address as our dial reads it."""
    if address.startswith(("/", "unix://")):
        return _Parts("unix", "", "", 0, _real_path(address.removeprefix("unix://")))
    parts = _split(address)
    if parts is None:
        return None
    match parts.scheme:
        case "tcp" | "http" | "https":  # without a port: 2375 or 2376, depending on TLS; the path is not used
            return _Parts("tcp", "", parts.host, parts.port, "")
        case "ssh":
            return _Parts("ssh", parts.user, parts.host, parts.port, _ssh_path(parts.path))
    return parts


def _ssh_path(path: str) -> str:
    """The socket that an ssh address names on the remote; "" for docker's own."""
    return "" if os.path.normpath(path) in SSH_SOCKETS else path


def _server_parts(address: str) -> _Parts | None:
    """An API server's address; without a scheme it means http, as in kubectl."""
    parts = _split(address if "://" in address else f"http://{address}")
    if parts is None:
        return None
    return _Parts("", "", parts.host, parts.port or SERVER_PORTS.get(parts.scheme, 0), parts.path)


def _split(address: str) -> _Parts | None:
    try:
        parts = urlsplit(address)
        port = parts.port or 0
    except ValueError:
        return None
    if not parts.scheme or not parts.netloc:
        return None
    return _Parts(
        parts.scheme, unquote(parts.username or ""), _host(parts.hostname or ""), port, parts.path.rstrip("/")
    )


def _host(name: str) -> str:
    """A host name without a trailing dot, or an IP address in its normal form; this machine is "localhost"."""
    with suppress(UnicodeError):
        name = name.encode("idna").decode()  # as for a resolver: full-width letters and digits become plain ones
    name = name.lower().rstrip(".")
    number: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        number = ipaddress.IPv6Address(name) if ":" in name else ipaddress.IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):  # a name; 127.1 and 2130706433 are addresses to a resolver
        return name
    if isinstance(number, ipaddress.IPv6Address):
        number = number.ipv4_mapped or number
    return "localhost" if number.is_loopback or number.is_unspecified else number.compressed


def _is_same_ssh_host(one: _Parts, other: _Parts) -> bool:
    if (one.host, one.port or SSH_PORT) == (other.host, other.port or SSH_PORT):
        return True
    return _ssh_host(one) == _ssh_host(other)


def _ssh_host(parts: _Parts) -> tuple[str, int]:
    """The host and port that ssh connects to: the host may be an alias in ssh's configuration, which ssh resolves."""
    ports = ["-p", str(parts.port)] if parts.port else []
    command = ["ssh", "-G", *(["-l", parts.user] if parts.user else []), *ports, "--", parts.host]
    host, port = parts.host, str(parts.port or SSH_PORT)
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        said = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SSH_SECONDS, check=True
        )
        found = dict(line.partition(" ")[::2] for line in said.stdout.splitlines())
        host, port = found.get("hostname", host), found.get("port", port)
    return _host(host), int(port)


def _real_path(path: str) -> str:
    """A path with links resolved; in a pattern, only the folders before the first wildcard are."""
    first = min((at for at in map(path.find, "*?[") if at >= 0), default=-1)
    if first < 0:
        return os.path.realpath(path)
    folder, slash, rest = path[:first].rpartition("/")
    return f"{os.path.realpath(folder or '/').rstrip('/')}{slash}{rest}{path[first:]}"


def _is_same_file(one: str, other: str) -> bool:
    """Whether both are the same socket: a link or a bind mount may give it several paths."""
    with suppress(OSError, ValueError):
        return Path(one).samefile(other)
    return False
