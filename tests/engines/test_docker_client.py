"""The docker package's client over our connections: its calls on every engine and transport, and what breaks."""

import contextlib
import gc
import io
import os
import socket
import tarfile
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker.errors
import pytest
import requests

import nbcontainer as nbc
from nbcontainer import byte_stream
from nbcontainer.engines import connection
from nbcontainer.errors import EngineUnavailable
from nbcontainer.settings import settings
from tests.engines.build_engines import wait_until
from tests.engines.conftest import ENGINES, find, running
from tests.engines.peers import PING, Middleman, Speaker, chunked, reply, unix_connect, unix_listener
from tests.engines.test_ssh import far, ssh  # noqa: F401 - fixtures
from tests.engines.test_tls import behind_tls, certificates  # noqa: F401 - fixtures

VERSION = reply("200 OK", b'{"Version": "28.5.2", "Os": "linux", "Arch": "amd64"}')


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.live) for name in (*ENGINES, "tls", "ssh")])
def client(request, monkeypatch, busybox_of):
    """A client for each engine and transport in turn, which leaves neither a connection nor a thread behind."""
    if request.param == "tls":
        request.getfixturevalue("behind_tls")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(request.getfixturevalue("certificates")))
        engine = connection.find_engine()
    elif request.param == "ssh":
        engine = request.getfixturevalue("far")
    else:
        engine = find(running(*ENGINES[request.param]).host, monkeypatch)
    busybox_of(engine)
    engine.http().close()
    before, threads = sockets(), threading.active_count()
    made = engine.client()
    yield made
    made.close()
    engine.http().close()
    gc.collect()
    assert all(each._stream.fileno() == -1 for each in made.api._custom_adapter._sockets)
    if request.param != "tls":  # whose server is in this process
        wait_until(lambda: sockets() <= before + 1, 5)  # one is ready for every poll, and stays
        wait_until(lambda: threading.active_count() <= threads, 5)


def sockets():
    """The number of sockets this process has open."""
    found = 0
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += str(file.readlink()).startswith("socket:")
    return found


@pytest.fixture
def container(client, unique):
    made = client.containers.run("busybox", ["sh", "-c", "echo begun; sleep 600"], name=unique, detach=True)
    yield made
    made.remove(force=True)


def test_containers_logs_and_files(client, container, unique):
    version = client.version()
    assert [int(part) for part in client.api.api_version.split(".")] <= [
        int(part) for part in version["ApiVersion"].split(".")
    ]
    assert unique in [found.name for found in client.containers.list()]
    assert client.containers.get(unique).id == container.id
    with pytest.raises(docker.errors.NotFound, match=unique):
        client.containers.get(f"no-{unique}")
    said = client.containers.run("busybox", ["sh", "-c", "echo out; echo err >&2"], stderr=True, remove=True)
    assert sorted(said.split()) == [b"err", b"out"]
    with pytest.raises(docker.errors.ContainerError, match="exit status 3"):
        client.containers.run("busybox", ["sh", "-c", "exit 3"], remove=True)

    content = os.urandom(300_000)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("random")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    assert container.put_archive("/tmp", packed.getvalue())
    parts, about = container.get_archive("/tmp/random")
    assert about["size"] == len(content)
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as tar:
        assert tar.extractfile("random").read() == content


def test_exec_by_each_of_its_ways(request, container):
    both = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    assert container.exec_run(both, demux=True) == (3, (b"out\n", b"err\n"))
    for _ in range(5 if "ssh" in request.node.name else 20):  # the output often comes along with the head of the reply
        assert container.exec_run("echo quick") == (0, b"quick\n")
    if "podman-rootless" not in request.node.name:  # whose conmon fails with a terminal here
        assert container.exec_run("echo terminal", tty=True).output == b"terminal\r\n"
    assert container.exec_run(["head", "-c", "3000000", "/dev/zero"]).output == bytes(3_000_000)
    slow = ["sh", "-c", "echo one; sleep 0.2; echo two"]
    assert b"".join(container.exec_run(slow, stream=True).output) == b"one\ntwo\n"
    handle = container.exec_run("cat", stdin=True, socket=True).output
    handle._sock.sendall(b"said")
    handle._sock.shutdown(socket.SHUT_WR)
    assert b"".join(iter(lambda: handle.read(100), b"")) == b"\x01\0\0\0\0\0\0\x04said"
    handle.close()


