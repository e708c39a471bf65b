import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from nbcontainer.api.completion import known_names
from nbcontainer.engines import addresses, connection
from nbcontainer.engines.child_process import dial_command
from nbcontainer.engines.config import proxies
from nbcontainer.engines.dial import dial, ssh_command
from nbcontainer.engines.private_podman import PrivatePodman, private_podman, state_folder
from nbcontainer.errors import EngineUnavailable, Unsupported, UsageError
from nbcontainer.settings import settings
from tests.engines.conftest import running
from tests.engines.peers import Middleman, unix_connect, unix_listener


def add_context(folder, name, host):
    meta = folder / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


def test_the_engine_is_identified(engine):
    capabilities = engine.capabilities
    assert engine.name in ("Docker Engine 28.5.2", "Docker Engine 20.10.24", "Podman 4.3.1")
    assert capabilities.buildkit is not capabilities.pods
    assert capabilities.platform.startswith("linux/")
    assert connection.find_engine() is engine


def test_buildkit_streams_are_opened_or_refused(engine):
    if engine.capabilities.buildkit:
        with engine.open_stream() as stream:
            stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            assert stream.recv()[3] == 4  # a SETTINGS frame
    else:
        with pytest.raises(Unsupported, match="does not support BuildKit"):
            engine.open_stream()


def test_docker_host_comes_before_contexts_and_the_setting_before_both(docker, configuration, monkeypatch):
    address = docker.address
    add_context(configuration, "good", address)
    add_context(configuration, "bad", "unix:///nowhere/bad.sock")
    (configuration / "config.json").write_text('{"currentContext": "bad"}')
    assert connection.find_engine().source == "DOCKER_HOST"
    monkeypatch.delenv("DOCKER_HOST")
    with pytest.raises(EngineUnavailable, match="bad"):
        connection.find_engine()
    monkeypatch.setenv("DOCKER_CONTEXT", "good")
    assert connection.find_engine().source == "docker context 'good'"
    monkeypatch.setattr(settings, "engine", address.removeprefix("unix://"))
    assert connection.find_engine().source == "the setting `engine`"
    monkeypatch.setattr(settings, "engine", "good")
    assert connection.find_engine().address == address
    monkeypatch.setattr(settings, "engine", "nosuch")
    with pytest.raises(UsageError, match="neither an address nor a docker context"):
        connection.find_engine()


def test_a_missing_context_is_an_error(configuration):
    (configuration / "config.json").write_text('{"currentContext": "gone"}')
    with pytest.raises(UsageError, match=r"docker .*context use default"):
        connection.find_engine()


def test_the_usual_sockets_are_tried_in_turn(docker, monkeypatch, tmp_path):
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    monkeypatch.delenv("DOCKER_HOST")
    real = Path(docker.address.removeprefix("unix://"))
    monkeypatch.setattr(addresses, "usual_sockets", lambda: [tmp_path / "none", dead, real])
    assert connection.find_engine().address == docker.address


def test_nothing_there_is_one_error_with_the_cure(monkeypatch, tmp_path):
    monkeypatch.setattr(addresses, "usual_sockets", lambda: [tmp_path / "none"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="install podman") as caught:
        connection.find_engine()
    assert caught.value.tried == (str(tmp_path / "none"),)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("unix:///nowhere/x.sock", "no such socket"),
        ("tcp://127.0.0.1:9", "connection refused"),
        ("tcp://nosuch.invalid:2375", "host name of .* cannot be resolved"),
    ],
)
def test_why_an_engine_cannot_be_reached(monkeypatch, host, words):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineUnavailable, match=words) as caught:
        connection.find_engine()
    assert caught.value.cure
    assert caught.value.tried == (host,)


