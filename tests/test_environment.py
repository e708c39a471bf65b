"""The environment reports its parts' real state, and its registries behave like the ones they stand for."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
import uuid
from pathlib import Path

import pytest

from tests.environment import folders, layers, packages, parts
from tests.environment.__main__ import main, up
from tests.environment.http_requests import request
from tests.environment.part import Part, State, Status
from tests.environment.processes import Process, StartFailed, port_answers, start_time
from tests.environment.registries import basic

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    """An environment in which nothing has been started."""
    monkeypatch.setenv("NBCONTAINER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/environment"


def running(name):
    part = parts()[name]
    if not part.status():
        pytest.skip(f"{name}: {part.status().detail}")
    return part


def test_each_part_comes_after_those_that_it_needs():
    names = list(parts())
    for name, part in parts().items():
        assert all(names.index(need) < names.index(name) for need in part.needs)


def test_parts_run_on_the_system_python_without_any_package():
    script = "import sys; from tests.environment import parts; parts(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    own = {name.partition(".")[0] for name in done.stdout.split()}
    assert own.isdisjoint({"yaml", "requests", "docker", "kubernetes", "aiohttp", "nbcontainer"})


class Noted(Part):
    """A fake part that records the actions on it."""

    def __init__(self, name, done, *, needs=(), builds=False, waits=None):
        self.name, self.done, self.needs, self.builds, self.waits = name, done, needs, builds, waits

    def install(self):
        if self.waits:
            assert self.waits.wait(10)
        self.done.append(f"{self.name} built")

    def up(self):
        self.done.append(self.name)
        if self.name == "broken":
            raise StartFailed("broken is broken")

    def down(self):
        self.done.append(f"{self.name} down")

    def status(self):
        return Status(State.UP)

    def env(self):
        return {}


def noted(*parts_there):
    return {part.name: part for part in parts_there}


def test_builds_take_turns_the_longest_last_and_nothing_else_waits_for_them():
    done, told, others_are_up = [], [], threading.Event()
    every = noted(
        Noted("registry", done),
        Noted("long", done, needs=("registry",), builds=True, waits=others_are_up),
        Noted("short", done, builds=True),
        Noted("on-long", done, needs=("long",)),
        *(Noted(f"other-{number}", done) for number in range(4)),
    )

    def ended(name, problem):
        told.append((name, problem))
        if name == "other-3":
            others_are_up.set()

    assert up(list(every), every, ended=ended) == 0
    assert max(done.index("other-3"), done.index("short built")) < done.index("long built")
    assert done.index("long built") < done.index("long") < done.index("on-long")
    assert sorted(told) == sorted((name, "") for name in every)


def test_parts_that_need_a_broken_part_are_skipped_and_reported(capsys):
    done, told = [], {}
    every = noted(Noted("broken", done), Noted("on-it", done, needs=("broken",), builds=True), Noted("whole", done))
    assert up(["on-it", "whole"], every, ended=told.__setitem__) == 1
    assert told == {"broken": "failed: broken is broken", "on-it": "needs broken", "whole": ""}
    assert "on-it" not in done
    assert "on-it: left out: it needs broken" in capsys.readouterr().err


DAEMONS = [
    "registry",
    "registry-password",
    "registry-token",
    "docker",
    "docker20",
    "sshd",
    "buildkitd",
    "kubernetes",
    "kwok",
]


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("name", DAEMONS)
def test_status_says_down_where_nothing_was_started(name):
    # the ports answer, but for the real environment: what another one started is not ours
    assert parts()[name].status() == Status(State.DOWN, "not started")


@pytest.mark.usefixtures("empty_home")
def test_status_prints_each_part_and_fails_unless_all_are_up(capsys):
    assert main(["status", "registry", "docker"]) == 1
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["registry", "down", "not", "started"],
        ["docker", "down", "not", "started"],
    ]


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["up", "dockr"])
    assert "no such part: dockr" in capsys.readouterr().err


@pytest.mark.live
@pytest.mark.parametrize("name", ["registry", "docker", "buildkitd"])
def test_up_again_changes_nothing(name):
    part = running(name)
    records = {path: path.read_text() for path in (folders.home() / "run").glob("*.json")}
    part.up()
    assert {path: path.read_text() for path in records} == records
    assert part.status()


@pytest.mark.live
def test_a_port_in_use_is_reported_and_left_alone(tmp_path, monkeypatch, capsys):
    running("registry")
    # the packages are already there; only the state is new
    packages_folder = folders.home() / "packages"
    monkeypatch.setenv("NBCONTAINER_CACHE", str(tmp_path))
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment/packages").symlink_to(packages_folder)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("NBCONTAINER_ENVIRONMENT_REGISTRY_PORT", str(port))
        assert main(["up", "registry"]) == 1
    assert f"port 127.0.0.1:{port} is in use by another program" in capsys.readouterr().err


class Sleeper(Process):
    def __init__(self):
        super().__init__("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])


@pytest.mark.usefixtures("empty_home")
def test_a_process_is_started_once_and_stopped():
    assert Sleeper().start()
    pid = Sleeper().pid()
    assert pid is not None
    assert not Sleeper().start()
    Sleeper().stop(5)
    assert start_time(pid) is None
    assert Sleeper().pid() is None


@pytest.mark.usefixtures("empty_home")
def test_a_stale_pid_file_is_never_believed():
    """After a reboot the pid may belong to any process: here it is the test's own."""
    record = {"pid": os.getpid(), "start_time": "another-boot:1"}
    folders.write(Sleeper().pid_file, json.dumps(record))
    assert Sleeper().pid() is None
    Sleeper().stop(1)
    assert start_time(os.getpid()) is not None


