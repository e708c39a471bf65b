"""Which credentials a registry gets: from docker's config.json, credential helpers, and Podman's auth.json.

A helper is asked for one host at a time, with a time limit. One that is missing, hangs or sends an invalid reply means
"anonymous", with a warning that says so.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbcontainer.engines.config import Config, config_file, load_config
from nbcontainer.engines.failures import plain
from nbcontainer.errors import AuthFailed, UsageError
from nbcontainer.model.references import HUB, registry_host
from nbcontainer.settings import settings

HUB_KEY = "https://index.docker.io/v1/"  # what docker's files call Docker Hub
TOKEN_USER = "<token>"  # noqa: S105 - how a helper says that its secret is an identity token
HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")

Warn = Callable[[str], object]


class CredentialWarning(UserWarning):
    """A credential helper or file could not be used; the call goes on without it."""


class HelperFailed(Exception):
    """A credential helper failed; the message contains no secret."""


@dataclass(frozen=True, slots=True)
class Credential:
    """How to log in to a registry.

    Attributes:
        host: the registry, "docker.io" for Docker Hub.
        username: "" with a token.
        secret: the password or token; never in the repr.
        kind: "password", "identity token" (to be exchanged for bearer tokens) or "registry token" (a bearer token).
        source: where it was found, in words.
    """

    host: str
    username: str
    secret: str = field(repr=False)
    kind: str = "password"
    source: str = ""


def server_key(host: str) -> str:
    """The name under which docker's files and helpers store a registry."""
    return HUB_KEY if host == HUB else host


def credentials(host: str, *, path: str = "", podman: bool = False, warn: Warn | None = None) -> Credential | None:
    """The credentials for a registry, or None: anonymous.

    Args:
        host: any name of the registry.
        path: the image's path there, "team/web": Podman's files may have logins for parts of a registry.
        podman: whether Podman's own files come first.
        warn: gets a sentence about a helper or a file that cannot be used; by default it is a `CredentialWarning`.

    Raises:
        UsageError: `host` is not a valid registry name.
    """
    host = registry_host(host)

    def report(text: str) -> None:
        if warn is not None:
            warn(text)
        else:
            warnings.warn(text, CredentialWarning, stacklevel=3)

    for file in [*(podman_files() if podman else []), config_file()]:
        try:
            config = load_config(file)
        except UsageError as error:
            report(f"{error.message} Going on without it.")
            continue
        found = _from_path(config, host, path, file, report) if podman else None
        found = found or _from_helper(config, host, report) or _from_file(config, host, file, report, whole=podman)
        if found is not None:
            return found
    return None


def _from_path(config: Config, host: str, path: str, file: Path, report: Warn) -> Credential | None:
    """The login for the longest part of an image's path that has one: containers-auth.json(5)."""
    table = config.get("auths")
    parts = path.split("/") if path else []
    for length in range(len(parts), 0, -1):
        entry = table.get("/".join([host, *parts[:length]])) if isinstance(table, dict) else None
        found = _from_entry(entry, host, file, report)
        if found is not None:
            return found
    return None


def podman_files() -> list[Path]:
    """Podman's files of logins, in its order (containers-auth.json(5))."""
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        return [Path(named)]
    user = os.getuid() if sys.platform != "win32" else 0
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return [
        Path(runtime, "containers/auth.json") if runtime else Path(f"/run/containers/{user}/auth.json"),
        Path(configuration, "containers/auth.json"),
    ]


def helper_for(config: Config, host: str) -> str:
    """The credential helper that the config names for a registry ("osxkeychain"), or ""."""
    helpers = config.get("credHelpers")
    if isinstance(helpers, dict):
        for key, name in helpers.items():
            if isinstance(name, str) and is_host(key, host):
                return name
    store = config.get("credsStore")
    return store if isinstance(store, str) else ""


def is_host(key: str, host: str) -> bool:
    """Whether a key of docker's files means this registry."""
    try:
        return registry_host(key) == host
    except UsageError:
        return False


def _from_helper(config: Config, host: str, report: Warn) -> Credential | None:
    name = helper_for(config, host)
    if not name:
        return None
    try:
        reply = run_helper(name, "get", server_key(host))
    except HelperFailed as error:
        report(f"{error} {host} is used anonymously, unless a login is stored elsewhere.")
        return None
    if reply is None:
        return None
    pair = _answer(reply)
    if pair is None:
        report(f"docker-credential-{name} sent an invalid reply for {host}, which is used anonymously.")
        return None
    username, secret = pair
    kind = "identity token" if username == TOKEN_USER else "password"
    name_shown = "" if username == TOKEN_USER else username
    return Credential(host, name_shown, secret, kind, f"docker-credential-{name}") if secret else None


def _answer(reply: str) -> tuple[str, str] | None:
    """User name and secret from a helper's reply to `get`; None where it is invalid."""
    try:
        answer = json.loads(reply)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (username, secret) if isinstance(username, str) and isinstance(secret, str) else None


