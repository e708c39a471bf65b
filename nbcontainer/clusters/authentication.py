"""Authentication to an API server: headers and client certificates from a kubeconfig's user entry.

Certificates, tokens, token files, passwords and impersonation are handled here, exec plugins in `credential_plugin`,
and OpenID Connect in `auth_provider`.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import ssl
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from nbcontainer import clusters
from nbcontainer.clusters.credential_plugin import POLL_SECONDS, run_plugin
from nbcontainer.clusters.kubeconfig_files import unread_file
from nbcontainer.errors import AuthFailed, ClusterUnavailable
from nbcontainer.operation import run_soon

if TYPE_CHECKING:
    from nbcontainer.clusters.kubeconfig import Access

Headers = tuple[tuple[str, str], ...]  # pairs, because a name may be repeated: once for each group

HEADER_SIGNS = "!#$&'*+-.^_`|~"  # allowed besides letters and digits; RFC 7230
_UNSENDABLE = re.compile("[\x00-\x08\n-\x1f\x7f\ud800-\udfff]")  # with surrogates, which Python's strings may contain
EXPIRY_MARGIN = 10.0  # seconds before it expires at which a credential is no longer used


class Credentials:
    """The headers of one context's user, kept until they expire.

    Attributes:
        client_certificate, client_key: PEM from an exec plugin, b"" where there is none.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._headers: Headers | None = None
        self._expires: float | None = None
        self._lock = threading.Lock()
        self.client_certificate = access.client_certificate
        self.client_key = access.client_key

    @property
    def current(self) -> bool:
        """Whether the headers are known and not expired."""
        fresh = self._expires is None or datetime.now(UTC).timestamp() < self._expires - EXPIRY_MARGIN
        return self._headers is not None and fresh

    def headers(self, given_up: threading.Event | None = None) -> Headers:
        """The headers to send. Unless they are `current`, this may take a while, so no event loop may call it.

        Args:
            given_up: set by the caller when it no longer waits; a plugin that runs for it is then ended.

        Raises:
            AuthFailed: an exec plugin or auth provider returned none.
        """
        given_up = given_up or threading.Event()
        while not self._lock.acquire(timeout=POLL_SECONDS):  # a plugin that prompts the user must not run twice at once
            if given_up.is_set():
                return ()
        try:
            if not self.current and not given_up.is_set():
                self._headers = self._read(given_up)
            return self._headers or ()
        finally:
            self._lock.release()

    async def headers_soon(self) -> Headers:
        """`headers` for an event loop; cancelling it ends a plugin that runs for it."""
        if self.current:
            return self.headers()
        given_up = threading.Event()
        try:
            return await asyncio.to_thread(self.headers, given_up)
        finally:
            given_up.set()

    def __repr__(self) -> str:
        return "Credentials(…)"

    def _read(self, given_up: threading.Event) -> Headers:
        """In client-go's order: first what the file itself contains, then plugins."""
        self._expires = None
        if not self._access.is_tls:
            return _impersonation(self._access)  # like client-go, send no secret over plain http
        return (*self._authorization(given_up), *_impersonation(self._access))

    def _authorization(self, given_up: threading.Event) -> Headers:
        user = self._access.user
        token = self._token(user.token, user.token_file) if user.token_file else user.token
        if token:
            return self._bearer(token)
        if user.username:
            pair = f"{user.username}:{user.password}".encode()
            return (("Authorization", f"Basic {base64.b64encode(pair).decode()}"),)
        if user.exec is not None and not self._access.client_certificate:
            return self._from_plugin(run_plugin(self._access, user.exec, given_up))
        if user.auth_provider is not None:
            return run_soon(clusters.auth_provider.headers_of(self._access, user.auth_provider))
        return ()

    def _bearer(self, token: str) -> Headers:
        return (("Authorization", f"Bearer {_one_line(self._access, 'token', token)}"),)

    def _token(self, token: str, name: str) -> str:
        """The token file's content, or else the token given beside it."""
        # kubelets rotate these files; client-go too reads them again every minute
        self._expires = datetime.now(UTC).timestamp() + 60 + EXPIRY_MARGIN
        try:
            read = (self._access.folder / name).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            if token:
                return token
            what, cure = unread_file("tokenFile", "token", name, error)
            raise ClusterUnavailable(
                f"{self._access.origin}: {what}.", context=self._access.context, cure=cure
            ) from None
        if not read and not token:
            raise ClusterUnavailable(
                f"{self._access.origin}: the tokenFile is empty: {name}.", context=self._access.context
            )
        return read or token

    def _from_plugin(self, status: Mapping[str, str | None]) -> Headers:
        if status.get("expirationTimestamp"):
            self._expires = self._end(str(status["expirationTimestamp"]))
        if status.get("clientCertificateData"):
            certificate, key = (str(status[field]).encode() for field in ("clientCertificateData", "clientKeyData"))
            self._check(certificate, key)
            self.client_certificate, self.client_key = certificate, key
        return self._bearer(str(status["token"])) if status.get("token") else ()

    def _check(self, certificate: bytes, key: bytes) -> None:
        """Refuse what is not a certificate with its key; it is not kept, so the next call runs the plugin again."""
        try:
            tls_context(self._access, certificate, key)
        except ClusterUnavailable:
            what = f"{self._access.origin}: the credential plugin's certificate and key cannot be used."
            cure = "Both must be PEM, and the key must belong to the certificate; an encrypted key is not accepted."
            raise AuthFailed(what, host=self._access.server, status=0, cure=cure) from None

    def _end(self, stamp: str) -> float:
        try:
            return datetime.fromisoformat(stamp).timestamp()
        except ValueError:
            raise AuthFailed(
                f"{self._access.origin}: the credential plugin's expirationTimestamp is not a time.",
                host=self._access.server,
                status=0,
            ) from None


