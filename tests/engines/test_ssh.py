"""Engines and builders behind the user's own ssh, docker contexts and buildx, as a docker command reaches them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer.engines import connection, containers, images
from nbcontainer.engines import dial as engine_dial
from nbcontainer.engines.build import build
from nbcontainer.engines.buildkit_build import close_connections
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.errors import EngineUnavailable, Stopped
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from tests.engines.build_engines import processes, wait_until
from tests.engines.conftest import running
from tests.faults.proxy import FaultProxy, connector, tcp_listener
from tests.faults.trial import address_of
from tests.terminal import Terminal


@pytest.fixture
def ssh(monkeypatch):
    """The ssh:// address of Docker Engine; the `ssh` on PATH has the key."""
    part = running("sshd", "Sshd")
    monkeypatch.setenv("PATH", f"{part.client_path}:{os.environ['PATH']}")
    return part.host


@pytest.fixture
def far(ssh, monkeypatch):
    """The engine behind it."""
    monkeypatch.setenv("DOCKER_HOST", ssh)
    engine = connection.find_engine()
    yield engine
    close_connections(engine)
    engine.http().close()


def test_build_push_run_and_logs(far, registry, unique, tmp_path):
    assert far.capabilities.buildkit
    (tmp_path / "word").write_text(f"{unique}\n")
    name = f"{registry}/tests/{unique}:1"
    text = "FROM busybox\nCOPY word /word\nCMD cat /word; sleep 600"
    built = build(far, BuildRequest(text, str(tmp_path), tags=(name,), push=True)).result(60)
    assert built.digest.startswith("sha256:")
    made = run(far, RunRequest(name, name=unique, detach=True)).result(60)
    following = logs(far, LogRequest((unique,), follow=True))
    wait_until(lambda: following.state.total)
    assert following.state.lines[0].text == unique
    following.stop()
    following.result(10)
    containers.remove(far, made.id, force=True)
    images.remove(far, name, force=True)
    assert run(far, RunRequest("busybox", ("sh", "-c", "cat"), stdin=b"x" * 300_000, remove=True)).result(60).output


def test_a_followed_log_goes_on_where_the_ssh_connection_freezes(docker, ssh, unique, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_dial, "ALIVE_SECONDS", 1)
    monkeypatch.setattr(engine_dial, "ALIVE_PROBES", 1)
    user, _, server = ssh.removeprefix("ssh://").rpartition("@")
    program = tmp_path / "ssh"
    program.write_text(
        f'#!/bin/sh\nexec {shutil.which("ssh")} -o "HostKeyAlias=[127.0.0.1]:{server.rpartition(":")[2]}" "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    script = "for n in $(seq 600); do echo line $n; sleep 0.1; done"
    run(docker, RunRequest("busybox", ("sh", "-c", script), name=unique, detach=True)).result(60)
    listener = tcp_listener()
    with FaultProxy(listener, connector(server)) as proxy:
        far = connection.find_engine(f"ssh://{user}@{address_of(listener)}")
        operation = logs(far, LogRequest((unique,), follow=True))
        wait_until(lambda: operation.state.total > 3)
        proxy.freeze(existing_only=True)
        wait_until(lambda: operation.state.total > 40)
        operation.stop()
        assert [line.text for line in operation.state.lines][:40] == [f"line {number}" for number in range(1, 41)]
        connection.forget_engines()
    containers.remove(docker, unique, force=True)


def test_a_command_in_a_terminal_goes_through_ssh(far, tmp_path):
    assert "CONTAINER ID" in Terminal(tmp_path).run(nbc.engine(far.address).containers.list().command)


def test_a_stop_leaves_nothing_running_there_and_no_ssh_here(far, unique):
    operation = build(far, BuildRequest(f"FROM busybox\nRUN MARK={unique}; sleep 600; echo $MARK"))
    wait_until(lambda: processes(f"MARK={unique}"))
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    wait_until(lambda: not processes(f"MARK={unique}"), 5)
    close_connections(far)
    far.http().close()
    mine = f"PPid:\t{os.getpid()}\n"
    wait_until(lambda: not any(mine in _status(pid) for pid in processes("dial-stdio")), 5)


def _status(pid):
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda host: host.replace("root@", "nobody@"), "Permission denied"),
        (lambda host: host.rpartition(":")[0] + ":1", "Connection refused"),
        (lambda host: host + "/no/such.sock", "no such"),
    ],
)
def test_errors_are_in_sshs_own_words(ssh, monkeypatch, change, said):
    monkeypatch.setenv("DOCKER_HOST", change(ssh))
    with pytest.raises(EngineUnavailable) as caught:
        connection.find_engine()
    assert said.lower() in str(caught.value).lower()


def test_docker_contexts_by_ssh(ssh, configuration, monkeypatch):
    program = running("docker", "Docker").client()

    def docker(*words):
        environment = {**os.environ, "DOCKER_CONFIG": str(configuration)}
        return subprocess.run([program, *words], env=environment, capture_output=True, text=True, check=True).stdout

    docker("context", "create", "far", "--docker", f"host={ssh}")
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    engine = connection.find_engine()
    assert (engine.address, engine.context, engine.source) == (ssh, "far", "docker context 'far'")
    monkeypatch.delenv("DOCKER_CONTEXT")
    docker("context", "use", "far")
    assert connection.find_engine() is not None
    assert connection.find_engine().context == "far"
    docker("context", "use", "default")
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    assert connection.find_engine("far").context == "far"
