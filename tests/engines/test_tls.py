"""An engine behind TLS with client certificates, as with `dockerd --tlsverify`."""

import os
import shutil
import ssl
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer import byte_stream
from nbcontainer.engines import connection, containers, silence
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.errors import EngineUnavailable
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from tests.engines.build_engines import wait_until
from tests.engines.peers import Middleman, tcp_listener, unix_connect
from tests.faults.proxy import FaultProxy, connector
from tests.faults.trial import address_of
from tests.terminal import Terminal

OPENSSL = shutil.which("openssl")


def certificate(folder, name, issuer, *extra):
    """NAME.pem and NAME-key.pem, signed by ISSUER's, or by itself."""
    key, out = folder / f"{name}-key.pem", folder / f"{name}.pem"
    signed = ["-CA", str(folder / f"{issuer}.pem"), "-CAkey", str(folder / f"{issuer}-key.pem")] if issuer else []
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(
        [OPENSSL, *new, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(out), *signed, *extra],
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    if OPENSSL is None:
        pytest.skip("openssl: not installed")
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder, "ca", "")
    leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
    certificate(folder, "server", "ca", "-addext", "subjectAltName=IP:127.0.0.1", *leaf)
    certificate(folder, "cert", "ca", *leaf)
    shutil.copy(folder / "cert-key.pem", folder / "key.pem")
    return folder


@pytest.fixture
def behind_tls(docker, certificates, monkeypatch):
    """The Engine's tcp:// address behind TLS; its clients need a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates / "server.pem", certificates / "server-key.pem")
    listener = tcp_listener()
    port = listener.getsockname()[1]
    with Middleman(context.wrap_socket(listener, server_side=True), unix_connect(docker.address)):
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        yield


@pytest.mark.usefixtures("behind_tls")
def test_calls_buildkit_and_a_run_through_tls(certificates, monkeypatch, unique):
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    engine = connection.find_engine()
    assert engine.capabilities.buildkit
    with engine.open_stream() as stream:
        stream.settimeout(10)
        stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        assert stream.recv()[3] == 4
    request = RunRequest("busybox", ("wc", "-c"), name=unique, remove=True, stdin=b"x" * 1_000_000)
    assert run(engine, request).result(60).output == "1000000\n"


@pytest.mark.usefixtures("behind_tls")
def test_a_server_that_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"TLS with .* failed"):
        connection.find_engine()


@pytest.mark.usefixtures("behind_tls")
def test_a_command_in_a_terminal_goes_through_tls(certificates, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    command = nbc.containers.list().command
    assert "CONTAINER ID" in Terminal(tmp_path).run(command)


@pytest.mark.usefixtures("behind_tls")
def test_a_client_without_a_certificate(certificates, tmp_path, monkeypatch):
    shutil.copy(certificates / "ca.pem", tmp_path / "ca.pem")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable):
        connection.find_engine()


@pytest.mark.usefixtures("behind_tls")
def test_plain_tcp_to_a_tls_engine(monkeypatch):
    monkeypatch.delenv("DOCKER_TLS_VERIFY")
    with pytest.raises(EngineUnavailable):
        connection.find_engine()


@pytest.mark.usefixtures("behind_tls")
def test_a_followed_log_goes_on_through_tls_where_its_connection_freezes(certificates, monkeypatch, unique):
    monkeypatch.setattr(byte_stream, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(silence, "CHECK_SECONDS", 0.5)
    monkeypatch.setattr(silence, "GRACE_SECONDS", 0.5)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    listener = tcp_listener()
    with FaultProxy(listener, connector(os.environ["DOCKER_HOST"].removeprefix("tcp://"))) as proxy:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{address_of(listener)}")
        engine = connection.find_engine()
        script = "for n in $(seq 600); do echo line $n; sleep 0.1; done"
        run(engine, RunRequest("busybox", ("sh", "-c", script), name=unique, detach=True)).result(60)
        operation = logs(engine, LogRequest((unique,), follow=True))
        wait_until(lambda: operation.state.total > 3)
        proxy.freeze(existing_only=True)
        wait_until(lambda: operation.state.total > 30)
        operation.stop()
        assert [line.text for line in operation.state.lines][:30] == [f"line {number}" for number in range(1, 31)]
        containers.remove(engine, unique, force=True)
        connection.forget_engines()
