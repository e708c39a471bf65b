"""Registries: log in and out as docker does, and store the credentials.

A login is checked first, and stored only if the registry accepts it: with the credential helper that docker's config
names, else in config.json.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbcontainer import engines
from nbcontainer.engines import credentials
from nbcontainer.engines.config import Config, config_file, configured_commands, load_config
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.credentials import Credential
from nbcontainer.errors import ApiError, NbcontainerError, UsageError
from nbcontainer.json_objects import object_of, text_of
from nbcontainer.model.references import HUB, registry_host

CHECK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class LoginResult:
    """A login that the registry accepted and that is now stored.

    Attributes:
        stored: where, in words.
        encrypted: whether a credential helper stores it; else it is readable in config.json, as with docker.
    """

    host: str
    username: str
    stored: str
    encrypted: bool
    command: str = ""


def login(registry: str, username: str, password: str, *, engine: Engine | None = None) -> LoginResult:
    """Check the credentials with the registry, and store them as docker does.

    Args:
        registry: any of its names; "" is Docker Hub.
        username: the user's name; "<token>" with an identity token as the password.
        password: never shown, logged, or put on a command line.
        engine: checks the credentials in our place where it can: it knows its own insecure registries and networks.

    Raises:
        AuthFailed: the registry does not accept them; nothing is stored.
        ApiError: the registry cannot be reached; nothing is stored.
        UsageError: a name is not valid, or docker's config cannot be read.
    """
    host = registry_host(registry)
    if not username or not password:
        raise UsageError(f"A login at {host} needs a user name and a password.")
    if any(character in "\r\n\0" for character in username + password) or ":" in username:
        raise UsageError("A user name cannot contain a colon, and neither it nor the password a line break.")
    config = load_config()
    kind = "identity token" if username == credentials.TOKEN_USER else "password"
    credential = Credential(host, "" if kind == "identity token" else username, password, kind)
    token = _check_by_engine(engine, credential) if engine is not None else None
    if token is None:
        engines.registry_check.check(credential, config)
    elif token:
        credential = Credential(host, username, token, "identity token")
    helper = credentials.helper_for(config, host)
    client = engine.commands if engine is not None else configured_commands()
    command = client.docker("login", *([] if host == HUB else [host]), "-u", username, "--password-stdin")
    if helper:
        _store_by_helper(helper, credential)
        _change_config(lambda found: _entry(found, host, {}))
        return LoginResult(host, username, f"docker-credential-{helper}", encrypted=True, command=command)
    _change_config(lambda found: _entry(found, host, _kept(credential, username)))
    return LoginResult(host, username, str(config_file()), encrypted=False, command=command)


def logout(registry: str = "") -> bool:
    """Forget the login at a registry. Returns whether there was one.

    Raises:
        UsageError: it is not a valid registry name, or docker's config cannot be read.
        ApiError: the credential helper refuses.
    """
    host = registry_host(registry)
    config = load_config()
    helper = credentials.helper_for(config, host)
    kept = False
    if helper:
        try:
            kept = credentials.run_helper(helper, "erase", credentials.server_key(host)) is not None
        except credentials.HelperFailed as error:
            raise ApiError(f"The login at {host} was not removed. {error}", reason="credential helper") from None
    table = config.get("auths")
    if isinstance(table, dict) and any(credentials.is_host(key, host) for key in table):
        kept = True
        _change_config(lambda found: _drop(found, host))
    return kept


# --- checking


def _check_by_engine(engine: Engine, credential: Credential) -> str | None:
    """Let the engine check. Returns an identity token, or ""; None where the engine cannot find out.

    Raises:
        AuthFailed: the registry refused.
    """
    body = credentials.auth_config(credential, credential.host)
    try:
        answer = engine.http().json("POST", "/auth", body=body, timeout=CHECK_SECONDS)
    except ApiError as error:
        # Docker answers 401, or for some registries 500 with the registry's status in the text; Podman answers 500
        if error.status == 401 or re.search(r"\b40[13]\b|unauthorized|invalid username/password", error.message):  # noqa: PLR2004
            raise credentials.refused(credential) from None
        return None
    except NbcontainerError:
        return None
    return text_of(object_of(answer), "IdentityToken")


# --- storing


def _store_by_helper(helper: str, credential: Credential) -> None:
    username = credentials.TOKEN_USER if credential.kind == "identity token" else credential.username
    entry = {"ServerURL": credentials.server_key(credential.host), "Username": username, "Secret": credential.secret}
    try:
        credentials.run_helper(helper, "store", json.dumps(entry))
    except credentials.HelperFailed as error:
        what = "Install the helper," if "not installed" in str(error) else "Find out why the helper fails,"
        raise ApiError(
            f"The login at {credential.host} is valid, but it was not stored. {error}",
            reason="credential helper",
            cure=f"{what} or remove it from {config_file()}.",
        ) from None


def _kept(credential: Credential, username: str) -> dict[str, str]:
    """An entry of config.json's `auths`."""
    if credential.kind == "identity token":
        name = "" if username == credentials.TOKEN_USER else username
        pair = {"auth": base64.b64encode(f"{name}:".encode()).decode()} if name else {}
        return {**pair, "identitytoken": credential.secret}
    return {"auth": base64.b64encode(f"{username}:{credential.secret}".encode()).decode()}


def _entry(config: Config, host: str, entry: dict[str, str]) -> None:
    _drop(config, host)
    config["auths"][credentials.server_key(host)] = entry


def _drop(config: Config, host: str) -> None:
    table = config.get("auths")
    if not isinstance(table, dict):
        table = config["auths"] = {}
    for key in [key for key in table if credentials.is_host(key, host)]:
        del table[key]


def _change_config(change: Callable[[Config], None]) -> None:
    """Change config.json: whole or not at all, its other keys and its indentation kept, readable only by its owner.

    Raises:
        UsageError: it cannot be read or written.
    """
    path = Path(os.path.realpath(config_file()))  # a symbolic link stays one
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path.parent):
            config = load_config(path)
            change(config)
            before = path.read_text("utf-8") if path.exists() else ""
            text = json.dumps(config, indent=_indentation(before), ensure_ascii=False)
            _replace(path, text + ("\n" if before.endswith("\n") else ""))
    except OSError as error:
        raise UsageError(
            f"docker's configuration {path} cannot be written: {error.strerror}.",
            cure="Set DOCKER_CONFIG to a folder of yours.",
        ) from None


def _indentation(text: str) -> str | None:
    """The indentation of the file; docker writes tabs."""
    if not text.strip():
        return "\t"
    found = re.search(r"\{[^\S\n]*\r?\n([ \t]+)\"", text)
    return found[1] if found else None if "\n" not in text.strip() else "\t"


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=".config.json.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # before the rename: a crash must not leave an empty config.json
        Path(name).chmod(stat.S_IRUSR | stat.S_IWUSR)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two kernels of one user from overwriting each other's change; docker itself takes no lock."""
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - not on Windows

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
