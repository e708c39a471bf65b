"""Requests to a token service over HTTP; imported with the first one, as urllib.request is slow to import."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from http.client import HTTPMessage
from typing import IO

from .messages import TokenRequest
from .tokens import Login

Handlers = Sequence[type[urllib.request.BaseHandler]]

_TIMEOUT = 30  # seconds
_LARGEST_ANSWER = 4 << 20


class Refused(Exception):
    """The token service refused, or its reply is not valid; `status` is HTTP's, or 0."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def by_post(request: TokenRequest, login: "Login", handlers: Handlers) -> dict[str, object]:
    """Request it by OAuth (https://distribution.github.io/distribution/spec/auth/oauth/); raises `Refused`."""
    form = {"client_id": request.client_id or "buildkit-client", "service": request.service}
    if request.scopes:
        form["scope"] = " ".join(request.scopes)
    if login.username:
        form |= {"grant_type": "password", "username": login.username, "password": login.secret}
    else:
        form |= {"grant_type": "refresh_token", "refresh_token": login.secret}
    body = urllib.parse.urlencode(form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return _ask(urllib.request.Request(request.realm, body, headers), handlers)  # noqa: S310 - fetch_token checked the scheme


def by_get(request: TokenRequest, login: "Login | None", handlers: Handlers) -> dict[str, object]:
    """Request it the older way (https://distribution.github.io/distribution/spec/auth/token/); raises `Refused`."""
    query = [("service", request.service), *(("scope", scope) for scope in request.scopes)]
    headers = {}
    if login and login.secret:
        query.append(("account", login.username))
        pair = base64.b64encode(f"{login.username}:{login.secret}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    separator = "&" if "?" in request.realm else "?"
    url = request.realm + separator + urllib.parse.urlencode([pair for pair in query if pair[1]])
    return _ask(urllib.request.Request(url, headers=headers), handlers)  # noqa: S310 - fetch_token checked the scheme


class _NoRedirectOfSecrets(urllib.request.HTTPRedirectHandler):
    """Follow a redirect, but send the password to no other host."""

    def redirect_request(
        self, req: urllib.request.Request, *args: *tuple[IO[bytes], int, str, HTTPMessage, str]
    ) -> urllib.request.Request | None:
        following = super().redirect_request(req, *args)
        # `host` is the proxy's, where there is one
        if following is not None and _host(following) != _host(req):
            following.remove_header("Authorization")
        return following


def _host(request: urllib.request.Request) -> str:
    return urllib.parse.urlsplit(request.full_url).netloc


def _ask(request: urllib.request.Request, handlers: Handlers) -> dict[str, object]:
    opener = urllib.request.build_opener(_NoRedirectOfSecrets, *handlers)
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            found = json.loads(answer.read(_LARGEST_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(error.code, f"HTTP {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise Refused(0, str(error.reason)) from None
    except ValueError:
        raise Refused(0, "its reply is not JSON") from None
    except OSError as error:
        raise Refused(0, str(error)) from None
    if not isinstance(found, dict):
        raise Refused(0, "its reply is not a JSON object")
    return found