def test_a_socket_without_a_listener_and_one_without_permission(monkeypatch, tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(EngineUnavailable, match="no engine listens"):
        connection.find_engine()
    message, cure = connection._explain(addresses.Address("unix:///var/run/docker.sock"), PermissionError(13, "no"))
    assert "permission denied" in message
    assert "docker group" in cure


def test_an_engine_that_does_not_answer(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "connect_timeout", 0.3)
    with unix_listener(tmp_path / "s") as listener:
        listener.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 's'}")
        with pytest.raises(EngineUnavailable, match=r"did not answer within 0\.3 s"):
            connection.find_engine()


@pytest.mark.parametrize("host", ["npipe:////./pipe/docker_engine", "banana://x", "tcp://", "tcp://a:b", "fd://3"])
def test_addresses_that_cannot_be(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises((UsageError, Unsupported)):
        connection.find_engine()


def test_a_lost_engine_is_searched_for_again(docker, monkeypatch, tmp_path):
    path = tmp_path / "s"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with Middleman(unix_listener(path), unix_connect(docker.address)):
        first = connection.find_engine()
        first.http().close()
    with pytest.raises(EngineUnavailable):
        first.http().call("GET", "/_ping")
    path.unlink()
    with Middleman(unix_listener(path), unix_connect(docker.address)):
        assert connection.find_engine() is not first


def test_a_childs_stdin_and_stdout(docker):
    program = running("docker", "Docker").client()
    stream = dial_command(["env", f"DOCKER_HOST={docker.address}", program, "system", "dial-stdio"])
    child = stream._child._process
    with stream:
        stream.settimeout(20)
        stream.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
        assert stream.recv().startswith(b"HTTP/1.1 200 OK")
    assert child.wait(5) is not None


def test_what_a_child_says_is_in_the_error():
    stream = dial_command(["sh", "-c", "echo no route to you >&2; exit 7"])
    with stream, pytest.raises(ConnectionError, match="ended with code 7: no route to you"):
        stream.recv()
    with pytest.raises(ConnectionError, match="not installed"):
        dial_command(["nosuchprogram"])


def test_ssh_is_called_as_docker_calls_it():
    assert ssh_command("ssh://me@host:2222", 5) == [
        *[
            "ssh",
            "-o",
            "ConnectTimeout=5",
            "-o",
            "ServerAliveInterval=15",
            "-o",
            "ServerAliveCountMax=3",
            "-T",
            "-l",
            "me",
            "-p",
            "2222",
            "--",
            "host",
        ],
        *["docker", "system", "dial-stdio"],
    ]
    assert ssh_command("ssh://host/run/d.sock")[-5:] == [
        "docker",
        "--host",
        "unix:///run/d.sock",
        "system",
        "dial-stdio",
    ]
    assert ssh_command("ssh://-oProxyCommand=x").index("--") < ssh_command("ssh://-oProxyCommand=x").index(
        "-oproxycommand=x"
    )
    for bad in ("ssh://", "ssh://me:password@host", "ssh://host?x=1"):
        with pytest.raises(UsageError) as caught:
            ssh_command(bad)
        assert "password@" not in str(caught.value)


def test_a_waiting_reader_is_woken_by_close(docker):
    import threading

    stream = dial(docker.address)
    threading.Timer(0.2, stream.close).start()
    started = time.monotonic()
    with contextlib.suppress(OSError):
        assert stream.recv() == b""
    assert time.monotonic() - started < 1.2


def test_proxies_of_dockers_config(configuration):
    table = {"default": {"httpProxy": "http://p:1", "noProxy": "x"}, "tcp://h:1": {"httpsProxy": "http://q"}}
    (configuration / "config.json").write_text(json.dumps({"proxies": table}))
    assert proxies("unix:///x") == {
        "HTTP_PROXY": "http://p:1",
        "http_proxy": "http://p:1",
        "NO_PROXY": "x",
        "no_proxy": "x",
    }
    assert set(proxies("tcp://h:1")) == {"HTTPS_PROXY", "https_proxy"}


@pytest.fixture
def private_environment(monkeypatch):
    """Programs and a containers.conf with which a private Podman runs on this machine."""
    part = running("podman", "Podman")
    environment = part.program_environment()
    tree = part.tree()
    environment["PATH"] = f"{tree}/usr/bin{os.pathsep}{environment['PATH']}"
    for name in ("PATH", "LD_LIBRARY_PATH", "XTABLES_LIBDIR", "CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF", "HOME"):
        monkeypatch.setenv(name, environment[name])
    cache = Path(tempfile.mkdtemp())
    monkeypatch.setenv("NBCONTAINER_CACHE", str(cache))
    yield dict(os.environ)
    # Podman leaves its storage mounted on itself
    subprocess.run(["umount", str(cache / "podman/storage/overlay")], check=False, capture_output=True)
    shutil.rmtree(state_folder())
    shutil.rmtree(cache)


KERNEL = """
import threading
from nbcontainer.engines.private_podman import private_podman
threading.Thread(target=private_podman.start).start()  # a thread that ends before the kernel does
while private_podman._process is None or private_podman._lock.locked(): pass
print(private_podman._process.pid, private_podman.start(), flush=True)
input()
"""


def test_the_private_podman_starts_again_and_ends_with_a_kernel_that_is_killed(private_environment):
    podman = PrivatePodman()
    try:
        first = podman.start()
        assert podman.start() == first
        podman._process.kill()
        podman._process.wait()
        with dial(podman.start()):
            pass
    finally:
        podman.stop()
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**private_environment, "PYTHONPATH": str(Path.cwd())},
        text=True,
    )
    with kernel:
        child, address = kernel.stdout.readline().split()
        with dial(address):
            pass
        kernel.send_signal(signal.SIGKILL)
        kernel.wait()
    deadline = time.monotonic() + 5
    while True:
        try:
            with dial(address):
                pass
        except OSError:
            break
        assert time.monotonic() < deadline, f"podman {child} outlived its kernel"


