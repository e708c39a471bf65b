"""The manifests that `kubectl create configmap|secret|serviceaccount` makes, of values and local files."""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbcontainer.errors import UsageError
from nbcontainer.user_files import read_bytes

Object = dict[str, Any]

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def contents(literals: Mapping[str, str], files: Sequence[str], env_files: Sequence[str]) -> dict[str, bytes]:
    """The data of a ConfigMap or a Secret, by key.

    Raises:
        UsageError: a file cannot be read, or a key is invalid or given twice.
    """
    found: dict[str, bytes] = {}
    given = [(key, value.encode()) for key, value in literals.items()]
    given += [pair for file in files for pair in _file(file)]
    given += [pair for file in env_files for pair in _environment(file)]
    for key, value in given:
        if not _KEY.fullmatch(key) or key in {".", ".."}:
            raise UsageError(f"{key!r} is not a valid key.", cure="A key has letters, digits, - _ and . only.")
        if key in found:
            raise UsageError(f"The key {key} is given twice.")
        found[key] = value
    return found


def _file(word: str) -> Iterator[tuple[str, bytes]]:
    key, equals, name = word.rpartition("=")
    path = Path(name).expanduser()
    if equals and not (key and name):
        raise UsageError(f"`--from-file` is FILE or KEY=FILE, not {word!r}.")
    if path.is_dir():
        if key:
            raise UsageError(f"{name} is a folder, which takes no key.", cure="Leave out KEY=.")
        files = sorted(each for each in path.iterdir() if each.is_file() and _KEY.fullmatch(each.name))
        yield from ((each.name, read_bytes(each)) for each in files)
    else:
        yield key or path.name, read_bytes(path)


def _environment(name: str) -> Iterator[tuple[str, bytes]]:
    """The lines KEY=VALUE of a file; a KEY alone takes the environment's value, which is empty if there is none."""
    for number, line in enumerate(read_bytes(Path(name).expanduser()).decode("utf-8-sig", "replace").splitlines(), 1):
        text = line.lstrip()
        if not text or text.startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if not _VARIABLE.fullmatch(key):
            raise UsageError(f"{name}, line {number}: the name before the = is not valid.")
        yield key, (value if equals else os.environ.get(key, "")).encode()


def config_map(name: str, data: Mapping[str, bytes]) -> Object:
    """A ConfigMap; what is not UTF-8 becomes binary data."""
    texts, binary = {}, {}
    for key, value in data.items():
        try:
            texts[key] = value.decode()
        except UnicodeDecodeError:
            binary[key] = _base64(value)
    parts = {**({"data": texts} if texts else {}), **({"binaryData": binary} if binary else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **parts}


def secret(name: str, data: Mapping[str, bytes], type: str = "") -> Object:  # noqa: A002 - kubectl's name
    """A Secret."""
    made: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    made |= {"type": type} if type else {}
    return made | ({"data": {key: _base64(value) for key, value in data.items()}} if data else {})


def tls_secret(name: str, cert: str, key: str) -> Object:
    """A Secret of a certificate and its key.

    Raises:
        UsageError: a file cannot be read, or the key is not the certificate's.
    """
    certificate, private = (Path(file).expanduser() for file in (cert, key))
    data = {"tls.crt": read_bytes(certificate), "tls.key": read_bytes(private)}
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private, password="")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "it is encrypted, or no PEM file"
        raise UsageError(f"{cert} and {key} are not a certificate and its key: {reason}.") from None
    return secret(name, data, "kubernetes.io/tls")


def registry_secret(name: str, server: str, username: str, password: str, email: str) -> Object:
    """A Secret with the credentials of a registry."""
    entry = {"username": username, "password": password, **({"email": email} if email else {})}
    entry["auth"] = _base64(f"{username}:{password}".encode())
    text = json.dumps({"auths": {server: entry}}, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":  # as Go writes them
        text = text.replace(character, f"\\u{ord(character):04x}")
    return secret(name, {".dockerconfigjson": text.encode()}, "kubernetes.io/dockerconfigjson")


def service_account(name: str) -> Object:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