def test_attach_and_followed_logs(client, unique):
    made = client.containers.create("busybox", ["sh", "-c", "read word; echo $word"], name=unique, stdin_open=True)
    try:
        handle = made.attach_socket(params={"stdin": 1, "stream": 1})
        output = made.attach(stream=True, stdout=True, stderr=True)
        made.start()
        handle._sock.sendall(f"{unique}\n".encode())
        logs = made.logs(stream=True, follow=True)  # Podman starts its reply with the first line
        assert b"".join(output) == b"".join(logs) == made.logs() == f"{unique}\n".encode()
        assert made.wait()["StatusCode"] == 0
        handle.close()
    finally:
        made.remove(force=True)


def test_images_and_events(client, unique, registry):
    events = client.events(decode=True, filters={"type": "image"})
    name = f"{registry}/tests/{unique}"
    image, lines = client.images.build(
        fileobj=io.BytesIO(f"FROM busybox\nRUN echo {unique} > /word".encode()), tag=name, rm=True, forcerm=True
    )
    try:
        assert any("Step" in str(line) or "STEP" in str(line) for line in lines)
        pushed = list(client.images.push(name, stream=True, decode=True))
        assert not [line for line in pushed if "error" in line]
        client.images.remove(name)
        assert client.images.pull(name, tag="latest").id
        assert client.containers.run(name, ["cat", "/word"], remove=True) == f"{unique}\n".encode()
        with pytest.raises(docker.errors.APIError):
            client.images.pull(f"{registry}/tests/no-{unique}", tag="latest")
        assert next(event for event in events if unique in str(event))
    finally:
        events.close()
        client.images.remove(name, force=True)
    assert image.id


def test_a_close_by_another_thread_ends_what_waits(client, container, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 600.0)  # nothing else may wake them
    monkeypatch.setattr(byte_stream, "SILENT_SECONDS", 600.0)
    logs, events = container.logs(stream=True, follow=True), client.events()
    waiting = {
        "a reply": container.wait,
        "a command": lambda: container.exec_run(["sleep", "600"]),
        "logs": lambda: list(logs),
        "events": lambda: list(events),
    }
    with ThreadPoolExecutor(len(waiting)) as threads:
        calls = {what: threads.submit(call) for what, call in waiting.items()}
        wait_for(client, len(waiting))
        client.close()
        for what, call in calls.items():
            if what in ("logs", "events") and call.exception(20) is None:
                continue  # the package takes it for their end of stream
            with pytest.raises((requests.RequestException, ConnectionAbortedError), match="closed while"):
                pytest.fail(f"{what}: {call.result(20)!r}")
    assert client.ping()  # a closed client reconnects, as a requests session does


def wait_for(client, count):
    """Wait until that many calls, an exec started last, wait for something to read."""

    def are_waiting():
        found = [each for each in list(client.api._custom_adapter._sockets) if each._readers and not each.is_dropped()]
        return len(found) >= count and not all(each.is_polled for each in found)

    wait_until(are_waiting)


# --- what breaks


@pytest.fixture
def way(docker, tmp_path, monkeypatch):
    """A proxy to Docker Engine that can freeze and break."""
    with Middleman(unix_listener(f"{tmp_path}/way.sock"), unix_connect(docker.address)) as way:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/way.sock")
        yield way


