"""urllib with the environment's proxies as docker understands them, our sockets, and a log line for each request."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from urllib.error import URLError
from urllib.parse import urlsplit

from nbcontainer.proxies import environment_proxy
from nbcontainer.proxy_tunnel import login
from nbcontainer.request_log import LoggedRequest
from nbcontainer.tcp import connect

LOG = logging.getLogger("nbcontainer.registry")
PORTS = {"http": 80, "https": 443}


class EnvironmentProxies(urllib.request.ProxyHandler):
    """Replaces urllib's own handler, whose rules for NO_PROXY differ from docker's."""

    def __init__(self) -> None:
        super().__init__({})

    def http_open(self, request: urllib.request.Request) -> None:
        """Direct a request to its proxy, if it has one; the next handler connects.

        Raises:
            URLError: urllib does not support this kind of proxy, or the request's own URL is not valid.
        """
        try:
            proxy = environment_proxy(request.full_url)
        except ValueError as error:
            raise URLError(str(error)) from None
        if not proxy:
            return
        parts = urlsplit(proxy)
        if parts.scheme not in PORTS:
            raise URLError(f"a proxy of the kind {parts.scheme} is not supported")
        for name, value in login(proxy).items():
            request.add_unredirected_header(name, value)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        request.set_proxy(f"{host}:{parts.port or PORTS[parts.scheme]}", parts.scheme)

    https_open = http_open


class _Logged(urllib.request.AbstractHTTPHandler):
    """Logs each request, redirected ones too."""

    def do_open(
        self, http_class: Callable[..., HTTPConnection], req: urllib.request.Request, **arguments: object
    ) -> HTTPResponse:
        parts = urlsplit(req.full_url)
        where = f"{parts.scheme}://{parts.netloc}"

        def connection(host: str, **options: object) -> HTTPConnection:
            made = http_class(host, **options)
            made._create_connection = connect  # type: ignore[attr-defined] # noqa: SLF001 - it has no argument for it
            return made

        with LoggedRequest(LOG, req.get_method(), parts.path or "/", where) as request:
            reply = super().do_open(connection, req, **arguments)
            request.status = reply.status
        return reply


class _LoggedHTTP(_Logged, urllib.request.HTTPHandler):
    """Replaces urllib's own."""


class _LoggedHTTPS(_Logged, urllib.request.HTTPSHandler):
    """Replaces urllib's own."""


URL_HANDLERS = (EnvironmentProxies, _LoggedHTTP, _LoggedHTTPS)