@pytest.mark.live
@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}', "null"])
def test_a_damaged_pid_file_means_not_running(text):
    folders.write(Sleeper().pid_file, text)
    assert Sleeper().pid() is None


@pytest.mark.usefixtures("empty_home")
def test_a_daemon_that_ends_at_once_is_an_error_with_its_log():
    process = Process("short", [sys.executable, "-c", "raise SystemExit('no such setting')"])
    process.start()
    with pytest.raises(StartFailed, match="no such setting"):
        process.wait(lambda: False, 30)


def test_two_at_once_take_turns(empty_home):
    script = (
        "import pathlib, sys, time; from tests.environment import folders\n"
        "with folders.locked('turns'):\n"
        "    path = pathlib.Path(sys.argv[1]); assert not path.exists(); path.touch(); time.sleep(0.2); path.unlink()"
    )
    command = [sys.executable, "-c", script, str(empty_home.parent / "inside")]
    started = [subprocess.Popen(command, cwd=ROOT, env=dict(os.environ)) for _ in range(4)]
    assert [process.wait(30) for process in started] == [0] * 4


def test_an_interrupted_unpacking_leaves_no_half_tree(empty_home, monkeypatch):
    def download(_names, _suite, into):
        (into / "broken.deb").write_bytes(b"half a file")
        return [into / "broken.deb"]

    monkeypatch.setattr(packages, "download", download)
    with pytest.raises(StartFailed):
        packages.unpack("broken", ["broken"])
    assert list((empty_home / "packages").iterdir()) == []


def test_layers_are_the_same_bytes_each_time(tmp_path):
    def fill(tree):
        tree.file("usr/bin/tool", b"#!/bin/sh\n", 0o755)
        tree.link("bin", "usr/bin")
        tree.folder("tmp", 0o1777)

    first, second = (layers.make_layer(tmp_path / name, fill) for name in ("a", "b"))
    assert (first.digest, first.diff_id, first.size) == (second.digest, second.diff_id, second.size)
    with tarfile.open(tmp_path / "a") as archive:
        assert [entry.name for entry in archive] == ["usr", "usr/bin", "usr/bin/tool", "bin", "tmp"]


@pytest.mark.live
def test_base_images_are_served_whole():
    images = running("images")
    for names in images.names().values():
        repository, tag = f"library/{names[0]}".rsplit(":", 1)
        base = f"http://{images.registry}/v2/{repository}"
        manifest = json.loads(request(f"{base}/manifests/{tag}", headers={"Accept": layers.MANIFEST_TYPE}).body)
        for blob in (manifest["config"], *manifest["layers"]):
            found = request(f"{base}/blobs/{blob['digest']}", "HEAD")
            assert (found.status, found.headers["content-length"]) == (200, str(blob["size"]))


# --- the registry with tokens


@pytest.fixture
def tokens():
    return running("registry-token")


def ask(part, scope="", headers=None):
    """A token, as Docker Hub's clients ask for one."""
    query = f"?service={part.address}" + (f"&scope={scope}" if scope else "")
    return request(part.realm + query, headers=headers or {})


def bearer(part, scope, headers=None):
    return {"Authorization": f"Bearer {json.loads(ask(part, scope, headers).body)['token']}"}


def start_upload(part, repository, headers):
    return request(f"http://{part.address}/v2/{repository}/blobs/uploads/", "POST", headers)


def read_busybox(part, headers):
    return request(f"http://{part.address}/v2/library/busybox/manifests/latest", headers=headers)


def test_without_a_token_the_registry_says_where_to_get_one(tokens):
    answer = read_busybox(tokens, {})
    assert answer.status == 401
    assert f'realm="{tokens.realm}"' in answer.headers["www-authenticate"]
    assert 'scope="repository:library/busybox:pull"' in answer.headers["www-authenticate"]


def test_anybody_may_pull(tokens):
    headers = {**bearer(tokens, "repository:library/busybox:pull"), "Accept": layers.MANIFEST_TYPE}
    assert read_busybox(tokens, headers).status == 200


def test_nobody_pushes_without_a_login(tokens):
    headers = bearer(tokens, "repository:alice/app:pull,push")
    assert start_upload(tokens, "alice/app", headers).status == 401


