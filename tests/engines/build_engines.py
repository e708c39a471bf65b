"""Shared by the live tests of builds: running engines, texts that are in no cache, processes of steps."""

from nbcontainer.engines.build import build
from nbcontainer.engines.buildkit_build import close_connections
from nbcontainer.engines.connection import forget_engines
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.source_map import SourceMap
from nbcontainer.settings import settings
from tests.buildkit.building import processes, unique, wait_until

__all__ = ["BUILDKIT", "CLASSIC", "connect", "made", "output", "processes", "start", "unique", "wait_until"]
from tests.engines.conftest import found, running

BUILDKIT = ("docker", "docker20")
CLASSIC = ("podman", "podman-rootless")
PARTS = {
    "docker": ("docker", "Docker"),
    "docker20": ("docker20", "Docker20"),
    "podman": ("podman", "Podman"),
    "podman-rootless": ("podman", "RootlessPodman"),
}


def connect(name, monkeypatch, tmp_path):
    """The engine of a part of the environment; the test is skipped if it does not run."""
    part = running(*PARTS[name])
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))
    monkeypatch.setattr(settings, "engine", part.host)
    monkeypatch.setattr(settings, "spool_directory", str(tmp_path / "spool"))
    forget_engines()
    engine = found()
    yield engine
    close_connections(engine)
    engine.http().close()


def start(engine, text, **fields):
    """Start a build of a cell: the text's first line is the cell's second, below the magic."""
    lines = SourceMap.shifted(text.count("\n") + 1, 1)
    return build(engine, BuildRequest(text, source_map=lines, **fields))


def made(engine, text, **fields):
    """Build to the end."""
    return start(engine, text, **fields).result(120)


def output(state, word):
    """The output of the steps with `word` in their instruction."""
    return "\n".join(line for step in state.steps.values() if word in step.instruction for line in step.output)
