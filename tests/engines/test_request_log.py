"""With the log on, each request on the wire to an engine or a registry is one line, and none has a secret."""

import base64
import json
import logging
import re
import uuid
from contextlib import closing, suppress
from urllib.parse import urlsplit

import docker.errors
import pytest

import nbcontainer as nbc
from nbcontainer.engines import containers, images
from nbcontainer.engines.buildkit_build import close_connections
from nbcontainer.engines.connection import find_engine, forget_engines
from nbcontainer.engines.exec import execute
from nbcontainer.engines.logs import logs
from nbcontainer.engines.registries import login
from nbcontainer.engines.run import run
from nbcontainer.errors import AuthFailed, NbcontainerError
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest
from nbcontainer.model.secrecy import Secret
from tests.buildkit.building import wait_until
from tests.engines.build_engines import made
from tests.engines.relay import Relay

LINE = re.compile(r"([A-Z]+ /[^\s?]*) (\d{3}|upgraded|[A-Z]\w+) \d+ ms \S.*")
PASSWORD = "secret"  # alice's, at the environment's registries
HIDDEN = ("hidden-build-secret", "hidden-build-arg", "hidden-value", "hidden-command", "hidden-exec", "hidden-password")


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.DEBUG)  # of all loggers: those of our libraries must not leak it either
    return caplog


def lines(records, logger):
    """Method and path of each line of a logger, except requests without a reply."""
    found = [LINE.fullmatch(record.getMessage()) for record in records.records if record.name == logger]
    assert all(found), records.text
    return [line[1] for line in found if line[2] != "URLError"]


def hides(records, *words):
    encoded = [base64.b64encode(word.encode()).decode().rstrip("=") for word in words]
    return not [word for word in (*words, *encoded) if word in records.text]


@pytest.fixture
def relayed(docker, monkeypatch):
    """The engine behind a relay."""
    with closing(Relay(urlsplit(docker.address).path)) as relay:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{relay.address}")
        forget_engines()
        yield relay
        forget_engines()


def test_each_request_to_an_engine_is_one_line_without_secrets(relayed, records, configuration, password_registry):
    engine = find_engine()
    name = f"request-log-{uuid.uuid4().hex[:8]}"
    tag = f"{password_registry}/{name}:1"
    text = "FROM busybox\nARG A\nRUN --mount=type=secret,id=s cat /run/secrets/s >/dev/null; echo $A\n"
    secret = Secret("s", lambda: b"hidden-build-secret", "test")
    made(engine, text, tags=(tag,), secrets=(secret,), build_args={"A": "hidden-build-arg"})
    with pytest.raises(AuthFailed):
        login(password_registry, "alice", "hidden-password", engine=engine)
    auth = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    (configuration / "config.json").write_text(json.dumps({"auths": {password_registry: {"auth": auth}}}))
    images.push(engine, tag).result(60)
    command = ("sh", "-c", "echo hidden-command; sleep 60")
    run(engine, RunRequest("busybox", command, name=name, detach=True, environment={"A": "hidden-value"})).result(60)
    try:
        execute(engine, name, ExecRequest(name, ("echo", "hidden-exec"))).result(30)
        logs(engine, LogRequest((name,))).result(30)
        with pytest.raises(NbcontainerError):
            containers.inspect(engine, "not-there")
    finally:
        containers.remove(engine, name, force=True)
        images.remove(engine, tag)
        close_connections(engine)
    assert len(relayed.requests) > 15
    wait_until(lambda: sorted(lines(records, "nbcontainer.engines.http")) == sorted(relayed.requests), what=str)
    assert any("/exec/" in line for line in relayed.requests)
    assert any("/grpc" in line for line in relayed.requests)
    assert "Control/Solve OK" in records.text
    assert hides(records, *HIDDEN, f"alice:{PASSWORD}", auth)
    assert re.search(r'"?password"?: ?"secret', records.text) is None


def test_each_request_of_the_docker_packages_client_is_one_line_without_secrets(relayed, records):
    client = nbc.engine().client
    asked = len(relayed.requests)
    name = f"request-log-{uuid.uuid4().hex[:8]}"
    settings = {"environment": {"A": "hidden-value"}, "labels": {"of": "hidden-build-arg"}}
    made = client.containers.create("busybox", ["echo", "hidden-command"], name=name, **settings)
    made.start()
    made.wait()
    assert made.logs() == b"hidden-command\n"
    assert client.containers.list(all=True, filters={"label": "of=hidden-build-arg"}) == [made]
    made.remove()
    with pytest.raises(docker.errors.NotFound):
        client.containers.get("not-there")
    with pytest.raises(docker.errors.APIError):
        client.images.get("alice:hidden-password@127.0.0.1:1/not-there")
    client.close()
    found = lines(records, "nbcontainer.engines.docker_client")
    assert found[-1] == f"GET /v{client.api.api_version}/images/127.0.0.1:1/not-there/json"
    assert found[:-1] == relayed.requests[asked:-1]
    ours = [record.getMessage() for record in records.records if record.name.startswith("nbcontainer")]
    assert not [line for line in ours if "hidden" in line or "alice" in line]


@pytest.mark.parametrize("password", [PASSWORD, "hidden-password"])
def test_each_request_to_a_registry_is_one_line_without_secrets(records, password_registry, password):
    with closing(Relay(password_registry)) as relay:
        with suppress(AuthFailed):
            login(relay.address, "alice", password)
        assert relay.requests == ["GET /v2/", "GET /v2/"]
        assert lines(records, "nbcontainer.registry") == relay.requests
    statuses = [record.getMessage().split()[2] for record in records.records if record.name == "nbcontainer.registry"]
    assert statuses == ["URLError", "401", "200" if password == PASSWORD else "401"]  # https, http, http with the login
    assert hides(records, f"alice:{password}", "hidden-password")


def test_a_token_service_is_in_the_log_without_login_query_and_token(records, token_registry):
    login(token_registry, "alice", PASSWORD)
    assert lines(records, "nbcontainer.registry") == ["GET /v2/", "POST /token", "GET /v2/"]
    assert hides(records, f"alice:{PASSWORD}", "service=", "eyJ")


def test_a_registry_that_does_not_answer_is_one_line_too(records):
    with pytest.raises(NbcontainerError):
        login("127.0.0.1:9", "alice", PASSWORD)
    found = [record.getMessage() for record in records.records if record.name == "nbcontainer.registry"]
    assert [line.split()[:3] for line in found] == [["GET", "/v2/", "URLError"]] * 2  # https, http
