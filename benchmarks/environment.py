"""The engine to measure: the one that docker's variables name, else the test environment's own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from benchmarks.measuring import MissingError


@dataclass(frozen=True)
class Engine:
    """An engine, and the docker command (with the buildx plugin) to compare with."""

    variables: dict[str, str]
    docker: str


def engine() -> Engine:
    """Find it.

    Raises:
        MissingError: No engine was found.
    """
    host, docker = os.environ.get("DOCKER_HOST"), os.environ.get("NBCONTAINER_TEST_DOCKER") or shutil.which("docker")
    if host and docker:
        return Engine({}, docker)
    from tests.environment.docker import Docker  # noqa: PLC0415 - not needed if the variables name an engine

    part = Docker()
    status = part.status()
    if not status:
        raise MissingError(f"docker: {status.detail}; set DOCKER_HOST or start tests/environment")
    variables = part.env()
    return Engine(variables, variables["NBCONTAINER_TEST_DOCKER"])