def _from_file(config: Config, host: str, path: Path, report: Warn, *, whole: bool) -> Credential | None:
    """The login for a registry; with `whole`, none that is for a part of it, as in Podman's files."""
    table = config.get("auths")
    if not isinstance(table, dict):
        return None
    others = (entry for key, entry in table.items() if is_host(key, host) and not (whole and _is_part(key)))
    for entry in [table.get(server_key(host)), *others]:
        found = _from_entry(entry, host, path, report)
        if found is not None:
            return found
    return None


def _is_part(key: str) -> bool:
    """Whether a key of Podman's files is for a part of a registry; docker's own keys end in a version, "/v1/"."""
    _, slash, path = re.sub("^https?://", "", key).partition("/")
    return bool(slash) and path.strip("/") not in {"", "v1", "v2"}


def _from_entry(entry: object, host: str, path: Path, report: Warn) -> Credential | None:
    """The login of one entry; None if it has none, or is damaged."""
    if not isinstance(entry, dict):
        return None
    for key, kind in (("identitytoken", "identity token"), ("registrytoken", "registry token")):
        if isinstance(entry.get(key), str) and entry[key]:
            return Credential(host, "", entry[key], kind, str(path))
    if isinstance(entry.get("auth"), str) and entry["auth"]:
        pair = _decode(entry["auth"])
        if pair is None:
            report(f"The login for {host} in {path} is damaged, so {host} is used anonymously; log in again.")
            return None
        return Credential(host, pair[0], pair[1], source=str(path))
    if isinstance(entry.get("username"), str) and isinstance(entry.get("password"), str):
        return Credential(host, entry["username"], entry["password"], source=str(path))
    return None


def _decode(auth: str) -> tuple[str, str] | None:
    lines = auth.replace("\r", "").replace("\n", "")  # as docker reads it
    with contextlib.suppress(ValueError, binascii.Error):
        username, colon, password = base64.b64decode(lines, validate=True).decode().partition(":")
        if colon:
            return username, password.rstrip("\0")
    return None


def run_helper(name: str, verb: str, text: str) -> str | None:
    """Run a credential helper (docker-credential-NAME). Returns its reply; None where it has no such login.

    Protocol: github.com/docker/docker-credential-helpers.

    Raises:
        HelperFailed: it is missing, hangs, or fails.
    """
    program = f"docker-credential-{name}"
    if not HELPER_NAME.fullmatch(name):
        raise HelperFailed(f"docker's configuration names a credential helper {plain(name, 60)!r}, which is not valid.")
    limit = settings.credential_helper_timeout
    try:
        process = subprocess.Popen(
            [program, verb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a process group of its own, which `_kill` ends with all children
        )
    except FileNotFoundError:
        raise HelperFailed(f"The credential helper {program} is not installed.") from None
    except OSError as error:
        raise HelperFailed(f"The credential helper {program} cannot be started: {error.strerror}.") from None
    try:
        output, errors = process.communicate(text.encode(), limit)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise HelperFailed(f"The credential helper {program} did not answer within {limit:g} s.") from None
    except BaseException:
        _kill(process)
        raise
    if process.returncode == 0:
        return output.decode("utf-8", "replace")
    said = (output.strip() or errors.strip()).decode("utf-8", "replace")
    if "credentials not found" in said or (verb == "erase" and "not found" in said):
        return None
    # a `store` may echo what it was given, secret and all
    why = f": {plain(said, 200)}" if verb != "store" and said else ""
    raise HelperFailed(f"The credential helper {program} failed with code {process.returncode}{why}.")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the helper and its children, without waiting for its pipes."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)


def auth_header(credential: Credential | None, host: str) -> str:
    """The value of X-Registry-Auth: base64 (URL alphabet) of a JSON object; an empty object for anonymous."""
    return base64.urlsafe_b64encode(json.dumps(auth_config(credential, host)).encode()).decode()


def config_header(found: Mapping[str, Credential | None]) -> str:
    """The value of X-Registry-Config, which a classic build needs: host → credentials."""
    table = {server_key(host): auth_config(credential, host) for host, credential in found.items() if credential}
    return base64.urlsafe_b64encode(json.dumps(table).encode()).decode()


def auth_config(credential: Credential | None, host: str) -> dict[str, str]:
    """A login in the API's form; an empty object for anonymous."""
    if credential is None:
        return {}
    where = {"serveraddress": server_key(host)}
    if credential.kind == "password":
        return {"username": credential.username, "password": credential.secret, **where}
    return {credential.kind.replace(" ", ""): credential.secret, **where}


def refused(credential: Credential) -> AuthFailed:
    """The error of a login that a registry does not accept."""
    who = f"for {plain(credential.username, 100)!r}" if credential.username else "with this token"
    return AuthFailed(
        f"{credential.host} does not accept the login {who}.",
        host=credential.host,
        cure="Check user name and password; nothing was stored.",
    )
