"""Connections to an engine's tcp address, through the proxy of the environment where there is one."""

from __future__ import annotations

import base64
import http.client
import socket
from urllib.parse import unquote, urlsplit

from nbcontainer.proxies import environment_proxy

__all__ = ["connect_tcp"]


def connect_tcp(host: str, port: int, *, secure: bool, timeout: float) -> socket.socket:
    """Connect to a host, by CONNECT where HTTP_PROXY or, with TLS to come, HTTPS_PROXY names a proxy.

    docker sends what needs no upgrade through the proxy as well, but not attach, exec and builds.

    Raises:
        OSError: nothing answers there, or the proxy refuses.
    """
    bracketed = f"[{host}]" if ":" in host else host
    proxy = environment_proxy(f"{'https' if secure else 'http'}://{bracketed}:{port}")
    if not proxy:
        return socket.create_connection((host, port), timeout)
    parts = urlsplit(proxy)
    where = f"the proxy {parts.hostname}:{parts.port or 80}"
    if parts.scheme != "http":
        raise ConnectionError(f"{where} is of a kind that is not supported: {parts.scheme}")
    headers = {}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    connection.set_tunnel(host, port, headers)
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise ConnectionError(f"{where} does not lead there: {error}") from error
    return connection.sock
