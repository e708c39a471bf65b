"""Volumes, as docker and podman have them, by their magics and as a Python API."""

import shlex

import pytest

import nbcontainer as nbc
from nbcontainer.engines import containers
from nbcontainer.engines.connection import forget_engines
from nbcontainer.engines.run import run
from nbcontainer.errors import Conflict, NotFound, Protected, Stopped, UsageError
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from nbcontainer.model.containers import RunRequest
from nbcontainer.views.results import picture_of
from nbcontainer.views.text import as_text
from tests.terminal import Terminal


def magic(line):
    return run_magic(catalogue.verbs_of("docker"), line, None, {})


@pytest.fixture
def name(unique):
    """A name for a volume of the engine in use; it and the same name with a 2 are removed afterwards."""
    yield unique
    nbc.volumes.remove(unique, f"{unique}-2", force=True)


def test_a_volume_from_creation_to_removal(engine, name):
    volume = magic(f"volume create {name} --label tier=db --label empty")
    assert (volume.name, volume.driver, volume.labels["tier"], volume.labels["empty"]) == (name, "local", "db", "")
    assert volume.labels["nbcontainer.notebook"] == nbc.notebook_id()
    assert volume.created > 0
    assert magic(f"volume create {name}").created == volume.created  # as with docker: it is the existing one
    assert name in magic("volume ls").names
    assert magic(f"volume ls -q --filter name={name}") == (name,)
    assert nbc.volumes.list(filters=["label=tier=db", f"name={name}"]).names == [name]
    picture = as_text(picture_of(magic(f"volume inspect {name}")))
    assert picture.startswith(f"Volume/{name}")
    assert all(word in picture for word in ("Mountpoint", volume.mountpoint, "tier", engine.name))
    magic(f"volume create {name}-2")
    table = nbc.volumes.list()
    assert table[name] == nbc.volumes.get(name)
    with pytest.raises(NotFound, match=rf"no '{name}-3' in the table of volumes\.\nDid you mean .*{name}"):
        table[f"{name}-3"]
    several = as_text(picture_of(magic(f"volume inspect {name} {name}-2")))
    assert several.count("Mountpoint") == 2
    report = magic(f"volume rm -y {name} {name}-2")
    assert str(report) == f"{name} removed\n{name}-2 removed"
    assert name not in nbc.volumes.list().names


def test_a_name_that_no_volume_has(engine, name):
    nbc.volumes.create(name)
    for call in (nbc.volumes.get, nbc.volumes.remove):
        with pytest.raises(NotFound) as caught:
            call(f"{name}x")
        assert caught.value.message == f"There is no volume {name}x in {engine.name}."
        assert caught.value.cure == f"Did you mean {name}?"
    with pytest.raises(NotFound):
        nbc.volumes.get(f"../volumes/{name}")
    with pytest.raises(NotFound):
        magic(f"volume rm -y {name} {name}x")
    assert name in nbc.volumes.list().names  # nothing was removed
    report = magic(f"volume rm -y -f {name} {name}x")
    assert str(report) == f"{name} removed\nThere is no volume {name}x in {engine.name}."


def test_a_volume_in_use_says_by_whom(engine, busybox, name):
    used = RunRequest(busybox, ("sleep", "600"), name=name, detach=True, volumes=(f"{name}:/data",))
    run(engine, used).result(60)
    try:
        row = next(row for row in nbc.volumes.list() if row.name == name)
        assert "in use" in row.cells
        with pytest.raises(Conflict) as caught:
            nbc.volumes.get(name).remove()
        assert caught.value.message == f"The volume {name} is used by {name}."
        assert caught.value.cure.startswith("Remove what uses it first: `%docker rm -f")
        assert name not in nbc.volumes.plan_prune(all=True).changes
    finally:
        containers.remove(engine, name, force=True, volumes=True)


@pytest.mark.usefixtures("engine")
def test_several_filters_must_all_match(name):
    nbc.volumes.create(name, labels={"a": name, "b": name})
    nbc.volumes.create(f"{name}-2", labels={"a": name})
    both = [f"label=a={name}", f"label=b={name}"]
    assert nbc.volumes.list(filters=both).names == [name]
    assert nbc.volumes.list(filters=["dangling=true", both[1]]).names == [name]
    assert nbc.volumes.list(filters=[f"name={name}-2", both[0]]).names == [f"{name}-2"]
    assert nbc.volumes.plan_prune(all=True, filters=[both[1]]).changes == (name,)


def test_a_prune_shows_what_it_removes_and_removes_only_that(engine, name, monkeypatch):
    nbc.volumes.create(name, labels={"prune": name})
    anonymous = nbc.volumes.create(labels={"prune": name}).name
    mine = f"--filter label=prune={name}"
    assert nbc.volumes.plan_prune(filters=[f"label=prune={name}"]).changes == (anonymous,)
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    with pytest.raises(Stopped):
        magic(f"volume prune {mine}")
    assert asked == [f"Remove the volume {anonymous} from {engine.name}? No container uses it. [y/N] "]
    plan = nbc.volumes.plan_prune(filters=[f"label=prune={name}"])
    assert str(magic(f"volume prune -f {mine}")) == f"{anonymous} removed"
    assert str(plan.do()) == f"There is no volume {anonymous} in {engine.name}."  # it was removed in the meantime
    nothing = magic(f"volume prune {mine}")
    assert str(nothing) == f"There are no unused anonymous volumes that match label=prune={name} in {engine.name}."
    assert nothing.remarks[0].cure == "`--all` includes named volumes."
    assert str(magic(f"volume prune -af {mine}")) == f"{name} removed"
    nothing = magic(f"volume prune -a {mine}")
    assert str(nothing) == f"There are no unused volumes that match label=prune={name} in {engine.name}."
    assert nothing.remarks[0].cure == ""


