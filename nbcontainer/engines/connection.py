"""Which container engine is used, and how it is reached.

`addresses` has the order in which engines are searched for; the last is a private Podman, started as a child. An engine
that is named explicitly is used or is an error; it is never replaced by another.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbcontainer import engines
from nbcontainer.byte_stream import Stream
from nbcontainer.engines.addresses import (
    PRIVATE_PODMAN,
    Address,
    address_of,
    named_address,
    names_private_podman,
    usual_addresses,
)
from nbcontainer.engines.capabilities import Capabilities, capabilities_of
from nbcontainer.engines.config import DEFAULT, named_folder, unusual_folder
from nbcontainer.engines.dial import dial
from nbcontainer.engines.http import Http
from nbcontainer.engines.private_podman import private_podman
from nbcontainer.errors import ApiError, EngineUnavailable, Unsupported, UsageError
from nbcontainer.model.commands import EngineCommands
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.buildkit.control import Control
    from nbcontainer.engines.builders import Node
    from nbcontainer.engines.docker_client import EngineClient

    ControlKey = tuple[str, tuple[Node, ...], int]  # builder, its nodes, process


@dataclass(eq=False)
class Engine:
    """One container engine, reached and identified.

    Attributes:
        address: in the form of DOCKER_HOST.
        source: how it was found, in words.
        private: whether it is the private Podman, a child of this process.
        controls: the connections to its BuildKit and to builders, kept for the next build (`buildkit_build`).
    """

    address: str
    source: str
    capabilities: Capabilities
    private: bool = False
    _where: Address = field(default_factory=lambda: Address(""), repr=False)
    _socket: object = field(default=None, repr=False)
    _http: Http | None = field(default=None, repr=False)
    _clients: weakref.WeakValueDictionary[object, EngineClient] = field(
        default_factory=weakref.WeakValueDictionary, repr=False
    )
    controls: dict[ControlKey, Control] = field(default_factory=dict, repr=False)

    @property
    def context(self) -> str:
        """The docker context that it is, "podman" for the private Podman, or "" where only its address names it."""
        return self._where.context or ("podman" if self.private and names_private_podman("podman") else "")

    @property
    def name(self) -> str:
        """Such as "Docker Engine 28.5.2" or "Podman 4.3.1"."""
        return f"{self.capabilities.product} {self.capabilities.version}"

    @property
    def is_podman(self) -> bool:
        """Whether it is Podman, whose replies differ from docker's in places."""
        return bool(self.capabilities.libpod_version)

    @property
    def commands(self) -> EngineCommands:
        """The commands that reach it from a terminal."""
        tls = self._where.tls
        # podman's client does not support TLS, and ssh:// runs docker's command on the remote host
        podman = self.is_podman and tls is None and self.address.startswith(("unix://", "tcp://"))
        context = "" if self._where.context == DEFAULT else self._where.context  # a terminal's may be another engine
        return EngineCommands(
            context,
            self.address,
            podman,
            named_folder() if context else unusual_folder(),
            tls.flags() if tls is not None else (),
            "" if _is_in_use(self) else self.context or self.address,
        )

    def http(self) -> Http:
        """Calls to its API."""
        if self._http is None:
            self._http = Http(
                self.dial,
                where=self.name,
                version=self.capabilities.api_version,
                address=self.address,
                magic=self._magic,
            )
        return self._http

    def client(self, said: str = "", check: Callable[[], None] = lambda: None) -> EngineClient:
        """The docker package's own client for it: the same object for as long as it is referenced.

        Args:
            said: how the caller names the engine; each name has a client of its own, since `check` depends on it.
            check: is called before each request that may change something, and raises where that is refused.
        """
        key = (type(said), said)
        client = self._clients.get(key)
        if client is None:
            self._clients[key] = client = engines.docker_client.EngineClient(self, check)
        return client

    def _magic(self, *words: str) -> str:
        return self.commands.magic(*words)

    def close_idle(self) -> None:
        """Close the connection that is kept for the next call, if there is one."""
        if self._http is not None:
            self._http.close()

    def let_go(self) -> None:
        """Close the connections that are kept for the next call; those in use, as soon as they no longer are."""
        if self._http is not None:
            self._http.close(for_good=True)
        for (*_, process), control in tuple(self.controls.items()):
            if process == os.getpid():
                control.client.close_when_unused()

    def dial(self) -> Stream:
        """A new connection to its API.

        Raises:
            EngineUnavailable: it is gone; the next `find_engine` searches again.
        """
        try:
            return _dial(self._where)
        except EngineUnavailable:
            forget_engines()
            raise

    def open_stream(self) -> Stream:
        """A stream to its BuildKit, for `nbcontainer.buildkit`.

        Raises:
            Unsupported: it has no BuildKit, or a proxy in between does not pass the upgrade on.
            EngineUnavailable: it is gone.
        """
        if not self.capabilities.buildkit:
            raise Unsupported("BuildKit", self.name)
        try:
            return self.http().hijack("/grpc", protocol="h2c")[0]
        except ApiError as error:
            if error.status:
                raise Unsupported(
                    f"an upgrade to BuildKit (it answered {error.status})",
                    self.name,
                    cure="A proxy in front of the engine may refuse it.",
                ) from None
            raise EngineUnavailable(error.message, tried=(self.address,)) from None


