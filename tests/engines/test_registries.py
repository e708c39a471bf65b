import json
import os
import stat
import traceback
from urllib.parse import urlsplit

import pytest

from nbcontainer.buildkit.messages import TokenRequest
from nbcontainer.buildkit.tokens import Login, fetch_token
from nbcontainer.engines import registries
from nbcontainer.engines.credentials import credentials
from nbcontainer.engines.registries import login, logout
from nbcontainer.engines.url_handlers import EnvironmentProxies
from nbcontainer.errors import ApiError, AuthFailed, UsageError
from tests.conftest import part
from tests.engines.conftest import running
from tests.forward_proxy import ForwardProxy

NOWHERE = "192.0.2.7:5000"  # from a network reserved for documentation
ORIGINAL = """{
  "zeta": {"deep": [1, 2.5]},
  "auths": {
    "ghcr.io": {
      "auth": "YTpi"
    }
  },
  "ünï": "ö"
}
"""


@pytest.fixture(params=["by the engine", "directly"])
def asked(request, monkeypatch):
    """A client of the registry."""
    if request.param == "directly":
        return None
    from nbcontainer.engines.connection import find_engine

    monkeypatch.setenv("DOCKER_HOST", running("docker", "Docker").host)
    return find_engine()


def test_a_good_login_is_stored_as_docker_stores_it(asked, configuration, password_registry):
    found = login(f"http://{password_registry}/v2/", "alice", "secret", engine=asked)
    assert (found.host, found.username, found.encrypted) == (password_registry, "alice", False)
    assert "secret" not in repr(found)
    file = configuration / "config.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {"auths": {password_registry: {"auth": "YWxpY2U6c2VjcmV0"}}}
    assert credentials(password_registry).secret == "secret"
    assert logout(password_registry)
    assert not logout(password_registry)
    assert credentials(password_registry) is None


@pytest.mark.parametrize("kind", ["password_registry", "token_registry"])
def test_a_wrong_password_is_stored_and_shown_nowhere(asked, configuration, request, kind):
    host, password = request.getfixturevalue(kind), "wrong-and-hidden"
    with pytest.raises(AuthFailed) as caught:
        login(host, "alice", password, engine=asked)
    assert caught.value.host == host
    assert password not in "".join(traceback.format_exception(caught.value))
    assert not (configuration / "config.json").exists()


def test_a_token_registry_accepts(asked, token_registry):
    login(token_registry, "alice", "secret", engine=asked)
    assert credentials(token_registry) is not None


@pytest.mark.parametrize("host", ["127.0.0.1:9", "nosuch.invalid"])
def test_a_registry_that_is_not_there(asked, configuration, host):
    with pytest.raises(ApiError, match="cannot be reached"):
        login(host, "alice", "secret", engine=asked)
    assert not (configuration / "config.json").exists()


@pytest.mark.parametrize(("name", "password"), [("", "x"), ("a", ""), ("a:b", "x"), ("a", "x\ny"), ("a\0", "x")])
def test_what_cannot_be_a_login(name, password):
    with pytest.raises(UsageError) as caught:
        login("127.0.0.1:9", name, password)
    assert "x\ny" not in str(caught.value)


def test_the_rest_of_the_file_and_its_form_are_kept(configuration, password_registry, tmp_path):
    real = tmp_path / "real.json"
    real.write_text(ORIGINAL)
    (configuration / "config.json").symlink_to(real)
    login(password_registry, "alice", "secret")
    assert (configuration / "config.json").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    found = json.loads(real.read_text())
    assert list(found) == ["zeta", "auths", "ünï"]
    assert found["auths"]["ghcr.io"] == {"auth": "YTpi"}
    assert real.read_text().startswith('{\n  "zeta"')
    assert real.read_text().endswith("}\n")
    assert not list(tmp_path.glob(".config.json.*"))


