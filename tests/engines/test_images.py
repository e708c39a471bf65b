import dataclasses
import json
import re
import threading
import time

import pytest

import nbcontainer as nbc
from nbcontainer.engines import connection, images
from nbcontainer.engines.registries import login, logout
from nbcontainer.errors import (
    AuthFailed,
    EngineUnavailable,
    Forbidden,
    NotFound,
    PullFailed,
    PushFailed,
    Stopped,
    UsageError,
)
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from nbcontainer.model.images import TransferNote
from nbcontainer.views.images import TransferView
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.engines.peers import PING, Middleman, Speaker, chunked, reply, tcp_listener, unix_connect, unix_listener
from tests.engines.relay import Relay


def test_push_pull_and_list(engine, registry, make_image, unique):
    name = make_image(engine, f"{registry}/tests/{unique}:1")
    pushed = images.push(engine, name).result(60)
    assert pushed.digest.startswith("sha256:")
    assert pushed.size > 0
    insecure = ["--tls-verify=false"] if engine.is_podman else []  # as Docker does it on its own machine
    assert pushed.command == engine.commands.command("push", *insecure, name)
    if not engine.capabilities.pods:  # Podman reports no layers
        assert [layer.done for layer in pushed.state.layers.values()] == [True]
    images.remove(engine, name, force=True)
    with pytest.raises(NotFound):
        images.inspect(engine, name)
    pulled = images.pull(engine, name).result(60)
    assert pulled.digest == pushed.digest or engine.capabilities.pods
    table = nbc.images.list(name=f"{registry}/tests/{unique}")
    assert table.names == [name]
    assert [column.name for column in table.state.columns] == ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]


def test_images_with_one_of_several_names_are_listed(engine, make_image, unique):
    names = [make_image(engine, f"{unique}-{index}:1") for index in range(3)]
    chosen = [f"reference={name}" for name in names[:2]]
    assert sorted(nbc.images.list(filters=chosen).names) == names[:2]
    assert sorted(nbc.images.list(name=names[2], filters=chosen).names) == names
    assert nbc.images.list(filters=[*chosen, "label=of-no-image"]).names == []


def test_a_registry_on_the_engines_machine_needs_no_tls(engine, registry, make_image, unique):
    """Podman's configuration in the environment names the registries' own ports, but not this one."""
    relay = Relay(registry)
    try:
        name = make_image(engine, f"{relay.address}/tests/{unique}:1")
        pushed = images.push(engine, name).result(60)
        images.remove(engine, name, force=True)
        pulled = images.pull(engine, name, platform="linux/amd64").result(60)
    finally:
        relay.close()
    assert images.get(engine, name).tags == (name,)
    by_digest = images.pull(engine, f"{registry}/tests/{unique}@{pushed.digest}").result(60)
    assert by_digest.digest == pushed.digest
    assert ("--tls-verify=false" in pulled.command) == engine.is_podman
    assert [line for line in relay.requests if line.startswith("PUT ")]


NO_NAMES = [
    lambda: nbc.images.get(""),
    lambda: nbc.images.get("../../containers/json"),
    lambda: nbc.images.tag("", "x:1"),
    lambda: nbc.volumes.get(""),
    lambda: nbc.volumes.get(".."),
    lambda: nbc.volumes.remove(""),
    lambda: nbc.networks.get(""),
    lambda: nbc.networks.get(".."),
    lambda: nbc.containers.get(""),
    lambda: nbc.containers.logs("").result(30),
    lambda: nbc.containers.logs("..").result(30),
    lambda: nbc.containers.stop(".."),
    lambda: nbc.containers.remove(""),
]


@pytest.mark.usefixtures("engine")
def test_what_cannot_be_a_name_is_refused():
    for call in NO_NAMES:
        with pytest.raises((UsageError, NotFound), match=r"is not a valid name|There is no"):
            call()


def test_an_image_cannot_be_given_a_digest(engine):
    with pytest.raises(UsageError, match="has a digest"):
        images.tag(engine, "busybox", "a@sha256:" + "0" * 64)


