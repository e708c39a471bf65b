"""Each result's command, pasted into a terminal set to another engine, reaches the engine of the call."""

import hashlib
import json
import re
import shlex

import pytest

import nbcontainer as nbc
from nbcontainer.engines import containers, images
from nbcontainer.engines.build import _command as command_of_build
from nbcontainer.engines.connection import find_engine, forget_engines
from nbcontainer.errors import AuthFailed, NotFound, UsageError
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.secrecy import Secret
from tests.engines.conftest import ENGINES, running
from tests.terminal import Terminal

FOREVER = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path).with_podman()


@pytest.fixture
def there(engine, monkeypatch):
    """The address of an engine that is not the one in use."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    forget_engines()
    return engine.address


@pytest.fixture
def container(there, unique, busybox):
    """A running container's name on that engine."""
    nbc.engine(there).containers.run(busybox, FOREVER, name=unique, detach=True).result(60)
    yield unique
    with_engine = find_engine(there)
    for one in containers.list_containers(with_engine, every=True):
        if unique in one.name:
            containers.remove(with_engine, one.id, force=True)


def is_there(there, name):
    return any(name in one.names for one in containers.list_containers(find_engine(there), every=True))


def test_what_only_reads_reads_there(there, container, terminal):
    assert container in terminal.run(nbc.engine(there).containers.list(all=True).command)
    assert container in terminal.run(nbc.engine(there).containers.list().command)
    assert "busybox" in terminal.run(nbc.engine(there).images.list().command)
    assert "busybox" in terminal.run(nbc.engine(there).images.list(name="busybox").command)
    run = nbc.engine(there).containers.run
    log = run("busybox", ("echo", "it's here"), name=f"{container}-log").result(60)
    logs = nbc.engine(there).containers.logs(log.name, tail=1, timestamps=True).result(60)
    assert terminal.run(logs.command).endswith("it's here\n")


def test_a_run_runs_there(there, container, terminal):
    name = f"{container}-2"
    far = nbc.engine(there).containers
    ran = far.run("busybox", ("sh", "-c", 'echo "$A"; hostname'), name=name, hostname="it", remove=True,
                  environment={"A": "two words"}, labels={"of": "a test"}).result(60)  # fmt: skip
    assert terminal.run(ran.command) == "two words\nit\n" == ran.output
    kept = far.run("busybox", FOREVER, name=name, detach=True).result(60)
    far.remove(name, force=True)
    terminal.run(kept.command)
    assert is_there(there, name)


def test_what_stops_and_removes_does_it_there(there, container, terminal):
    far = nbc.engine(there).containers
    stopped = far.stop(container, seconds=2)
    assert "2" in shlex.split(stopped.command)
    again = containers.find(find_engine(there), [container])[0].id
    find_engine(there).http().call("POST", f"/containers/{again}/start")
    terminal.run(stopped.command)
    assert containers.find(find_engine(there), [container])[0].state == "exited"
    removed = far.remove(container, force=True, volumes=True)
    far.run("busybox", FOREVER, name=container, detach=True).result(60)
    terminal.run(removed.command)
    assert not is_there(there, container)


def test_images_are_tagged_pushed_and_pulled_there(registry, make_image, engine, unique, terminal, there):  # noqa: PLR0917 - fixtures
    name = make_image(engine, f"{registry}/tests/{unique}:1")
    tagged = nbc.engine(there).images.tag(name, f"{unique}:2")
    images.remove(engine, f"{unique}:2")
    terminal.run(tagged.command)
    assert images.inspect(engine, f"{unique}:2")
    pushed = nbc.engine(there).images.push(name).result(60)
    terminal.run(pushed.command)
    images.remove(engine, f"{unique}:2")
    images.remove(engine, name)
    pulled = nbc.engine(there).images.pull(name).result(60)
    images.remove(engine, name)
    terminal.run(pulled.command)
    assert images.inspect(engine, name)


@pytest.mark.parametrize("context", [".", None], ids=["with a context", "without a context"])
def test_a_build_builds_there(there, engine, unique, terminal, context, monkeypatch, tmp_path):  # noqa: PLR0917 - fixtures
    monkeypatch.chdir(tmp_path)
    text = "FROM busybox\nARG GREETING\nRUN echo $GREETING"
    built = (
        nbc.engine(there)
        .images.build(
            text,
            tags=(f"{unique}:1",),
            build_args={"GREETING": "hidden-1"},
            context=context,
            labels={"note": "two words"},
        )
        .result(60)
    )
    assert "hidden" not in built.command
    images.remove(engine, f"{unique}:1", force=True)
    if "rootless" in there:  # podman's client passes the text as a file, which another user's service cannot read
        return
    terminal.run(built.command, stdin=text)
    assert images.inspect(engine, f"{unique}:1")["Config"]["Labels"]["note"] == "two words"
    images.remove(engine, f"{unique}:1", force=True)


def make_context(configuration, name, address):
    folder = configuration / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": address}}}
    (folder / "meta.json").write_text(json.dumps(meta))


