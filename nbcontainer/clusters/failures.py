"""What a failed call means: refusals by the API server, and connections that fail."""

from __future__ import annotations

import re
import socket
import ssl
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from nbcontainer import clusters
from nbcontainer.clusters.refusals import cure_of, invalid_words, selector_words, unreachable_kubelet
from nbcontainer.errors import ApiError, AuthFailed, ClusterUnavailable, Conflict, Forbidden, NotFound
from nbcontainer.json_objects import number_of, object_of, text_of
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

TOO_MANY_REQUESTS = 429
TIME_CODES = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED
NAME_CODES = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH
SERVER_ERROR = 500
_TAG = re.compile(r"<(style|script|head)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
CUT_SHORT = {"ClientPayloadError", "IncompleteRead"}  # aiohttp's and http.client's, by name: neither is imported here
PROXY_FAILED = {"ClientProxyConnectionError", "ClientHttpProxyError", "ProxyFailed"}
NOT_HTTP = {"ClientResponseError", "BadStatusLine", "LineTooLong", "UnknownProtocol", "HTTPException"}  # theirs, too
NO_ANSWER = {"ServerDisconnectedError", "RemoteDisconnected"}


def raise_for_status(cluster: Cluster, status: int, document: object) -> None:
    """Raise the error for a refusal; do nothing for a success.

    Raises:
        ApiError: the status is not a success.
    """
    if status >= 300:  # noqa: PLR2004 - HTTP's own boundary
        raise status_error(cluster, status, document)


def status_error(cluster: Cluster, status: int, document: object) -> ApiError:
    """The error for a refusal: from the API's `Status` object, or from whatever else was sent."""
    said = object_of(document)
    status = number_of(said, "code") or status
    reason = text_of(said, "reason")
    message = text_of(said, "message") or f"{cluster.server} answered with HTTP status {status}."
    match status:
        case 401:
            return AuthFailed(
                f"{cluster.server} does not accept the credentials of context {cluster.context!r}: {message}",
                host=cluster.server,
                reason=reason,
                cure=clusters.client_certificate.expired_words(cluster)
                or "Log in to the cluster again, or choose another context.",
            )
        case 403:
            return Forbidden(message, status=status, reason=reason, cure=cure_of(message, cluster.commands))
        case 404:
            return NotFound(message, status=status, reason=reason)
        case 409:
            return Conflict(message, status=status, reason=reason)
        case 422:
            short, cure = invalid_words(said)
            return ApiError(short or message, status=status, reason=reason, cure=cure)
        case _:
            selector = selector_words(message) if status == HTTPStatus.BAD_REQUEST else None
            short, cure = selector or unreachable_kubelet(message, cluster.commands)
            cure = cure or cure_of(message, cluster.commands)
            return ApiError(short or message, status=status, reason=reason, cure=cure)


def is_passing(error: BaseException) -> bool:
    """Whether a call that failed like this may succeed later."""
    if isinstance(error, ApiError):
        return error.status == TOO_MANY_REQUESTS or error.status >= SERVER_ERROR
    return isinstance(error, ClusterUnavailable)


def explain(error: BaseException, server: str, seconds: float, *, proxy: str = "") -> tuple[str, str]:
    """Why a connection failed, and what to do about it; `seconds` was its time limit."""
    is_proxys = proxy and type(error).__name__ in PROXY_FAILED
    return _proxy_words(error, server, proxy) if is_proxys else _words(error, server, seconds)


def _words(error: BaseException, server: str, seconds: float) -> tuple[str, str]:
    # aiohttp wraps the system's errors; it is not imported here
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(inner, ssl.SSLCertVerificationError):
        why = inner.verify_message or str(inner)
        return f"the certificate of {server} is not trusted: {why.rstrip('.')}.", _certificate_cure(inner.verify_code)
    if isinstance(inner, ssl.SSLError):
        return (
            f"TLS with {server} failed: {inner.reason or inner}.",
            "Does the server use https, and is its port right?",
        )
    if isinstance(inner, socket.gaierror):
        return (
            f"the host name of {server} cannot be resolved.",
            "Check the server's name in the kubeconfig, and the network or VPN.",
        )
    if isinstance(error, TimeoutError) or isinstance(inner, TimeoutError):
        return (
            f"{server} does not answer within {seconds:g} s.",
            "Is the network or VPN up?"
            + (" The setting connect_timeout is the limit." if seconds == settings.connect_timeout else ""),
        )
    if isinstance(inner, ConnectionRefusedError):
        return f"{server} refuses connections.", "Is the cluster running?"
    return _broken_words(error, inner, server), "Is the cluster running?"


def _certificate_cure(code: int) -> str:
    """What to do about a certificate that OpenSSL refuses with this X509_V_ERR code."""
    if code in TIME_CODES:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"The cluster's administrator must renew it, if this machine's clock is right: it is {now}."
    if code in NAME_CODES:
        return "Is the server in the kubeconfig right? Otherwise tls-server-name is a name that the certificate has."
    return "Is certificate-authority-data in the kubeconfig the cluster's own?"


def _proxy_words(error: BaseException, server: str, proxy: str) -> tuple[str, str]:
    host = urlsplit(proxy).netloc.rpartition("@")[2]  # without a user name and password
    status = getattr(error, "status", 0)
    said = f"answered with HTTP status {status}" if status else "does not accept connections"
    cure = "Check proxy-url in the kubeconfig, or HTTPS_PROXY and HTTP_PROXY; NO_PROXY lists hosts that need no proxy."
    return f"the proxy {host}, used to reach {server}, {said}.", cure


def _broken_words(error: BaseException, inner: BaseException, server: str) -> str:
    if type(error).__name__ in CUT_SHORT:
        return f"the connection to {server} broke in the middle of a response."
    if type(error).__name__ in NO_ANSWER:
        return f"{server} closed the connection without a response."
    if type(error).__name__ in NOT_HTTP:
        return f"the response from {server} is not HTTP."
    said = getattr(inner, "strerror", None) or " ".join(str(inner).split()) or "no reason was given"
    return f"the connection to {server} broke: {said}."


def no_object(server: str, status: int, text: bytes) -> ApiError:
    """The error for a response that does not come from an API server: a proxy may have sent it."""
    said = " ".join(_TAG.sub(" ", text[:2_000].decode(errors="replace")).split())[:200]
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    code = f"HTTP status {status}{f' ({phrase})' if phrase else ''}"
    return ApiError(
        f"{server} answered with {code}, but not like an API server: {said}",
        status=status,
        cure="Is the server in the kubeconfig the API server's own address? A proxy in between may have answered.",
    )


def decode_status(text: bytes) -> object:
    """The content of a refusal: a `Status` object, or whatever else was sent, as its message."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"message": text[:500].decode(errors="replace").strip()} if text else {}