@pytest.mark.usefixtures("configuration")
def test_a_link_that_is_moved_leads_to_the_other_engine(docker_engine, docker20_engine, tmp_path, monkeypatch):
    link = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{link}")
    found = []
    for engine in (docker_engine, docker20_engine):
        link.unlink(missing_ok=True)
        link.symlink_to(engine.host.removeprefix("unix://"))
        found.append(connection.find_engine())
        assert connection.find_engine() is found[-1] is connection.engine_at_hand()
    assert [engine.capabilities.version.partition(".")[0] for engine in found] == ["28", "20"]


@pytest.fixture
def no_engine(private_environment, monkeypatch):
    """A machine with podman installed, where no engine runs yet."""
    del private_environment
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(addresses, "usual_sockets", list)
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    connection.forget_engines()
    yield
    private_podman.stop()
    connection.forget_engines()


NAMES = [
    ("image", ""),
    ("container", ""),
    ("pod", ""),
    ("image", "podman"),
    ("pod", "podman"),
    ("image", "ssh://x.invalid"),
]


@pytest.mark.usefixtures("no_engine")
def test_a_completion_starts_no_engine_and_waits_for_none():
    for kind, engine in NAMES:
        assert not known_names(kind, engine=engine, context=engine if kind == "pod" else "")
    assert private_podman._process is None
    engine = connection.find_engine("podman")
    assert connection.engine_at_hand("podman") is engine
    assert connection.engine_at_hand() is engine
    connection.forget_engines()
    with connection._lock:  # as if another thread were starting one, for seconds
        assert not known_names("image", engine="podman")


@pytest.mark.usefixtures("private_environment")
def test_where_the_private_podman_has_no_folder_it_says_so(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("NBCONTAINER_CACHE", "/dev/null")
        with pytest.raises(EngineUnavailable, match="/dev/null/podman: Not a directory") as caught:
            PrivatePodman().start()
        assert "NBCONTAINER_CACHE" in caught.value.cure
        shutil.rmtree(state_folder())