def _one_line(access: Access, field: str, value: str) -> str:
    """A header's value, checked: a line break in it would start another header.

    Raises:
        ClusterUnavailable: it cannot be sent.
    """
    if _UNSENDABLE.search(value):
        raise ClusterUnavailable(
            f"{access.origin}: {field} contains a line break or another character that cannot be sent.",
            context=access.context,
        )
    return value


def _impersonation(access: Access) -> Headers:
    """The headers that make a call in another user's name: the authenticated user must be allowed to impersonate them.

    See https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/.
    """
    user = access.user
    if not user.impersonate:
        return ()
    pairs = [("as", "Impersonate-User", user.impersonate)]
    pairs += [("as-uid", "Impersonate-Uid", user.impersonate_uid)] if user.impersonate_uid else []
    pairs += [("as-groups", "Impersonate-Group", group) for group in user.impersonate_groups]
    pairs += [
        ("as-user-extra", f"Impersonate-Extra-{quote(name, safe=HEADER_SIGNS).lower()}", value)
        for name, values in user.impersonate_extra.items()
        for value in values
    ]
    return tuple((name, _kept(access, field, value)) for field, name, value in pairs)


def _kept(access: Access, field: str, value: str) -> str:
    """A header's value, checked for spaces around it: HTTP drops them, and the call would be made as another user.

    Raises:
        ClusterUnavailable: there are such spaces.
    """
    if value != value.strip(" \t"):
        raise ClusterUnavailable(
            f"{access.origin}: {field} has a space at its beginning or end.", context=access.context, cure="Remove it."
        )
    return _one_line(access, field, value)


def tls_context(access: Access, certificate: bytes, key: bytes) -> ssl.SSLContext | None:
    """The TLS settings for an API server, or None for plain http.

    Raises:
        ClusterUnavailable: a certificate or key is not valid.
    """
    if not access.is_tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if access.certificate_authority and not access.insecure:
            context.load_verify_locations(cadata=access.certificate_authority.decode("ascii", "replace"))
        elif not access.insecure:
            context.load_default_certs()
        if certificate:
            _load_chain(context, certificate, key)
    except (ssl.SSLError, ValueError) as error:
        raise ClusterUnavailable(
            f"The certificates of context {access.context!r} cannot be used: {error}", context=access.context
        ) from None
    return context


def _load_chain(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a client certificate from memory: Python's ssl takes only files, but a key should not be written to disk."""
    with ExitStack() as stack:
        names = []
        for text in (certificate, key):
            if sys.platform == "linux":
                descriptor = os.memfd_create("nbcontainer")
                name = f"/proc/self/fd/{descriptor}"
            else:
                descriptor, name = tempfile.mkstemp()  # 0600
                stack.callback(os.unlink, name)
            stack.callback(os.close, descriptor)
            os.write(descriptor, text)
            names.append(name)
        context.load_cert_chain(names[0], names[1] if key else None, password=_no_password)


def _no_password() -> str:
    """Called for an encrypted key; otherwise OpenSSL would prompt in the terminal and wait."""
    raise ValueError("the client key is encrypted, which kubectl does not accept either")
