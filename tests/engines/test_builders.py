"""Builds by a builder that is not the engine: a buildkitd by its address, or by its name in buildx."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from nbcontainer.engines import images
from nbcontainer.engines.build import build
from nbcontainer.engines.build_lint import lint
from nbcontainer.engines.buildkit_build import close_connections, control_of
from nbcontainer.engines.run import run
from nbcontainer.errors import EngineUnavailable, UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.build_steps import StepState
from nbcontainer.model.containers import RunRequest
from tests.buildkit.conftest import make_buildkitd, own_buildkitd, running_buildkitd  # noqa: F401 - fixtures

from .build_engines import connect, made, output, start, wait_until
from .build_engines import unique as unique_word
from .conftest import running


@pytest.fixture
def new_engine(monkeypatch, tmp_path):
    yield from connect("docker", monkeypatch, tmp_path)


def test_a_builder_that_is_a_buildkitd(new_engine, registry, running_buildkitd):  # noqa: F811 - the fixture above
    word = unique_word()
    result = made(
        new_engine,
        f"FROM busybox\nRUN echo {word} | tee /made\n",
        builder=f"unix://{running_buildkitd.socket}",
        tags=("nbcontainer-test/builder:1",),
    )
    assert word in output(result.state, "tee")
    found = new_engine.http().json("GET", "/images/nbcontainer-test/builder:1/json")
    assert found["Id"] == result.id
    pushed = made(
        new_engine,
        f"FROM busybox\nRUN echo {word} | tee /made\n",
        builder=f"unix://{running_buildkitd.socket}",
        tags=(f"{registry}/nbcontainer-test/builder:1",),
        push=True,
    )
    assert pushed.state.pushed
    assert pushed.digest.startswith("sha256:")


def test_the_builder_of_the_engine_itself(new_engine):
    name = "nbcontainer-test/default-builder:1"
    assert made(new_engine, "FROM busybox", builder="default", tags=(name,)).state.engine == new_engine.name
    assert new_engine.http().json("GET", f"/images/{name}/json")["Id"]
    assert lint(new_engine, BuildRequest("FROM busybox as a", builder="default"))


def test_buildx_that_is_missing_is_named(new_engine, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(running('docker', 'Docker').client()).parent}:{os.environ['PATH']}")
    with pytest.raises(UsageError, match="buildx plugin, which is not installed"):
        made(new_engine, "FROM busybox", builder="nbcontainer-nowhere")


def test_a_builder_that_is_not_there(new_engine, tmp_path):
    with pytest.raises(EngineUnavailable, match="builder"):
        made(new_engine, "FROM busybox", builder=f"unix://{tmp_path}/nothing.sock")


def test_a_daemon_that_dies_in_the_middle(new_engine, own_buildkitd):  # noqa: F811 - the fixture above
    operation = start(
        new_engine,
        f"FROM busybox\nRUN echo begun {unique_word()} && sleep 1000\n",
        builder=f"unix://{own_buildkitd.socket}",
    )
    wait_until(lambda: "begun" in output(operation.state, "sleep"))
    threading.Thread(target=own_buildkitd.kill, args=(signal.SIGKILL,)).start()
    began = time.monotonic()
    with pytest.raises(EngineUnavailable, match="lost"):
        operation.result(20)
    assert time.monotonic() - began < 15
    assert not operation.state.count(StepState.RUNNING)


def test_a_recreated_builder_has_its_own_connection(docker, configuration, unique):
    file = configuration / "buildx" / "instances" / unique
    file.parent.mkdir(parents=True)
    controls = []
    for endpoint in ("unix:///run/one.sock", "unix:///run/other.sock", "unix:///run/one.sock"):
        file.write_text(json.dumps({"Name": unique, "Nodes": [{"Name": "node", "Endpoint": endpoint}]}))
        controls.append(control_of(docker, unique))
    close_connections(docker)
    assert controls[0] is controls[2] is not controls[1]


def test_a_builder_of_buildx_by_its_name(docker, configuration, unique, monkeypatch, tmp_path):
    part, buildkitd = running("docker", "Docker"), running("buildkitd", "Buildkitd")
    (configuration / "cli-plugins").mkdir()
    (configuration / "cli-plugins" / "docker-buildx").symlink_to(part.buildx())
    monkeypatch.setenv("PATH", f"{Path(part.client()).parent}:{os.environ['PATH']}")
    address = next(value for value in buildkitd.env().values() if value.startswith("unix://"))
    create = ["docker", "buildx", "create", "--name", unique, "--driver", "remote", address]
    subprocess.run(create, capture_output=True, check=True)
    (tmp_path / "word").write_text(f"{unique}\n")
    name = f"nbc-{unique}:1"
    request = BuildRequest("FROM busybox\nCOPY word /word\nCMD cat /word", str(tmp_path), tags=(name,), builder=unique)
    operation = build(docker, request)
    assert operation.result(120).id.startswith("sha256:")
    assert operation.state.engine == f"builder {unique}"
    assert run(docker, RunRequest(name, remove=True)).result(60).output == f"{unique}\n"
    images.remove(docker, name, force=True)
    close_connections(docker)
    with pytest.raises(UsageError, match=f"There is no builder {unique}-none"):
        build(docker, BuildRequest("FROM busybox", builder=f"{unique}-none")).result(30)
    close_connections(docker)
