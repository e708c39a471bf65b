"""`doctor` with things that work, that are missing, and that do not answer."""

import base64
import json
import socket
import time

import pytest

import nbcontainer as nbc
from nbcontainer.diagnosis import SECONDS
from nbcontainer.engines.connection import forget_engines
from nbcontainer.model.tables import Tone
from tests.engines.peers import Middleman, unix_connect, unix_listener


@pytest.fixture(autouse=True)
def look_anew():
    """Forgets what earlier tests found."""
    forget_engines()
    yield
    forget_engines()


@pytest.fixture
def silence():
    """A port that accepts connections and never replies."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def kubeconfig(path, server):
    document = {
        "clusters": [{"name": "far", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "me", "user": {"token": "s3cret"}}],
        "contexts": [{"name": "far", "context": {"cluster": "far", "user": "me"}}],
        "current-context": "far",
    }
    path.write_text(json.dumps(document))
    return str(path)


def said(report, word, tone=None):
    """The remarks that have a word, and their cures."""
    found = [r for r in report.remarks if word in r.text and tone in {None, r.tone}]
    assert found, str(report)
    return found


def test_engine_and_cluster_are_listed_with_the_users_permissions(docker_engine, kubernetes_cluster, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    monkeypatch.setenv("KUBECONFIG", str(kubernetes_cluster.kubeconfig))
    report = nbc.doctor()
    assert "BuildKit" in said(report, "engine: Docker Engine", Tone.GOOD)[0].text
    assert "context nbc" in said(report, "cluster: Kubernetes v1.", Tone.GOOD)[0].text
    assert "run commands in them" in said(report, "you may list them", Tone.GOOD)[0].text
    said(report, "aiohttp")


def test_the_impersonated_user_is_shown(kubernetes_cluster, monkeypatch, tmp_path):
    document = json.loads(kubernetes_cluster.kubeconfig.read_text())
    document["users"][0]["user"]["as"] = "nobody-at-all"
    (tmp_path / "config").write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    (cluster,) = said(nbc.doctor(), "cluster: Kubernetes v1.", Tone.GOOD)
    assert cluster.text.endswith(", acting as nobody-at-all")


def test_a_reader_sees_what_is_not_allowed(kubernetes_cluster, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(kubernetes_cluster.viewer))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    report = nbc.doctor()
    assert "create them" in said(report, "you may not", Tone.WARNING)[0].text
    (engine,) = said(report, "no such socket", Tone.BAD)
    assert "DOCKER_HOST" in engine.text
    assert engine.cure


def test_an_engine_that_was_found_earlier_is_asked_again(docker_engine, tmp_path, monkeypatch):
    monkeypatch.setattr(nbc.settings, "connect_timeout", 1.0)
    with Middleman(unix_listener(tmp_path / "e"), unix_connect(docker_engine.host)) as middleman:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'e'}")
        said(nbc.doctor(), "engine: Docker Engine", Tone.GOOD)
        middleman.freeze()
        said(nbc.doctor(), "did not answer within 1 s", Tone.BAD)
        middleman.thaw()
        said(nbc.doctor(), "engine: Docker Engine", Tone.GOOD)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_does_not_answer_costs_a_few_seconds_and_hides_nothing_else(scheme, silence, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", kubeconfig(tmp_path / "config", f"{scheme}://127.0.0.1:{silence}"))
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{silence}")
    monkeypatch.setattr(nbc.settings, "connect_timeout", 2.0)
    began = time.monotonic()
    report = nbc.doctor()
    assert time.monotonic() - began < SECONDS
    (cluster,) = said(report, "does not answer within 2 s", Tone.BAD)
    assert cluster.cure
    said(report, "did not answer within 2 s", Tone.BAD)
    said(report, "aiohttp")
    assert "s3cret" not in str(report)


def test_a_helper_that_is_missing_is_named_with_its_registries(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    secret = base64.b64encode(b"alice:secret").decode()
    document = {"credHelpers": {"r.example.com": "absent"}, "auths": {"other.example.com": {"auth": secret}}}
    (tmp_path / "config.json").write_text(json.dumps(document))
    report = nbc.doctor()
    (helper,) = said(report, "docker-credential-absent is not installed", Tone.WARNING)
    assert "r.example.com" in helper.text
    assert "other.example.com" in said(report, "logins: 1 in")[0].text
    assert secret not in str(report)


def test_unreadable_configuration_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "config").write_text("a: [")
    report = nbc.doctor()
    said(report, "is not YAML", Tone.BAD)
    said(report, "config.json", Tone.BAD)
    said(report, "aiohttp")
