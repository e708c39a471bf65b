"""The handle of an engine: `nbc.engine()`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nbcontainer import engines
from nbcontainer.api.containers import Containers
from nbcontainer.api.images import Images
from nbcontainer.api.networks import Networks
from nbcontainer.api.registries import Registries
from nbcontainer.api.system import System
from nbcontainer.api.volumes import Volumes
from nbcontainer.call_arguments import checks
from nbcontainer.protection import changes, guard, guard_later, place_of_engine

if TYPE_CHECKING:
    from docker import DockerClient

    from nbcontainer.engines.connection import Engine as Connected


@checks
def engine(name: str = "") -> Engine:
    """A container engine and what is in it: `nbc.engine("prod").volumes.list()`.

    Args:
        name: a docker context, an address or "podman"; "" for the one in use.
    """
    return Engine(name)


class Engine:
    """A container engine; its nouns are attributes. Each call looks it up again.

    Args:
        name: a docker context, an address or "podman"; "" for the one in use.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._found: Connected | None = None

    def __repr__(self) -> str:
        """The call that returns it."""
        return f"nbc.engine({str(self.name)!r})" if self.name else "nbc.engine()"

    containers = cached_property(Containers)
    images = cached_property(Images)
    networks = cached_property(Networks)
    registries = cached_property(Registries)
    system = cached_property(System)
    volumes = cached_property(Volumes)

    @property
    @changes
    def client(self) -> DockerClient:
        """The docker package's client for it: `nbc.engine().client.containers.get("web").attrs`.

        It reaches the engine the same way nbcontainer does, and stays the same object while you hold a reference to it.
        Its calls raise docker's own errors if the engine refuses, and `EngineUnavailable` if the connection breaks or
        hangs. Any call may change something, so a protected engine must be named; if it is protected only later, each
        request other than GET and HEAD raises `Protected`. What it creates does not get the notebook's label.

        Raises:
            EngineUnavailable: the engine does not answer.
            Protected: the engine is protected and not named.
        """
        found = self.connect()
        return found.client(self.name, guard_later(place_of_engine(found), self.name))

    def connect(self) -> Connected:
        """Find it. If the calling method changes something, check protection.

        Raises:
            EngineUnavailable: the engine does not answer.
            Protected: the engine is protected and not named.
        """
        found = self._found or engines.connection.find_engine(self.name)
        self.guard(found)
        return found

    def at_hand(self) -> Engine | None:
        """The same if it answers immediately, without starting anything; otherwise None."""
        found = engines.connection.engine_at_hand(self.name)
        return self.at(found) if found else None

    def at(self, found: Connected) -> Engine:
        """The same, fixed to where it was found: objects stay on their engine even if another one is in use now."""
        fixed = Engine(self.name)
        fixed._found = found
        return fixed

    def guard(self, found: Connected) -> None:
        """Refuse a call that changes the engine, if it is protected and not named.

        Raises:
            Protected: it is.
        """
        guard(place_of_engine(found), self.name)
