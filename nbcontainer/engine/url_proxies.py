"""urllib with the proxies of the environment as docker understands them."""

from __future__ import annotations

import base64
import urllib.request
from urllib.error import URLError
from urllib.parse import unquote, urlsplit

from nbcontainer.proxies import environment_proxy

__all__ = ["EnvironmentProxies"]

PORTS = {"http": 80, "https": 443}


class EnvironmentProxies(urllib.request.ProxyHandler):
    """Takes the place of urllib's own handler, whose rules for NO_PROXY are others."""

    def __init__(self) -> None:
        super().__init__({})

    def http_open(self, request: urllib.request.Request) -> None:
        """Direct a request to its proxy, if it has one; what connects comes after this.

        Raises:
            URLError: the proxy is of a kind that urllib cannot use.
        """
        proxy = environment_proxy(request.full_url)
        if not proxy:
            return
        parts = urlsplit(proxy)
        if parts.scheme not in PORTS:
            raise URLError(f"a proxy of the kind {parts.scheme} is not supported")
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            request.add_unredirected_header("Proxy-Authorization", f"Basic {base64.b64encode(pair).decode()}")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        request.set_proxy(f"{host}:{parts.port or PORTS[parts.scheme]}", parts.scheme)

    https_open = http_open