def test_a_damaged_file_is_not_written_over(configuration, password_registry):
    (configuration / "config.json").write_text("{ not json")
    with pytest.raises(UsageError, match="not JSON"):
        login(password_registry, "alice", "secret")
    assert (configuration / "config.json").read_text() == "{ not json"


def test_a_helper_keeps_the_login(configuration, password_registry, tmp_path, monkeypatch):
    program = tmp_path / "docker-credential-own"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\ncat > {tmp_path}/given-$1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (configuration / "config.json").write_text('{"credsStore": "own"}')
    assert login(password_registry, "alice", "secret").encrypted
    given = json.loads((tmp_path / "given-store").read_text())
    assert given == {"ServerURL": password_registry, "Username": "alice", "Secret": "secret"}
    assert (tmp_path / "words").read_text() == "store\n"
    assert "secret" not in (configuration / "config.json").read_text()
    assert logout(password_registry)
    assert (tmp_path / "given-erase").read_text() == password_registry


def test_a_missing_helper_stores_nothing_in_clear(configuration, password_registry):
    (configuration / "config.json").write_text('{"credsStore": "nosuch"}')
    with pytest.raises(ApiError, match="docker-credential-nosuch is not installed"):
        login(password_registry, "alice", "secret")
    assert "auths" not in (configuration / "config.json").read_text()


def test_every_name_of_docker_hub_is_logged_out(configuration):
    table = {
        "https://index.docker.io/v1/": {"auth": "YTpi"},
        "docker.io": {"auth": "YTpi"},
        "ghcr.io": {"auth": "YTpi"},
    }
    (configuration / "config.json").write_text(json.dumps({"auths": table}))
    assert registries.logout()
    assert list(json.loads((configuration / "config.json").read_text())["auths"]) == ["ghcr.io"]


@pytest.fixture
def proxy(configuration, monkeypatch):
    """The environment's http proxy, which resolves names and addresses of registries that nothing else can reach."""
    (configuration / "config.json").write_text(json.dumps({"insecureRegistries": ["registry.test:5000", NOWHERE]}))
    with ForwardProxy() as proxy:
        for name in ("NO_PROXY", "no_proxy", "http_proxy", "REQUEST_METHOD"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", f"ann:p%40ss@{proxy.address}")
        yield proxy


@pytest.mark.parametrize("kind", ["password_registry", "token_registry"])
def test_a_login_goes_through_the_proxy_of_the_environment(proxy, request, kind):
    proxy.addresses = {"registry.test:5000": request.getfixturevalue(kind)}
    login("registry.test:5000", "alice", "secret")
    assert set(proxy.targets) == {"registry.test:5000"}
    assert set(proxy.logins) == {"Basic YW5uOnBAc3M="}


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [("192.0.2.0/24", True), (NOWHERE, True), ("192.0.3.0/24", False), ("192.0.2.7:5001", False)],
)
def test_no_proxy_knows_networks_and_ports(proxy, password_registry, monkeypatch, no_proxy, is_direct):
    proxy.addresses = {NOWHERE: password_registry}
    monkeypatch.setenv("NO_PROXY", no_proxy)
    monkeypatch.setattr(registries, "CHECK_SECONDS", 0.5)  # nothing has that address: a direct connection would hang
    if is_direct:
        with pytest.raises(ApiError, match="cannot be reached"):
            login(NOWHERE, "alice", "secret")
    else:
        login(NOWHERE, "alice", "secret")
    assert bool(proxy.targets) is not is_direct


def test_a_token_service_is_asked_through_the_same_proxy(proxy, token_registry):
    realm = urlsplit(part("registry-token").env()["NBCONTAINER_TEST_TOKEN_SERVER"])
    proxy.addresses = {"tokens.test:80": realm.netloc}
    url = realm._replace(netloc="tokens.test:80").geturl()
    request = TokenRequest(client_id="docker", host=token_registry, realm=url, service="registry")
    assert fetch_token(request, Login("alice", "secret"), (EnvironmentProxies,)).token
    assert proxy.targets == ["tokens.test:80"]
