"""Registry logins, and the bearer tokens that registries hand out for them.

The order of attempts is that of buildkit's session/auth/authprovider: with a secret by OAuth (POST), where the registry
does not know that by GET with basic authentication; without one by an anonymous GET.
"""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from .messages import Token, TokenRequest
from .rpc_status import Code, RpcError

_TIMEOUT = 30  # seconds
_LARGEST_ANSWER = 4 << 20
_SHORTEST_LIFE = 60  # seconds: what a token lives where the registry does not say


@dataclass(frozen=True)
class Login:
    """How to log in to a registry: a user name and password, or an identity token (then `username` is empty)."""

    username: str = ""
    secret: str = field(default="", repr=False)

    @classmethod
    def identity_token(cls, token: str) -> Self:
        """Log in by a token, as docker's config keeps for some registries."""
        return cls("", token)


LoginFor = Callable[[str], Login | None]
"""Registry host → how to log in there; None: anonymously."""


class _Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def fetch_token(request: TokenRequest, login: Login | None) -> Token:
    """Ask the registry's token service for what `request` describes.

    Raises:
        RpcError: It refuses, cannot be reached, or answers nonsense; the message has neither secret nor token.
    """
    if not _usable(request.realm):
        raise RpcError(Code.INVALID_ARGUMENT, f"{request.host} names no usable token service: {request.realm!r:.200}")
    try:
        if login is None or not login.secret:
            answer = _get(request, login)
        else:
            try:
                answer = _post(request, login)
            except _Refused as refused:
                # Registries that know only GET: Google's and ECR say 404, Artifactory 401, Azure 400, Quay 405.
                if refused.status not in (400, 401, 404, 405) or not login.username:
                    raise
                answer = _get(request, login)
    except _Refused as refused:
        raise _error(request, login, refused) from None
    value = answer.get("token") or answer.get("access_token")
    if not isinstance(value, str) or not value:
        raise RpcError(Code.UNAVAILABLE, f"the token service of {request.host} answered without a token")
    life = answer.get("expires_in")
    return Token(
        token=value,
        expires_in=life if isinstance(life, int) and life > 0 else _SHORTEST_LIFE,
        issued_at=int(time.time()),
    )


def _usable(realm: str) -> bool:
    try:
        url = urllib.parse.urlsplit(realm)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname)


def _error(request: TokenRequest, login: Login | None, refused: _Refused) -> RpcError:
    who = f"user {login.username!r}" if login and login.username else "the identity token" if login else "anonymous"
    code = {401: Code.UNAUTHENTICATED, 403: Code.PERMISSION_DENIED, 404: Code.NOT_FOUND}.get(
        refused.status, Code.UNAVAILABLE
    )
    return RpcError(code, f"no token for {request.host} ({who}): {refused.reason}")


def _post(request: TokenRequest, login: Login) -> dict[str, Any]:
    form = {"client_id": request.client_id or "buildkit-client", "service": request.service}
    if request.scopes:
        form["scope"] = " ".join(request.scopes)
    if login.username:
        form |= {"grant_type": "password", "username": login.username, "password": login.secret}
    else:
        form |= {"grant_type": "refresh_token", "refresh_token": login.secret}
    body = urllib.parse.urlencode(form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return _ask(urllib.request.Request(request.realm, body, headers))  # noqa: S310 - fetch_token checked the scheme


def _get(request: TokenRequest, login: Login | None) -> dict[str, Any]:
    query = [("service", request.service), *(("scope", scope) for scope in request.scopes)]
    headers = {}
    if login and login.secret:
        query.append(("account", login.username))
        pair = base64.b64encode(f"{login.username}:{login.secret}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    separator = "&" if "?" in request.realm else "?"
    url = request.realm + separator + urllib.parse.urlencode([pair for pair in query if pair[1]])
    return _ask(urllib.request.Request(url, headers=headers))  # noqa: S310 - as above


class _NoRedirectOfSecrets(urllib.request.HTTPRedirectHandler):
    """Follow a redirect, but carry the password to no other host."""

    def redirect_request(self, req: urllib.request.Request, *args: Any) -> urllib.request.Request | None:
        following = super().redirect_request(req, *args)
        if following is not None and following.host != req.host:
            following.remove_header("Authorization")
        return following


def _ask(request: urllib.request.Request) -> dict[str, Any]:
    opener = urllib.request.build_opener(_NoRedirectOfSecrets)
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            found = json.loads(answer.read(_LARGEST_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            raise _Refused(error.code, f"HTTP {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Refused(0, str(error.reason)) from None
    except ValueError:
        raise _Refused(0, "its answer is no JSON") from None
    except OSError as error:
        raise _Refused(0, str(error)) from None
    if not isinstance(found, dict):
        raise _Refused(0, "its answer is no JSON object")
    return found
