"""Fixtures: the BuildKit of the Docker Engine."""

from collections.abc import Iterator

import pytest

from nbcontainer.buildkit import Control
from nbcontainer.engines.dial import dial
from nbcontainer.engines.upgrade import upgrade

from .asked import Asked


@pytest.fixture(scope="module")
def docker_buildkit() -> Iterator[Asked]:
    """It is asked about texts; nothing is run."""
    part = pytest.importorskip("tests.environment.docker").Docker()
    if not part.status():
        pytest.skip(f"docker: {part.status().detail}")

    def connect():
        stream = dial(part.host)
        upgrade(stream, "/grpc")
        return stream

    with Control(connect) as control:
        yield Asked(control)