def test_an_image_is_an_object_with_its_verbs(engine, registry, make_image, unique, monkeypatch):
    name = make_image(engine, f"{registry}/tests/{unique}:1")
    image = nbc.images.get(name)
    assert image == nbc.images.get(image.short_id) == nbc.images.list()[name]
    assert (image.name, image.tags, image.where) == (name, (name,), engine.name)
    assert image.platform.startswith("linux/")
    assert image.size > 0
    picture = as_text(picture_of(image))
    assert all(word in picture for word in (f"Image/{name}", image.id, image.platform, "Size"))
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///nowhere.sock")  # it stays bound to the engine it was found in
        assert image.push().result(60).digest.startswith("sha256:")
        assert str(image.tag(f"{unique}:2")) == f"{image.id} is also {unique}:2"
    try:
        two = nbc.images.get(name)
        with pytest.raises(UsageError, match=f"has 2 names: .*{unique}:2"):
            two.push()
        assert two.push(name).result(60).image == name
        with pytest.raises(NotFound, match=rf"There is no image {unique}:3 in .*\n?Did you mean {unique}:2\?"):
            nbc.images.get(f"{unique}:3")
    finally:
        images.remove(engine, f"{unique}:2")
    with pytest.raises(UsageError, match="is a record of the image"):
        dataclasses.replace(image, _images=None).push()


def test_a_list_is_filtered_and_shows_whole_ids(engine, make_image, unique):
    name = make_image(engine, f"{unique}:1")
    image = nbc.images.get(name)
    assert magic(f"images -q {unique}") == (image.short_id,)
    assert magic(f"images -q --no-trunc {unique}") == (image.id,)
    assert name in nbc.images.list(filters=["dangling=false"]).names
    assert nbc.images.list(filters=["label=of=nobody"], name=unique).names == []
    assert name in nbc.images.names()
    with pytest.raises(UsageError, match="KEY=VALUE"):
        magic("images --filter dangling")


def test_a_quiet_push_shows_nothing(docker, registry, make_image, unique, capsys):
    name = make_image(docker, f"{registry}/tests/{unique}:1")
    assert magic(f"push -q {name}").image == name
    assert capsys.readouterr().out == ""
    magic(f"push {name}")
    assert name in capsys.readouterr().out


def magic(line):
    return run_magic(catalogue.verbs_of("docker"), line, None, {})


def test_a_push_that_needs_a_login(engine, password_registry, make_image, unique):
    name = make_image(engine, f"{password_registry}/tests/{unique}:1")
    with pytest.raises(AuthFailed) as caught:
        images.push(engine, name).result(60)
    assert caught.value.host == password_registry
    assert f"`%docker login {password_registry}`" in caught.value.cure
    login(password_registry, "alice", "secret", engine=engine)
    assert images.push(engine, name).result(60).digest
    logout(password_registry)
    with pytest.raises(AuthFailed):
        images.pull(engine, name).result(60)


def test_a_push_with_bearer_tokens_and_one_that_is_denied(engine, token_registry, make_image, unique):
    mine = make_image(engine, f"{token_registry}/alice/{unique}:1")
    theirs = make_image(engine, f"{token_registry}/library/{unique}:1")
    with pytest.raises(AuthFailed):
        images.push(engine, mine).result(60)
    login(token_registry, "alice", "secret", engine=engine)
    assert images.push(engine, mine).result(60).digest
    with pytest.raises(Forbidden, match="may not push"):
        images.push(engine, theirs).result(60)


def test_a_stored_password_that_is_no_longer_right(docker, configuration, password_registry, make_image, unique):
    entry = {"auths": {password_registry: {"username": "alice", "password": "expired-one"}}}
    (configuration / "config.json").write_text(json.dumps(entry))
    name = make_image(docker, f"{password_registry}/tests/{unique}:1")
    with pytest.raises(AuthFailed, match="again") as caught:
        images.push(docker, name).result(60)
    assert "expired-one" not in str(caught.value)


def test_missing_things_have_distinct_errors(engine, registry, unique):
    with pytest.raises(NotFound) as missing:
        images.push(engine, f"{registry}/tests/{unique}:1").result(60)
    assert "`%docker images" in missing.value.cure
    with pytest.raises(NotFound, match="Check the name"):
        images.pull(engine, f"{registry}/tests/{unique}:1").result(60)
    with pytest.raises(PullFailed, match="cannot be resolved") as caught:
        images.pull(engine, "nosuch.invalid/x:1").result(60)
    assert caught.value.host == "nosuch.invalid"
    with pytest.raises(PullFailed, match="is running") as caught:
        images.pull(engine, "127.0.0.1:9/x:1").result(60)
    assert "initializing source" not in str(caught.value)


def test_names_are_checked_before_anything_is_sent(docker):
    for call in (images.push, images.pull):
        with pytest.raises(UsageError):
            call(docker, "App:1")