# by the addresses that were candidates: other settings mean another search
_engines: dict[tuple[Address, ...], Engine] = {}
_lock = threading.Lock()


def find_engine(name: str = "") -> Engine:
    """The engine that a call uses; it is kept until its connection fails or the settings change.

    Args:
        name: a docker context, an address or "podman", where the call names one.

    Raises:
        EngineUnavailable: none answers; `tried` and `cure` say why and what to do.
        UsageError: the name in the call, the setting or docker's configuration is not valid.
    """
    named = address_of(name, "the call's engine") if name else named_address()
    candidates = (named,) if named else usual_addresses()
    with _lock:
        engine = _kept(candidates)
        if engine is None:
            engine = _keep(candidates, _connect(named) if named else _search(candidates))
        return engine


def _kept(candidates: tuple[Address, ...]) -> Engine | None:
    """The engine found there before, with its connections, unless its socket was replaced: it may be a link."""
    engine = _engines.get(candidates)
    if engine is None or engine._socket == _socket_file(engine._where):  # noqa: SLF001 - of this module
        return engine
    return None


def _keep(candidates: tuple[Address, ...], engine: Engine) -> Engine:
    replaced = _engines.get(candidates)
    _engines[candidates] = engine
    if replaced is not None:
        replaced.let_go()
    return engine


def _socket_file(address: Address) -> object:
    """What identifies the socket's file at an address; None where there is none."""
    if not address.url.startswith("unix://"):
        return None
    try:
        found = Path(address.url.removeprefix("unix://")).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_in_use(engine: Engine) -> bool:
    """Whether a call that names no engine uses this one."""
    try:
        named = named_address()
    except UsageError:
        return False
    if named is None:
        return _engines.get(usual_addresses()) is engine
    return (named.url, named.context) == (engine._where.url, engine._where.context)  # noqa: SLF001 - of this module


def engine_at_hand(name: str = "") -> Engine | None:
    """The engine that a call would use, if nothing has to be started for it; for completion.

    It is connected already, or answers at a socket of this machine. A search on another thread is not waited for, since
    the private Podman may take long to start.

    Args:
        name: as for `find_engine`.
    """
    try:
        named = address_of(name, "the call's engine") if name else named_address()
        candidates = (named,) if named else usual_addresses()
        engine = _kept(candidates)
        if engine is not None or _lock.locked():
            return engine
        local = tuple(address for address in candidates if address.url.startswith("unix://"))
        if local:
            engine = _keep(candidates, _search(local))
    except (EngineUnavailable, UsageError):
        return None
    return engine


def find_podman() -> Engine:
    """The private Podman, whatever the engine in use is.

    Raises:
        EngineUnavailable: podman is not installed, or does not start.
    """
    if not private_podman.installed():
        raise EngineUnavailable("podman is not installed.", cure="Install it: apt-get install podman")
    candidates = (PRIVATE_PODMAN,)
    with _lock:
        engine = _engines.get(candidates)
        if engine is None:
            engine = _engines[candidates] = _connect(candidates[0])
        return engine


