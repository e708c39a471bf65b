"""Containers of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Container", "RunRequest", "RunResult"]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What `docker run` is told; the fields are its flags.

    Attributes:
        publish: "[[IP:]HOST:]CONTAINER[/PROTOCOL]".
        volumes: "SOURCE:TARGET[:ro]".
        stdin: what the command reads, None for nothing.
    """

    image: str
    command: tuple[str, ...] = ()
    name: str = ""
    detach: bool = False
    remove: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    entrypoint: str = ""
    user: str = ""
    workdir: str = ""
    network: str = ""
    hostname: str = ""
    memory: str = ""
    cpus: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    pull: str = "missing"
    read_only: bool = False
    restart: str = ""
    stdin: bytes | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One container.

    Attributes:
        name: the first of its `names`.
        ports: as docker ps writes them.
        created: seconds since the epoch.
    """

    id: str
    name: str
    image: str
    command: str = ""
    state: str = ""
    status: str = ""
    ports: str = ""
    created: float = 0.0
    exit_code: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunResult:
    """A started (`detach`) or finished container. `output` has its last lines, `spool` all of them."""

    id: str
    name: str
    exit_code: int | None = None
    output: str = ""
    spool: str = ""
    command: str = ""

    def __repr__(self) -> str:
        """Which container, and how it ended."""
        how = "running" if self.exit_code is None else f"exit code {self.exit_code}"
        return f"RunResult({self.name or self.id[:12]}, {how})"
