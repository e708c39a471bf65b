"""BuildKit's own parser, checks and lint rules as a program that is asked about many Dockerfiles; nothing runs."""

from __future__ import annotations

from pathlib import Path

from . import folders, golang
from .part import Part, State, Status

_SOURCES = folders.SOURCES / "dockerfile_oracle"


class DockerfileOracle(Part):
    """The program; it is built once for each state of its sources."""

    name = "dockerfile-oracle"
    builds = True

    def install(self) -> None:
        self.binary()

    def binary(self) -> Path:
        """The program, which is built where it is missing."""
        return golang.build(self.name, _SOURCES)

    def up(self) -> None:
        self.install()

    def down(self) -> None:
        """Nothing runs; the program stays."""

    def status(self) -> Status:
        built = folders.folder("go", "bin") / f"{self.name}-{golang.digest(_SOURCES, '.', '')}"
        return Status(State.UP, str(built)) if built.exists() else Status(State.DOWN, "not built yet")

    def env(self) -> dict[str, str]:
        return {"NBCONTAINER_TEST_DOCKERFILE_ORACLE": str(self.binary())}
