"""An engine, as calls name it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nbcontainer.api.containers import Containers
from nbcontainer.api.networks import Networks
from nbcontainer.api.volumes import Volumes
from nbcontainer.protection import changes, guard, place_of_engine

if TYPE_CHECKING:
    from docker import DockerClient

    from nbcontainer.engines.connection import Engine as Connected

__all__ = ["Engine"]


class Engine:
    """A container engine and what is in it: `nbc.Engine("prod").volumes.list()`. It is looked for with each call.

    Args:
        name: a docker context, an address or "podman"; "" for the one in use.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._found: Connected | None = None

    def __repr__(self) -> str:
        """How it is called."""
        return f"Engine({str(self.name)!r})"

    @cached_property
    def containers(self) -> Containers:
        """Its containers."""
        return Containers(self)

    @cached_property
    def networks(self) -> Networks:
        """Its networks."""
        return Networks(self)

    @cached_property
    def volumes(self) -> Volumes:
        """Its volumes."""
        return Volumes(self)

    @property
    @changes
    def client(self) -> DockerClient:
        """The docker package's own client for it: `nbc.Engine().client.containers.get("web").attrs`.

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
        from nbcontainer.engines.connection import find_engine  # noqa: PLC0415 - loads with the first call

        engine = self._found or find_engine(self.name)
        self.guard(engine)
        return engine

    def at(self, engine: Connected) -> Engine:
        """The same where it was found: what came from there is there, whatever the engine in use is by now."""
        fixed = Engine(self.name)
        fixed._found = engine
        return fixed

    def guard(self, engine: Connected) -> None:
        """Refuse a call that changes the engine, if it is protected and not named.

        Raises:
            Protected: so it is.
        """
        guard(place_of_engine(engine), self.name)