@pytest.mark.usefixtures("engine")
def test_a_prune_keeps_what_has_a_label(name):
    _keeps_what_has_a_label(name)


def test_a_prune_of_an_old_docker_keeps_names_too(docker20_engine, unique, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", docker20_engine.host)
    forget_engines()
    try:
        _keeps_what_has_a_label(unique)
        anonymous = nbc.volumes.create(labels={"prune": unique}).name
        plan = nbc.volumes.plan_prune(filters=[f"label=prune={unique}"])
        command = plan.do().command
        assert shlex.split(command)[-3:] == ["volume", "rm", anonymous]  # its own prune would remove the named one
        nothing = nbc.volumes.prune(filters=["label=of=nobody", "label!=keep"]).command
        assert Terminal(tmp_path).run(nothing).split() == ["DRIVER", "VOLUME", "NAME"]
    finally:
        nbc.volumes.remove(unique, f"{unique}-2", force=True)


def _keeps_what_has_a_label(name):
    mine = f"label=prune={name}"
    nbc.volumes.create(name, labels={"prune": name})
    nbc.volumes.create(f"{name}-2", labels={"prune": name, "keep": "yes"})
    assert nbc.volumes.plan_prune(all=True, filters=[mine, "label!=keep"]).changes == (name,)
    assert nbc.volumes.plan_prune(all=True, filters=[mine, "label!=keep=yes"]).changes == (name,)
    assert nbc.volumes.plan_prune(all=True, filters=[mine, "label!=keep=no"]).changes == (name, f"{name}-2")
    with pytest.raises(UsageError, match="volume prune has no filter 'name'"):  # as with docker
        nbc.volumes.plan_prune(filters=[f"name={name}"])


def test_a_plan_is_refused_once_its_engine_is_protected(engine, name, monkeypatch):
    nbc.volumes.create(name)
    plan = nbc.volumes.plan_remove(name)
    with monkeypatch.context() as patch:
        patch.setattr(nbc.settings, "protected_contexts", (engine.address,))
        for call in (plan.do, nbc.volumes.create, lambda: nbc.volumes.remove(name), nbc.volumes.prune):
            with pytest.raises(Protected):
                call()
    assert name in nbc.volumes.list().names


def test_bad_words(engine):
    del engine
    for line in ("volume ls --filter x", "volume rm", "volume", "volume create a b", "volume ls --fliter=a=b"):
        with pytest.raises(UsageError):
            magic(line)


def test_the_commands_reach_the_same_volumes(engine, name, tmp_path):
    terminal = Terminal(tmp_path).with_podman()
    volume = nbc.volumes.create(name)
    assert volume.mountpoint in terminal.run(volume.command)
    assert name in terminal.run(nbc.volumes.list(filters=[f"name={name}"]).command)
    gone = nbc.volumes.remove(name)
    if engine.capabilities.buildkit or not engine.address.startswith("unix:///var"):  # another user's Podman
        assert terminal.try_(gone.command).returncode


def test_podmans_commands_remove_no_more_than_was_asked(podman_engine, unique):
    volumes = nbc.engine(podman_engine.host).volumes
    volumes.create(unique)
    client = ["podman", "--url", podman_engine.host]
    given = volumes.remove(f"{unique}x", force=True), volumes.prune(filters=[f"label={unique}"])
    assert not {"--force", "prune"} & {word for report in given for word in shlex.split(report.command)}
    gone = volumes.remove(unique, f"{unique}x", force=True)
    assert shlex.split(gone.command) == [*client, "volume", "rm", unique]
    volumes.create(unique, labels={unique: ""})
    pruned = volumes.prune(all=True, filters=[f"label={unique}"])
    assert shlex.split(pruned.command) == [*client, "volume", "rm", unique]


def test_handles_reach_other_engines(docker, name):
    nbc.volumes.create(name)
    assert name in nbc.engine(docker.address).volumes.list().names
    assert nbc.engine(docker.address).volumes.get(name).remove().remarks
    assert repr(nbc.engine("prod")) == "nbc.engine('prod')"
    assert repr(nbc.engine("prod").volumes) == "nbc.engine('prod').volumes"


def test_a_volume_is_removed_where_it_was_found(docker, docker20_engine, name, monkeypatch):
    del docker
    old = nbc.engine(docker20_engine.host)
    volume = nbc.volumes.create(name)
    old.volumes.create(name)
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker20_engine.host)
        volume.remove()
        assert name in nbc.volumes.list().names
    assert name not in nbc.volumes.list().names
    old.volumes.remove(name)
