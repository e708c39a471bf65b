"""An engine, as calls name it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nbcontainer import engines
from nbcontainer.api.containers import Containers
from nbcontainer.api.images import Images
from nbcontainer.api.networks import Networks
from nbcontainer.api.registries import Registries
from nbcontainer.api.volumes import Volumes
from nbcontainer.protection import changes, guard, place_of_engine

if TYPE_CHECKING:
    from docker import DockerClient

    from nbcontainer.engines.connection import Engine as Connected

__all__ = ["Engine", "engine"]


def engine(name: str = "") -> Engine:
    """A container engine and what is in it: `nbc.engine("prod").volumes.list()`.

    Args:
        name: a docker context, an address or "podman"; "" for the one in use.
    """
    return Engine(name)


class Engine:
    """A container engine, whose nouns are its attributes. It is looked for with each call.

    Args:
        name: a docker context, an address or "podman"; "" for the one in use.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._found: Connected | None = None

    def __repr__(self) -> str:
        """How it is called."""
        return f"nbc.engine({str(self.name)!r})" if self.name else "nbc.engine()"

    containers = cached_property(Containers)
    images = cached_property(Images)
    networks = cached_property(Networks)
    registries = cached_property(Registries)
    volumes = cached_property(Volumes)

    @property
    @changes
    def client(self) -> DockerClient:
        """The docker package's own client for it: `nbc.engine().client.containers.get("web").attrs`.

        It reaches the engine as our own calls do, and is the same one for as long as it is referred to. Its calls raise
        docker's own errors where the engine refuses, `EngineUnavailable` where it breaks off or hangs. Any of them may
        change something, so that a protected engine has to be named for it. What it makes has no label of the notebook.

        Raises:
            EngineUnavailable: the engine does not answer.
            Protected: it is protected, and not named.
        """
        return self.connect().client

    def connect(self) -> Connected:
        """Find it; where the call that asks changes something, it must not be protected.

        Raises:
            EngineUnavailable: it does not answer.
            Protected: it is protected, and not named.
        """
        found = self._found or engines.connection.find_engine(self.name)
        self.guard(found)
        return found

    def at_hand(self) -> Engine | None:
        """The same where it answers at once, without anything being started for it; None where it does not."""
        found = engines.connection.engine_at_hand(self.name)
        return self.at(found) if found else None

    def at(self, found: Connected) -> Engine:
        """The same where it was found: what came from there is there, whatever the engine in use is by now."""
        fixed = Engine(self.name)
        fixed._found = found
        return fixed

    def guard(self, found: Connected) -> None:
        """Refuse a call that changes the engine, if it is protected and not named.

        Raises:
            Protected: so it is.
        """
        guard(place_of_engine(found), self.name)
