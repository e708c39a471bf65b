"""Containers of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nbcontainer.drawn import Drawn

ACTIVE = frozenset({"running", "paused", "restarting"})


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A container to run; the fields are `docker run`'s flags.

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
    environment: Mapping[str, str | None] = field(default_factory=dict)
    publish: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    entrypoint: str | None = None
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


@dataclass(frozen=True)
class ContainerFacts:
    """What an engine's list says about a container.

    Attributes:
        name: the first of its `names`.
        command: what it runs, as docker ps writes it.
        state: "running", "exited", "paused" …; `status` is the same in docker ps's words: "Up 5 minutes".
        ports: as docker ps writes them.
        created: when, in seconds since the epoch.
        exit_code: of a container that has exited.
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

    @property
    def is_active(self) -> bool:
        """Whether it runs, or could continue at once: only force removes such a container."""
        return self.state in ACTIVE


@dataclass(frozen=True)
class RunResult(Drawn):
    """A started (`detach`) or finished container.

    Attributes:
        output: what it wrote to both streams, as it wrote it; beyond 4 MiB only the last lines.
        output_lines: how many lines it wrote in all.
        spool: the path of the file with all of them, or "".
        notes: what is missing from `output` or from the file, in words; empty where both are complete.
    """

    id: str
    name: str
    exit_code: int | None = None
    output: str = ""
    spool: str = ""
    command: str = ""
    output_lines: int = 0
    notes: tuple[str, ...] = ()

    @property
    def hidden_lines(self) -> int:
        """How many lines it wrote before those in `output`."""
        shown = self.output.count("\n") + (not self.output.endswith("\n"))
        return max(0, self.output_lines - shown) if self.output else 0

    def __repr__(self) -> str:
        """Which container, how it ended, and whether `output` is not all that it wrote."""
        how = "running" if self.exit_code is None else f"exit code {self.exit_code}"
        where = "" if self.notes else f" are in {self.spool}"
        cut = f", {self.hidden_lines:,} lines before those of output{where}" if self.hidden_lines else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"RunResult({self.name or self.id[:12]}, {how}{cut}{notes})"
