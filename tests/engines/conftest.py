"""The engines and registries that the live tests use, and an isolated docker configuration."""

import contextlib
import functools
import importlib
import io
import os
import re
import tarfile
import uuid

import pytest

from nbcontainer.engines import connection, images
from nbcontainer.errors import EngineUnavailable
from nbcontainer.settings import settings

ENGINES = {
    "docker": ("docker", "Docker"),
    "docker-20.10": ("docker20", "Docker20"),
    "podman": ("podman", "Podman"),
    "podman-rootless": ("podman", "RootlessPodman"),
}


@functools.cache
def running(module, name):
    """A part of the environment if it runs, checked once; otherwise the test is skipped with the reason."""
    part = getattr(importlib.import_module(f"tests.environment.{module}"), name, None)
    if part is None:
        pytest.skip(f"{name}: the environment has no such part")
    status = part().status()
    if not status:
        pytest.skip(f"{part.name}: {status.detail}")
    return part()


@pytest.fixture(autouse=True)
def configuration(tmp_path, monkeypatch):
    """An empty docker configuration; nothing of the user's own is read or written."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.setattr(settings, "engine", "")
    monkeypatch.setattr(settings, "spool_directory", str(tmp_path / "spool"))
    connection.forget_engines()
    yield folder
    connection.forget_engines()


def find(host, monkeypatch):
    """The engine at `host`."""
    monkeypatch.setenv("DOCKER_HOST", host)
    return found()


def found():
    """The engine in use; on a busy machine it may not answer the first ping in time."""
    for _ in range(2):
        with contextlib.suppress(EngineUnavailable):
            return connection.find_engine()
    return connection.find_engine()


@pytest.fixture
def docker(monkeypatch):
    """Docker Engine 28."""
    return find(running("docker", "Docker").host, monkeypatch)


@pytest.fixture(params=list(ENGINES))
def engine(request, monkeypatch):
    """Each engine in turn."""
    return find(running(*ENGINES[request.param]).host, monkeypatch)


@pytest.fixture(scope="session")
def registry():
    """The address of a registry that anybody may use."""
    return running("registries", "Registry").address


@pytest.fixture(scope="session")
def password_registry():
    """The address of a registry where alice has the password "secret"."""
    return running("registries", "PasswordRegistry").address


@pytest.fixture(scope="session")
def token_registry():
    """The address of a registry with bearer tokens; anybody may pull, alice may push except to library/."""
    return running("registries", "TokenRegistry").address


@pytest.fixture
def busybox_of():
    """Returns the image's name once an engine has it."""

    def find_busybox(engine):
        try:
            images.inspect(engine, "busybox")
        except Exception:  # noqa: BLE001 - whatever the reason, pull reports it
            images.pull(engine, "busybox").result(60)
        return "busybox"

    return find_busybox


@pytest.fixture
def busybox(engine, busybox_of):
    """The image's name, once the engine has it."""
    return busybox_of(engine)


@pytest.fixture
def make_image():
    """Makes a named image with one layer of random bytes; it is removed after the test."""
    made = []

    def make(engine, name, size=1000):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
            entry = tarfile.TarInfo("random")
            entry.size = size
            tar.addfile(entry, io.BytesIO(os.urandom(size)))
        headers = {"Content-Type": "application/x-tar"}
        # without a name: Podman 4.3 would ignore it
        reply = engine.http().call(
            "POST", "/images/create", query={"fromSrc": "-"}, body=archive.getvalue(), headers=headers
        )
        found = re.search(rb"[0-9a-f]{64}", reply.body)
        assert found, reply.body
        reference = images.tag(engine, found[0].decode(), name)
        made.append((engine, str(reference)))
        return str(reference)

    yield make
    for engine, name in made:
        images.remove(engine, name, force=True)


@pytest.fixture
def unique():
    """A word unique to this test."""
    return f"t{uuid.uuid4().hex[:10]}"
