"""Registry logins, and the bearer tokens that registries issue for them.

The order of attempts is that of buildkit's session/auth/authprovider: with a secret by OAuth (POST), or, where the
registry does not support that, by GET with basic authentication; without one by an anonymous GET.
"""

import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from .messages import Token, TokenRequest
from .rpc_status import Code, RpcError

if TYPE_CHECKING:
    from urllib.request import BaseHandler

    from .token_requests import Refused

_SHORTEST_LIFE = 60  # seconds: a token's lifetime where the registry does not say


@dataclass(frozen=True)
class Login:
    """How to log in to a registry: a user name and password, or an identity token (then `username` is empty)."""

    username: str = ""
    secret: str = field(default="", repr=False)

    @classmethod
    def identity_token(cls, token: str) -> Self:
        """Log in with a token, which docker's config stores for some registries."""
        return cls("", token)


LoginFor = Callable[[str], Login | None]
"""Registry host → how to log in there; None: anonymously."""


def fetch_token(request: TokenRequest, login: Login | None, http_handlers: Sequence[type["BaseHandler"]] = ()) -> Token:
    """Get the token that `request` describes from the registry's token service, by urllib with these handlers.

    Raises:
        RpcError: It refuses, cannot be reached, or sends an invalid reply; the message has neither secret nor token.
    """
    from .token_requests import Refused, by_get, by_post  # noqa: PLC0415 - loads urllib.request

    if not _usable(request.realm):
        raise RpcError(Code.INVALID_ARGUMENT, f"{request.host} names no usable token service: {request.realm!r:.200}")
    try:
        if login is None or not login.secret:
            answer = by_get(request, login, http_handlers)
        else:
            try:
                answer = by_post(request, login, http_handlers)
            except Refused as refused:
                # Registries that support only GET: Google's and ECR answer 404, Artifactory 401, Azure 400, Quay 405.
                if refused.status not in (400, 401, 404, 405) or not login.username:
                    raise
                answer = by_get(request, login, http_handlers)
    except Refused as refused:
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


def _error(request: TokenRequest, login: Login | None, refused: "Refused") -> RpcError:
    who = f"user {login.username!r}" if login and login.username else "the identity token" if login else "anonymous"
    code = {401: Code.UNAUTHENTICATED, 403: Code.PERMISSION_DENIED, 404: Code.NOT_FOUND}.get(
        refused.status, Code.UNAVAILABLE
    )
    return RpcError(code, f"no token for {request.host} ({who}): {refused.reason}")