def forget_engines() -> None:
    """Search for the engine again on the next call."""
    # no lock: it is also called while find_engine holds it, and each step is atomic
    while _engines:
        with suppress(KeyError):  # another thread took the last one
            _engines.popitem()[1].let_go()


def _search(candidates: tuple[Address, ...]) -> Engine:
    """The first candidate that answers; the private Podman is the last of them."""
    failures: list[EngineUnavailable] = []
    for address in candidates:
        if address.url == "podman" and not private_podman.installed():
            continue
        try:
            return _connect(address)
        except EngineUnavailable as error:
            failures.append(error)
    if not failures:
        raise EngineUnavailable(
            "No container engine was found: no socket of Docker or Podman, and podman is not installed.",
            tried=tuple(str(path) for path in engines.addresses.usual_sockets()),
            cure="Start Docker, or install podman, or set DOCKER_HOST to an engine's address.",
        )
    if len(failures) == 1:
        raise failures[0]
    tried = tuple(f"{words}: {error.message}" for error in failures for words in error.tried[:1])
    raise EngineUnavailable(failures[0].message, tried=tried, cure=failures[0].cure)


def _connect(address: Address) -> Engine:
    """Reach and identify the engine at `address`.

    Raises:
        EngineUnavailable: nothing that is an engine answers there.
    """
    private = address.url == "podman"
    where = "the private Podman" if private else f"the engine at {address.url}"
    http = Http(lambda: _dial(address), where=where, address=address.url)
    try:
        ping = http.call("GET", "/_ping", timeout=settings.connect_timeout)
        version = http.json("GET", "/version", timeout=settings.connect_timeout)
        capabilities = capabilities_of(ping, version)
    except ApiError as error:
        raise EngineUnavailable(
            f"{address.url} ({address.source}) does not answer as a container engine does: {error.message}",
            tried=(address.url,),
            cure="Check the address, or restart the engine.",
        ) from error
    finally:
        http.close()
    url = private_podman.start() if private else address.url
    return Engine(url, address.source, capabilities, private, address, _socket=_socket_file(address))


def _dial(address: Address) -> Stream:
    """Dial, and turn a failure into an EngineUnavailable with its cure."""
    url = address.url
    try:
        if url == "podman":
            url = private_podman.start()
        return dial(url, tls=address.tls, timeout=settings.connect_timeout, through_proxy=True)
    except OSError as error:
        message, cure = _explain(address, error)
        raise EngineUnavailable(message, tried=(address.url,), cure=cure) from error


def _explain(address: Address, error: OSError) -> tuple[str, str]:  # noqa: PLR0911 - one return per kind of failure
    """What happened and what to do, for a connection that failed."""
    at = f"{address.url} ({address.source})"
    unix = address.url.startswith("unix://")
    start = "Start the engine" + (", or unset DOCKER_HOST." if address.source == "DOCKER_HOST" else ".")
    match error:
        case PermissionError():
            group = "Add yourself to the docker group (`sudo usermod -aG docker $USER`) and log in again."
            return f"You have no access to {at}: permission denied.", group
        case FileNotFoundError() | NotADirectoryError():
            return f"There is no engine at {at}: no such socket.", start
        case ConnectionRefusedError():
            what = "the socket is there, but no engine listens on it" if unix else "connection refused"
            return f"There is no engine at {at}: {what}.", start
        case TimeoutError():
            return f"The engine at {at} does not answer.", "Check the network, or restart the engine."
        case socket.gaierror():
            return f"The host name of {at} cannot be resolved.", "Check the address."
        case ssl.SSLError():
            why = getattr(error, "verify_message", "") or error.reason or str(error)
            return f"TLS with {at} failed: {why}.", "Check DOCKER_CERT_PATH and DOCKER_TLS_VERIFY."
    return f"{at} cannot be reached: {error.strerror or error}", "Check the address."
