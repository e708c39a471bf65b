"""Where an engine may be: what the settings, the environment and docker's configuration name, and the usual sockets.

The order: the setting `engine`; DOCKER_HOST; DOCKER_CONTEXT and the current docker context; the usual sockets; the
private Podman. Nothing here checks whether an engine answers.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from nbcontainer.engines.config import (
    DEFAULT,
    Context,
    config_folder,
    configured_commands,
    find_context,
    load_config,
)
from nbcontainer.engines.tls import Tls
from nbcontainer.errors import UsageError
from nbcontainer.settings import settings


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine may be, and how we came to look there.

    Attributes:
        url: "unix://…", "tcp://…", "ssh://…", or "podman" for the private one.
        source: in words: "DOCKER_HOST", "docker context 'remote'", "the usual sockets".
        context: the docker context that names it, or "".
    """

    url: str
    source: str = ""
    tls: Tls | None = None
    context: str = ""


PRIVATE_PODMAN = Address("podman", "private Podman")  # a single object, however a call names it


def usual_addresses() -> tuple[Address, ...]:
    """The addresses to try where nothing names an engine."""
    return (*_sockets(), PRIVATE_PODMAN)


def named_address() -> Address | None:
    """The engine that the settings, the environment or docker's configuration name; None where nothing does.

    Raises:
        UsageError: the name is not valid.
    """
    if settings.engine:
        return address_of(settings.engine)
    host = os.environ.get("DOCKER_HOST", "").strip()
    if host:
        return Address(host, "DOCKER_HOST", _environment_tls(host))
    name = os.environ.get("DOCKER_CONTEXT", "")
    source = "DOCKER_CONTEXT"
    if not name:
        name, source = str(load_config().get("currentContext") or ""), "docker's current context"
    if name in ("", DEFAULT):
        return None
    context = find_context(name)
    if context is None:
        docker = configured_commands().docker
        raise UsageError(
            f"{source} is {name!r}, but there is no docker context of that name in {config_folder() / 'contexts'}.",
            cure=f"`{docker('context', 'ls')}` shows them; `{docker('context', 'use', 'default')}` goes back.",
        )
    return _of_context(context)


def names_private_podman(name: str) -> bool:
    """Whether a name means the private Podman."""
    return name == "podman" and find_context(name) is None  # docker's own context of that name takes precedence


def address_of(value: str, source: str = "the setting `engine`") -> Address:
    """The address that a docker context, an address or "podman" means.

    Args:
        value: the name.
        source: where it comes from, for errors.

    Raises:
        UsageError: it is none of these.
    """
    if names_private_podman(value):
        return PRIVATE_PODMAN
    if "://" in value or value.startswith("/"):
        url = value if "://" in value else f"unix://{value}"
        return Address(url, source, _environment_tls(url))
    context = find_context(value)
    if context is None:
        raise UsageError(
            f"{source[:1].upper()}{source[1:]} is {value!r}: neither an address nor a docker context.",
            cure='It may be unix:///…, tcp://host:2376, ssh://user@host, a docker context, "podman", or "" to search.',
        )
    return _of_context(context)


def _of_context(context: Context) -> Address:
    tls = context.tls or (_environment_tls(context.address) if context.name == DEFAULT else None)
    return Address(context.address, f"docker context {context.name!r}", tls, context.name)


def _environment_tls(url: str) -> Tls | None:
    """TLS as docker's environment variables request it, which is for tcp only."""
    if not url.startswith(("tcp://", "https://")):
        return None
    verify = bool(os.environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not os.environ.get("DOCKER_TLS") and not url.startswith("https://"):
        return None
    return Tls(Path(os.environ.get("DOCKER_CERT_PATH") or config_folder()), verify=verify)


def usual_sockets() -> list[Path]:
    """Where engines listen by default, the most likely first; it does not check whether anything is there."""
    home = Path.home()
    user = os.environ.get("XDG_RUNTIME_DIR") or (f"/run/user/{os.getuid()}" if sys.platform != "win32" else "")
    return [
        Path("/var/run/docker.sock"),
        *([Path(user, "docker.sock")] if user else []),
        home / ".docker/run/docker.sock",
        home / ".docker/desktop/docker.sock",
        home / ".orbstack/run/docker.sock",
        home / ".colima/default/docker.sock",
        home / ".config/colima/default/docker.sock",
        home / ".rd/docker.sock",
        *([Path(user, "podman/podman.sock")] if user else []),
        home / ".local/share/containers/podman/machine/podman.sock",
        Path("/run/podman/podman.sock"),
    ]


def _sockets() -> tuple[Address, ...]:
    found = []
    for path in usual_sockets():
        try:
            there = path.exists()
        except PermissionError:  # it may be there; connecting to it says what to do
            there = True
        if there:
            found.append(Address(f"unix://{path}", "the usual sockets"))
    return tuple(found)