def test_alice_pushes_with_her_password(tokens):
    repository = f"alice/{uuid.uuid4().hex}"
    headers = bearer(tokens, f"repository:{repository}:pull,push", basic())
    assert start_upload(tokens, repository, headers).status == 202


def test_alice_may_not_push_into_library(tokens):
    headers = bearer(tokens, "repository:library/busybox:pull,push", basic())
    assert start_upload(tokens, "library/busybox", headers).status == 401


def test_a_token_is_for_its_own_repository(tokens):
    headers = bearer(tokens, "repository:alice/one:pull,push", basic())
    assert start_upload(tokens, "alice/two", headers).status == 401


@pytest.mark.parametrize("headers", [basic(password="wrong"), basic("bob"), {"Authorization": "Basic %%%"}])
def test_wrong_credentials_get_no_token(tokens, headers):
    assert ask(tokens, "repository:alice/app:push", headers).status == 401


def test_oauth_gives_a_token_for_a_password_and_for_its_refresh_token(tokens):
    def post(form):
        return request(tokens.realm, "POST", {"Content-Type": "application/x-www-form-urlencoded"}, form.encode())

    scope = "scope=repository:alice/app:pull,push"
    first = json.loads(post(f"grant_type=password&username=alice&password=secret&access_type=offline&{scope}").body)
    again = json.loads(post(f"grant_type=refresh_token&refresh_token={first['refresh_token']}&{scope}").body)
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    assert start_upload(tokens, "alice/app", headers).status == 202
    assert post(f"grant_type=refresh_token&refresh_token=made-up&{scope}").status == 401
    assert post("grant_type=device_code").status == 400


@pytest.fixture
def own_realm(tokens):
    """A token server with the same key, only for this test: its settings affect no other test."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [*tokens.token_process.arguments[:3], str(port), *tokens.token_process.arguments[4:]]
    ) as server:
        while not port_answers(port):
            assert server.poll() is None
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def test_an_expired_token_is_refused(tokens, own_realm):
    assert request(f"{own_realm}/lifetime", "PUT", body=b"-120").status == 200
    query = f"?service={tokens.address}&scope=repository:library/busybox:pull"
    expired = json.loads(request(f"{own_realm}/token{query}").body)["token"]
    answer = read_busybox(tokens, {"Authorization": f"Bearer {expired}"})
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_signed_with_another_key_is_refused(tokens):
    token = bearer(tokens, "repository:library/busybox:pull")["Authorization"].removeprefix("Bearer ")
    header, claims, signature = token.split(".")
    wider = json.loads(base64.urlsafe_b64decode(claims + "=="))
    wider["access"][0]["actions"] = ["pull", "push"]
    forged = base64.urlsafe_b64encode(json.dumps(wider).encode()).rstrip(b"=").decode()
    headers = {"Authorization": f"Bearer {header}.{forged}.{signature}"}
    assert read_busybox(tokens, headers).status == 401


@pytest.mark.live
def test_the_password_registry_wants_the_password():
    part = running("registry-password")
    url = f"http://{part.address}/v2/"
    statuses = [request(url, headers=headers).status for headers in ({}, basic(password="wrong"), basic())]
    assert statuses == [401, 401, 200]


# --- engines and the cluster


@pytest.mark.live
@pytest.mark.parametrize("name", ["docker", "docker20", "podman", "podman-rootless"])
def test_a_container_runs_and_its_removal_is_seen(name):
    """``run --rm`` ends only when the engine has cleaned up."""
    part = running(name)
    client = running("docker")
    command = [client.client(), "run", "--rm", "busybox", "echo", "hi"]
    environment = {**os.environ, **client.client_environment(), "DOCKER_HOST": part.host}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert done.stdout == "hi\n"


@pytest.mark.live
def test_the_viewer_may_look_but_not_touch():
    variables = running("kubernetes").env()
    kubectl, viewer = variables["NBCONTAINER_TEST_KUBECTL"], variables["NBCONTAINER_TEST_KUBECONFIG_VIEWER"]
    command = [kubectl, "--kubeconfig", viewer, "auth", "can-i"]
    may = [
        subprocess.run([*command, verb, "pods"], capture_output=True, check=False).returncode
        for verb in ("list", "delete")
    ]
    assert may == [0, 1]


def test_every_part_keeps_the_interface():
    for part in parts().values():
        assert isinstance(part, Part)
        for action in ("install", "up", "down", "status", "env"):
            assert callable(getattr(part, action))


def test_an_archive_of_the_pause_process_is_one_file(tmp_path):
    layer = layers.make_layer(tmp_path / "pause.tar.gz", lambda tree: tree.file("pause", b"\x7fELF", 0o755))
    image = layers.Image([layer], {"Entrypoint": ["/pause"]})
    configuration = json.loads(image.configuration())
    assert configuration["rootfs"]["diff_ids"] == [layer.diff_id]
    with tarfile.open(fileobj=io.BytesIO(layer.path.read_bytes())) as archive:
        assert [(entry.name, entry.mode) for entry in archive] == [("pause", 0o755)]