def test_a_docker_context_is_named_as_one(docker, configuration, monkeypatch, tmp_path, busybox_of, unique):  # noqa: PLR0917 - fixtures
    busybox_of(docker)
    make_context(configuration, "far away", docker.address)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    terminal = Terminal(tmp_path)
    command = nbc.engine("far away").images.list().command
    assert shlex.split(command) == ["docker", "--context", "far away", "--config", str(configuration), "images"]
    assert "busybox" in terminal.run(command)
    ran = nbc.engine("far away").containers.run("busybox", ("echo", "here"), remove=True).result(60)
    assert terminal.run(ran.command) == "here\n"
    with pytest.raises(NotFound) as caught:
        nbc.engine("far away").containers.remove(unique)
    assert "'--context=far away'" in caught.value.cure


def test_a_context_is_that_of_the_usual_folder_where_the_terminals_own_has_one_of_that_name(
    docker, configuration, monkeypatch, tmp_path
):
    terminal = Terminal(tmp_path)  # by the environment, which is in the home folder
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    make_context(tmp_path / ".docker", "far", docker.address)
    make_context(configuration, "far", "unix:///nowhere.sock")
    command = nbc.engine("far").images.list().command
    terminal.run(f"export DOCKER_CONFIG={shlex.quote(str(configuration))}; {command}")
    built = command_of_build(find_engine("far"), BuildRequest("FROM busybox", builder="far"), ())
    assert f"--config {shlex.quote(str(tmp_path / '.docker'))}" in built


def test_a_login_is_kept_where_it_was_kept(password_registry, docker, configuration, tmp_path):
    assert docker  # the only one that speaks plain http to the registry
    terminal = Terminal(tmp_path)
    kept = nbc.registries.login(password_registry, username="alice", password="secret")
    assert "secret" not in kept.command
    file = configuration / "config.json"
    before = json.loads(file.read_text())
    gone = nbc.registries.logout(password_registry)
    terminal.run(kept.command, stdin="secret")
    assert json.loads(file.read_text())["auths"] == before["auths"]
    terminal.run(gone.command)
    assert not json.loads(file.read_text()).get("auths")


def test_a_login_needs_no_engine(password_registry, configuration, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    forget_engines()
    assert password_registry in str(nbc.registries.login(password_registry, username="alice", password="secret"))
    assert password_registry in json.loads((configuration / "config.json").read_text())["auths"]
    with pytest.raises(AuthFailed):
        nbc.registries.login(password_registry, username="alice", password="wrong")
    assert str(nbc.registries.logout(password_registry)) == f"Logged out of {password_registry}."


def test_a_builder_and_its_secrets_are_named_but_no_value(docker):
    secrets = (Secret("token", lambda: b"hidden-1", "env TOKEN"), Secret("key", lambda: b"hidden-2", "prompt"))
    request = BuildRequest("FROM busybox", builder="far", secrets=secrets, ssh={"default": "/a b"})
    words = shlex.split(command_of_build(docker, request, ()))
    assert words[-4:] == ["--ssh=default=/a b", "--secret=id=token,env=TOKEN", "--secret=id=key", "-"]
    assert "--builder=far" in words
    words = shlex.split(command_of_build(docker, request, ("build", "-t", "web", "dir")))
    assert words[-5:] == ["build", "--builder=far", "-t", "web", "dir"]


@pytest.mark.parametrize("kind", ["podman", "podman-rootless"])
def test_podmans_pods_are_reached_there(kind, terminal, unique, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    there = running(*ENGINES[kind]).host
    pods = nbc.cluster(there).pods
    made = pods.create(unique, "busybox", command=FOREVER, restart="Never").result(60)
    assert unique in terminal.run(pods.list().command)
    for shown in (pods.describe(unique), pods.get(unique)):
        assert f'"Name": "{unique}"' in terminal.run(shown.command)
    assert unique in terminal.run(pods.events().command)
    ran = pods.exec(unique, "cat", stdin=b"typed").result(30)
    assert terminal.run(ran.command, stdin="typed") == "typed"
    terminal.run(pods.logs(unique, tail=1).result(30).command)
    gone = pods.delete(unique, force=True).result(60)
    terminal.run(made.command, stdin=made.yaml)
    assert unique in pods.list().names
    terminal.run(gone[0].command)
    assert unique not in pods.list().names


def test_configured_contexts_and_builders_are_listed_where_they_are(docker, configuration, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", "")
    (configuration / "config.json").write_text('{"currentContext": "nowhere"}')
    with pytest.raises(UsageError) as caught:
        nbc.images.list()
    shown = re.findall("`(.*?)`", caught.value.cure)
    assert len(shown) == 2
    assert str(configuration) in shown[0]
    for command in shown:
        Terminal(tmp_path / command[-3:]).run(command)
    assert json.loads((configuration / "config.json").read_text()).get("currentContext", "") == ""
    assert docker
