"""Whether a registry accepts a login, checked without an engine."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from nbcontainer.buildkit.messages import TokenRequest
from nbcontainer.buildkit.rpc_status import Code, RpcError
from nbcontainer.buildkit.tokens import Login, fetch_token
from nbcontainer.engines.config import Config
from nbcontainer.engines.credentials import Credential, refused
from nbcontainer.engines.failures import plain
from nbcontainer.engines.url_handlers import URL_HANDLERS
from nbcontainer.errors import ApiError
from nbcontainer.model.references import HUB, is_loopback

CHECK_SECONDS = 20.0
REPLY_BYTES = 64 * 1024


def check(credential: Credential, config: Config) -> None:
    """Try the login: GET /v2/ with Basic, or with a bearer token from the service that the registry names.

    Raises:
        AuthFailed: it refused.
        ApiError: it cannot be reached.
    """
    host = "registry-1.docker.io" if credential.host == HUB else credential.host
    schemes = ("https", "http") if _plain_http(credential.host, config) else ("https",)
    trouble = ""
    for scheme in schemes:
        try:
            status, challenge = _get(f"{scheme}://{host}/v2/")
        except (OSError, HTTPException) as error:
            trouble = _why(error)
            continue
        if status == 401:  # noqa: PLR2004 - HTTP's number
            _answer_challenge(f"{scheme}://{host}/v2/", challenge, credential)
        elif status >= 400:  # noqa: PLR2004 - HTTP's numbers
            raise ApiError(f"{credential.host} is not a registry: GET /v2/ returned HTTP {status}.", status=status)
        return  # an open registry accepts anyone
    raise ApiError(
        f"The registry {credential.host} cannot be reached: {trouble}.",
        reason="unreachable",
        cure="Check the name and the network; nothing was stored.",
    )


def _plain_http(host: str, config: Config) -> bool:
    """Whether docker would speak http to it: this machine's own registries. An engine knows its insecure ones."""
    return is_loopback(host) or host in (config.get("insecureRegistries") or ())


def _answer_challenge(url: str, challenge: str, credential: Credential) -> None:
    scheme = challenge.partition(" ")[0].lower()
    if scheme == "basic" and credential.kind == "password":
        pair = base64.b64encode(f"{credential.username}:{credential.secret}".encode()).decode()
        authorization = f"Basic {pair}"
    elif scheme == "bearer":
        authorization = f"Bearer {_bearer(challenge, credential)}"
    else:
        raise ApiError(f"{credential.host} requires a kind of login that docker does not support.", status=401)
    try:
        status, _ = _get(url, authorization)
    except (OSError, HTTPException) as error:
        raise ApiError(f"The registry {credential.host} broke off: {_why(error)}.", reason="unreachable") from None
    if status in (401, 403):
        raise refused(credential)
    if status >= 400:  # noqa: PLR2004 - HTTP's numbers
        raise ApiError(f"{credential.host} answered GET /v2/ with HTTP {status}.", status=status)


def _bearer(challenge: str, credential: Credential) -> str:
    """A bearer token for no particular repository."""
    words = {name.lower(): value for name, value in re.findall(r'(\w+)="([^"]*)"', challenge)}
    request = TokenRequest(
        client_id="docker", host=credential.host, realm=words.get("realm", ""), service=words.get("service", "")
    )
    secret = Login(credential.username, credential.secret)
    try:
        return fetch_token(request, secret, URL_HANDLERS).token
    except RpcError as error:
        if error.code in (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED):
            raise refused(credential) from None
        raise ApiError(
            f"The token service of {credential.host} cannot be used: {plain(str(error))}", reason="unreachable"
        ) from None


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, so that a password goes only to the registry itself."""

    def redirect_request(self, *_: object) -> None:
        return None


def _get(url: str, authorization: str = "") -> tuple[int, str]:
    """Status and WWW-Authenticate of a GET; http and https only. Honours the proxies of the environment."""
    request = Request(url, headers={"User-Agent": "docker/nbcontainer"})  # noqa: S310 - the scheme is our own
    if authorization:
        request.add_unredirected_header("Authorization", authorization)
    try:
        with build_opener(*URL_HANDLERS, _NoRedirect).open(request, timeout=CHECK_SECONDS) as reply:
            reply.read(REPLY_BYTES)
            return reply.status, ""
    except HTTPError as error:
        with error:
            headers = error.headers.get_all("WWW-Authenticate") or [""]
            known = [value for value in headers if value.partition(" ")[0].lower() in ("bearer", "basic")]
            return error.code, (known or headers)[0]


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    match reason:
        case socket.gaierror():
            return "its host name cannot be resolved"
        case TimeoutError():
            return "it does not answer"
        case ConnectionRefusedError():
            return "connection refused"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({reason.verify_message})"
        case ssl.SSLError():
            return "it does not speak TLS"
    return plain(str(reason), 200) or "it does not speak HTTP"