def test_the_registry_dies_in_the_middle_of_a_push_and_stop_ends_it(docker, registry, make_image, unique):
    host, port = registry.split(":")

    def connect():
        import socket

        return socket.create_connection((host, int(port)))

    listener = tcp_listener()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    with Middleman(listener, connect, sent=2_000_000) as between:
        name = make_image(docker, f"{address}/tests/{unique}:1", 8_000_000)
        operation = images.push(docker, name)
        assert between.cut.wait(30)
        # the Engine tries again for a minute, and says so
        deadline = time.monotonic() + 20
        while not any("Retrying" in layer.status for layer in operation.state.layers.values()):
            assert time.monotonic() < deadline
            assert not operation.done, operation.error
            operation.wait(1, revision=operation.revision)
        started = time.monotonic()
        operation.stop()
        with pytest.raises(Stopped):
            operation.result(5)
        assert time.monotonic() - started < 1
    with pytest.raises(PushFailed, match="refused"):
        images.push(docker, name).result(60)


def test_the_engine_goes_away_in_the_middle_of_a_pull(docker, tmp_path, monkeypatch, registry, make_image):
    name = make_image(docker, f"{registry}/tests/cut:1", 3_000_000)
    images.push(docker, name).result(60)
    images.remove(docker, name, force=True)
    with Middleman(unix_listener(tmp_path / "e"), unix_connect(docker.address)) as between:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'e'}")
        engine = connection.find_engine()
        operation = images.pull(engine, name)
        cutter = threading.Thread(target=lambda: (operation.wait(10, revision=0), between.close()))
        cutter.start()
        cutter.join()
        assert operation.wait(10)
    if operation.error is not None:  # else the pull was the faster one
        assert isinstance(operation.error, EngineUnavailable)
        assert "was cut off" in str(operation.error)
    images.pull(docker, name).result(60)


PROGRESS = b'{"status":"Pushing","progressDetail":{"current":5,"total":10},"id":"0123456789ab"}\n'


@pytest.mark.parametrize(
    ("stream", "kind", "words"),
    [
        (chunked(PROGRESS, end=False), EngineUnavailable, "cut off: .* broke off"),
        (chunked(PROGRESS), PushFailed, "without reporting the image's digest"),
        (chunked(PROGRESS, b"<html>oops\n"), PushFailed, "not JSON"),
        (
            chunked(PROGRESS, b'{"errorDetail":{"message":"denied: \\u001b[31mno"},"error":"x"}\n'),
            AuthFailed,
            "denied: no",
        ),
        (chunked(PROGRESS, b'{"error":"went wrong"}\n'), PushFailed, "went wrong"),
        (chunked(b'{"id": 3, "status": [1], "progressDetail": "x", "aux": 7}\n'), PushFailed, "without reporting"),
        (reply("500 x", b'{"message":"no basic auth credentials"}'), AuthFailed, "%docker login"),
    ],
)
def test_odd_streams_are_errors(tmp_path, monkeypatch, stream, kind, words):
    with Speaker(tmp_path / "s", PING, reply("200 OK", b'{"Version": "1"}'), stream) as speaker:
        monkeypatch.setenv("DOCKER_HOST", speaker.address)
        operation = images.push(connection.find_engine(), "127.0.0.1:1/x")
        with pytest.raises(kind) as caught:
            operation.result(10)
    assert re.search(words, caught.value.remark)
    assert "\x1b" not in caught.value.remark


def test_a_credential_helper_that_is_missing_is_noted_and_the_push_goes_on(
    docker, configuration, registry, make_image, unique
):
    (configuration / "config.json").write_text('{"credsStore": "nosuch"}')
    name = make_image(docker, f"{registry}/tests/{unique}:1")
    operation = images.push(docker, name)
    notes = [event.text for event in operation if isinstance(event, TransferNote)]
    assert operation.result(60).digest
    assert any("docker-credential-nosuch is not installed" in note for note in (*notes, *operation.state.notes))


def test_tag_and_remove(engine, make_image, unique):
    name = make_image(engine, f"{unique}:1")
    assert images.tag(engine, name, f"{unique}-other") == f"{unique}-other:latest"
    assert any("ntagged" in line for line in images.remove(engine, f"{unique}-other:latest"))
    with pytest.raises(NotFound):
        images.remove(engine, f"{unique}-other:latest")


def test_a_push_that_is_refused_names_the_missing_helper(engine, make_image, configuration, password_registry, unique):
    (configuration / "config.json").write_text('{"credsStore": "desktop"}')
    name = make_image(engine, f"{password_registry}/team/{unique}:1")
    operation = images.push(engine, name)
    with pytest.raises(AuthFailed, match="docker-credential-desktop is not installed"):
        operation.result(60)
    assert "docker-credential-desktop" in as_text(TransferView().render(operation.state))
