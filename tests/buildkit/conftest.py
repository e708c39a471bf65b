"""The daemons that the live tests build on."""

import os

import pytest

from nbcontainer.buildkit import Control
from nbcontainer.engines.dial import dial
from nbcontainer.engines.upgrade import upgrade
from tests.buildkit.own_daemon import OwnBuildkitd


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


@pytest.fixture(scope="session")
def make_buildkitd(tmp_path_factory):
    """Starts a buildkitd for one test."""
    tools = pytest.importorskip("tests.environment.docker")
    part = pytest.importorskip("tests.environment.buildkitd").Buildkitd()
    status = part.status()
    if not status:
        pytest.skip(f"buildkitd: {status.detail}")

    def make():
        folder = tmp_path_factory.mktemp("buildkitd")
        environment = {**os.environ, **tools.program_environment(tools.tools())}
        return OwnBuildkitd(folder, str(part.binary("buildkitd")), environment, part.configuration())

    return make


@pytest.fixture(scope="session")
def running_buildkitd(make_buildkitd):
    with make_buildkitd() as daemon:
        yield daemon


@pytest.fixture
def buildkitd(running_buildkitd):
    """A client of a standalone buildkitd."""
    with Control(running_buildkitd.connect) as control:
        yield control


@pytest.fixture
def own_buildkitd(make_buildkitd):
    """A buildkitd that this test may kill."""
    with make_buildkitd() as daemon:
        yield daemon


@pytest.fixture
def old_engine():
    """A client of Debian 12's Engine, 20.10."""
    part = pytest.importorskip("tests.environment.docker20").Docker20()
    status = part.status()
    if not status:
        pytest.skip(f"docker20: {status.detail}")

    def connect():
        stream = dial(part.host)
        upgrade(stream, "/grpc")
        return stream

    with Control(connect) as control:
        yield control
