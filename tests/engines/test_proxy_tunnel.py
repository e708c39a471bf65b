"""A tcp engine through the environment's proxy, as docker connects to it."""

import base64
import os
import subprocess

import pytest

from nbcontainer.engines import connection
from nbcontainer.engines.run import run
from nbcontainer.errors import EngineUnavailable
from nbcontainer.model.containers import RunRequest
from tests.engines.peers import Middleman, tcp_listener, unix_connect
from tests.environment.docker import Docker
from tests.forward_proxy import ForwardProxy

ENGINE = "192.0.2.7:2375"  # from a network reserved for documentation


@pytest.fixture
def proxy(docker, monkeypatch):
    """The environment's proxy, which resolves an address for the Engine that nothing else can reach."""
    listener = tcp_listener()
    with Middleman(listener, unix_connect(docker.address)), ForwardProxy() as proxy:
        proxy.addresses = {ENGINE: f"127.0.0.1:{listener.getsockname()[1]}"}
        for name in ("NO_PROXY", "no_proxy", "http_proxy", "REQUEST_METHOD"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", f"http://ann:p%40ss@{proxy.address}")
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{ENGINE}")
        yield proxy


def test_calls_and_a_run_go_through_the_proxy_as_dockers_do(proxy, unique):
    engine = connection.find_engine()
    assert engine.capabilities.buildkit
    request = RunRequest("busybox", command=("echo", "inside"), name=unique, remove=True)
    assert run(engine, request).result(60).output == "inside\n"
    assert set(proxy.targets) == {ENGINE}
    assert set(proxy.logins) == {"Basic " + base64.b64encode(b"ann:p@ss").decode()}
    proxy.targets.clear()
    docker = str(Docker().tree() / "usr/bin/docker")
    subprocess.run([docker, "version"], env=os.environ, capture_output=True, check=True, timeout=60)
    assert set(proxy.targets) == {ENGINE}


def test_a_proxy_that_fails_is_named_without_its_password(proxy):
    proxy.shutdown()
    proxy.server_close()
    with pytest.raises(EngineUnavailable, match=r"the proxy 127\.0\.0\.1:[0-9]+ failed: ") as caught:
        connection.find_engine()
    assert "p%40ss" not in str(caught.value)


@pytest.mark.parametrize("no_proxy", ["192.0.2.0/24", "192.0.2.7:2375"])
def test_no_proxy_has_a_say(proxy, monkeypatch, no_proxy):
    monkeypatch.setenv("NO_PROXY", no_proxy)
    monkeypatch.setattr(connection.settings, "connect_timeout", 0.5)  # nothing has that address
    with pytest.raises(EngineUnavailable):
        connection.find_engine()
    assert proxy.targets == []
