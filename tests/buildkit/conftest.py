"""The daemons that the live tests build on."""

import pytest

from nbcontainer.buildkit import Control
from nbcontainer.engine.dial import dial, upgrade


@pytest.fixture(scope="session")
def docker():
    """Docker Engine with BuildKit, if it runs."""
    part = pytest.importorskip("tests.environment.docker").Docker()
    status = part.status()
    if not status:
        pytest.skip(f"docker: {status.detail}")
    return part


@pytest.fixture(scope="session")
def open_stream(docker):
    """Connects to the Engine's BuildKit."""

    def connect():
        stream = dial(docker.host)
        upgrade(stream, "/grpc")
        return stream

    return connect


@pytest.fixture
def engine(open_stream):
    """A client of the Engine's BuildKit."""
    with Control(open_stream) as control:
        yield control