@pytest.fixture
def waiting(docker, way, unique):  # noqa: ARG001 - read from the environment
    """Calls that wait for something, through the proxy that breaks."""
    client = connection.find_engine().client()
    made = docker.client().containers.run("busybox", ["sleep", "600"], name=unique, detach=True)
    container = client.containers.get(unique)
    yield (
        {
            "a reply": container.wait,
            "a command": lambda: container.exec_run(["sleep", "600"]),
            "a command's stream": lambda: list(container.exec_run(["sleep", "600"], stream=True).output),
            "logs": lambda: list(container.logs(stream=True, follow=True)),
            "events": lambda: list(client.events(filters={"label": unique})),
        },
        client,
    )
    made.remove(force=True)


def test_an_engine_that_hangs_is_an_error_in_ten_seconds(way, waiting):
    calls, client = waiting
    with ThreadPoolExecutor(len(calls) + 1) as threads:
        found = {what: threads.submit(call) for what, call in calls.items()}
        wait_for(client, len(calls))
        wait_until(lambda: len(client.containers.list()) >= 1)
        way.freeze()
        started = time.monotonic()
        found["a new call"] = threads.submit(client.containers.list)
        for what, call in found.items():
            with pytest.raises(EngineUnavailable, match="does not answer"):
                pytest.fail(f"{what}: {call.result(20)!r}")
        took = time.monotonic() - started
        way.thaw()
    assert took < 15  # ten, plus some for a busy machine


def test_an_engine_that_breaks_off_is_an_error(way, waiting):
    calls, client = waiting
    del calls["a command's stream"]  # where a break looks like its end
    with ThreadPoolExecutor(len(calls)) as threads:
        found = {what: threads.submit(call) for what, call in calls.items()}
        wait_for(client, len(calls))
        way.close()
        for what, call in found.items():
            assert isinstance(call.exception(20), EngineUnavailable), what
    with pytest.raises(EngineUnavailable, match="no engine"):
        client.containers.list()


@pytest.mark.parametrize("split", [None, 1, 40, 60])
def test_a_frame_that_comes_along_with_the_head(tmp_path, monkeypatch, split):
    head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    frame = b"\x01\0\0\0\0\0\0\x05early"
    with Speaker(tmp_path / "s.sock", PING, VERSION, head + frame) as speaker:
        client = find(speaker.address, monkeypatch).client()
        if split:  # the end of the head in two reads
            receive = byte_stream.Stream.recv
            monkeypatch.setattr(byte_stream.Stream, "recv", lambda self, size: receive(self, min(size, split)))
        assert client.api.exec_start("some") == b"early"


def test_a_stream_that_is_cut_between_two_lines_is_an_error(tmp_path, monkeypatch):
    cut = chunked(b'{"Type": "container"}\n', end=False)
    with Speaker(tmp_path / "s.sock", PING, VERSION, cut) as speaker:
        events = find(speaker.address, monkeypatch).client().events(decode=True)
        assert next(events) == {"Type": "container"}
        with pytest.raises(EngineUnavailable, match="broke off"):
            next(events)


def test_a_time_limit_of_the_callers_own(tmp_path, monkeypatch):
    with Speaker(tmp_path / "s.sock", PING, VERSION, b"", stay=True) as speaker:
        client = find(speaker.address, monkeypatch).client()
        with pytest.raises(requests.exceptions.ReadTimeout):
            client.api.wait("some", timeout=0.2)


@pytest.mark.live
def test_the_client_is_one_and_goes_with_its_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", running("docker", "Docker").host)
    client = nbc.engine().client
    assert nbc.engine().client is client
    assert client.ping()
    engine, made = weakref.ref(connection.find_engine()), weakref.ref(client)
    del client
    gc.collect()
    assert made() is None
    connection.forget_engines()
    gc.collect()
    assert engine() is None


def test_neither_a_proxy_nor_netrc_gets_in_between(docker, monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("default login alice password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    reply = docker.client().api.get(f"{docker.client().api.base_url}/_ping")
    assert reply.ok
    assert "Authorization" not in reply.request.headers
