"""An engine behind TLS with client certificates, as with `dockerd --tlsverify`."""

import shutil
import ssl
import subprocess

import pytest

import nbcontainer as nbc
from nbcontainer.engines import connection
from nbcontainer.engines.run import run
from nbcontainer.errors import EngineUnavailable
from nbcontainer.model.containers import RunRequest
from tests.engines.peers import Middleman, tcp_listener, unix_connect
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
