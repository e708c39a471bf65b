"""Why a push or a pull failed, in plain words.

The engine forwards the registry's and Go's messages; only these distinguish the cases (the HTTP status is 200 or 500).
"""

from __future__ import annotations

import re

from nbcontainer.engines.credentials import Credential
from nbcontainer.errors import AuthFailed, Forbidden, NbcontainerError, NotFound, PullFailed, PushFailed
from nbcontainer.model.references import HUB, Reference

NO_LOGIN = re.compile(
    r"no basic auth credentials|authentication required|unauthorized|invalid username/password", re.IGNORECASE
)
DENIED = re.compile(r"\bdenied\b|insufficient_scope|authorization failed|\b403\b", re.IGNORECASE)
NOT_HERE = re.compile(
    r"does not exist locally|no such image|image not known|tag does not exist|failed to find image",
    re.IGNORECASE,
)
NO_SUCH = re.compile(
    r"manifest unknown|manifest for .* not found|name unknown|: not found|not found: does not exist", re.IGNORECASE
)
NO_HOST = re.compile(r"no such host|server misbehaving", re.IGNORECASE)
REFUSED = re.compile(
    r"connection refused|connection reset|i/o timeout|EOF|deadline exceeded|no route to host", re.IGNORECASE
)
# what Podman was doing, in front of the reason; the image and the registry are named anyway
PODMAN_STEPS = re.compile(r"(?:trying to reuse blob \S+ at destination|initializing source \S+): ")
NOT_TLS = re.compile(r"server gave HTTP response to HTTPS client|x509:|tls:", re.IGNORECASE)


def is_missing_here(message: str) -> bool:
    """Whether a push failed because the engine has no such image."""
    return bool(NOT_HERE.search(message))


def transfer_error(
    message: str,
    reference: Reference,
    direction: str,
    login: Credential | None,
    *,
    status: int = 0,
) -> NbcontainerError:
    """The error for an engine's message about a failed push or pull; a build's `FROM` has the same ones."""
    host = reference.host
    said = f"The {direction} of {reference} failed: {PODMAN_STEPS.sub('', message)}"
    hub = "" if host == HUB else f" {host}"
    if "repository does not exist or may require" in message:
        cure = f"Check the name; if the image is private, run `%docker login{hub}`."
        return NotFound(said, reason="not found", cure=cure)
    if DENIED.search(message) and not re.search(r"no basic auth", message):
        if login is None:
            return AuthFailed(said, host=host, reason="denied", cure=f"Run `%docker login{hub}`.")
        who = f"{login.username!r}" if login.username else "this login"
        return Forbidden(said, reason="denied", cure=f"At {host}, {who} may not {direction} {reference.name}.")
    if NO_LOGIN.search(message) or status == 401:  # noqa: PLR2004 - HTTP's number
        again = " again: the stored login is not accepted" if login is not None else ""
        return AuthFailed(said, host=host, reason="unauthorized", cure=f"Run `%docker login{hub}`{again}.")
    if NO_SUCH.search(message) or is_missing_here(message) or status == 404:  # noqa: PLR2004 - HTTP's number
        return NotFound(said, reason="not found", cure=f"Check the name and the tag at {host}.")
    cure = ""
    if NO_HOST.search(message):
        cure = f"Check the name and the network: the host {host} cannot be resolved."
    elif NOT_TLS.search(message):
        cure = f"If {host} is yours, add it to the engine's insecure registries, or give it a trusted certificate."
    elif REFUSED.search(message):
        cure = f"Check that the registry {host} is running, and try again."
    kind = PullFailed if direction == "pull" else PushFailed
    return kind(said, image=str(reference), host=host, cure=cure)
