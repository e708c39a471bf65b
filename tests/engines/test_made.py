"""What a notebook made in an engine: listed by `%nbcontainer made`, removed by `clean`."""

import contextlib
import os
import subprocess
import sys

import pytest

import nbcontainer as nbc
from nbcontainer import ledger
from nbcontainer.engines import images
from nbcontainer.errors import Conflict, NotFound, Protected
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic

pytestmark = pytest.mark.usefixtures("engine")


def magic(line):
    return run_magic(catalogue.verbs_of("nbcontainer"), line, None, {})


def words(table):
    return sorted(f"{row.kind}/{row.name}" for row in table)


@pytest.fixture
def notebook(monkeypatch, unique):
    """Another notebook than any other test's."""
    monkeypatch.setenv("JPY_SESSION_NAME", f"/notebooks/{unique}.ipynb")
    yield unique
    nbc.clean()


def test_everything_that_a_notebook_made_is_listed_and_removed(busybox, notebook):
    assert (words(nbc.made()), str(nbc.clean())) == ([], "Nothing that this notebook made is left.")
    name = notebook
    nbc.volumes.create(name)
    nbc.networks.create(name)
    nbc.containers.run(busybox, "sleep 600", name=name, detach=True, volumes=[f"{name}:/data"]).result()
    nbc.images.build(f"FROM {busybox}\nRUN echo {name} > /made", tags=[f"{name}:1", f"{name}:2"], context=None).result()
    every = [f"container/{name}", f"image/{name}:1", f"image/{name}:2", f"network/{name}", f"volume/{name}"]
    assert words(magic("made")) == every
    plan = nbc.plan_clean()
    assert sorted(plan.changes) == every
    assert plan.question.startswith("Remove 5 things that this notebook made: ")
    assert sorted(str(magic("clean -y")).splitlines()) == [f"{word} removed" for word in every]
    assert words(nbc.made()) == []
    assert ledger.built_images() == []
    with pytest.raises(NotFound):
        nbc.images.get(f"{name}:1")


def test_what_others_made_stays(notebook, monkeypatch):
    nbc.volumes.create(f"{notebook}-mine")
    monkeypatch.setenv("JPY_SESSION_NAME", f"/notebooks/{notebook}-other.ipynb")
    nbc.volumes.create(f"{notebook}-other")
    assert words(nbc.made()) == [f"volume/{notebook}-other"]
    nbc.clean()
    monkeypatch.setenv("JPY_SESSION_NAME", f"/notebooks/{notebook}.ipynb")
    assert words(nbc.made()) == [f"volume/{notebook}-mine"]


def test_a_name_that_was_given_to_another_image_since_stays(engine, busybox, notebook):
    nbc.images.build(f"FROM {busybox}\nRUN echo {notebook} > /made", tags=[f"{notebook}:1"], context=None).result()
    nbc.images.tag(busybox, f"{notebook}:1")
    try:
        assert f"image/{notebook}:1" not in words(nbc.made())
        nbc.clean()
        assert nbc.images.get(f"{notebook}:1").id == nbc.images.get(busybox).id
    finally:
        nbc.images.tag(busybox, f"{notebook}:2")
        for tag in (1, 2):
            images.remove(engine, f"{notebook}:{tag}")


def test_what_cannot_be_removed_is_said_and_the_rest_is_removed(busybox, notebook, monkeypatch):
    nbc.volumes.create(f"{notebook}-used")
    nbc.volumes.create(f"{notebook}-free")
    mine = f"/notebooks/{notebook}.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", f"{mine}-other")
    nbc.containers.run(busybox, "sleep 600", name=notebook, detach=True, volumes=[f"{notebook}-used:/data"]).result()
    monkeypatch.setenv("JPY_SESSION_NAME", mine)
    with pytest.raises(Conflict, match=rf"{notebook}-used .* Removed: volume/{notebook}-free\."):
        nbc.clean()
    assert words(nbc.made()) == [f"volume/{notebook}-used"]
    with contextlib.suppress(NotFound):
        nbc.containers.remove(notebook, force=True)


def test_a_protected_engine_is_not_cleaned(engine, notebook):
    nbc.volumes.create(notebook)
    nbc.settings.protected_contexts = [engine.address]
    try:
        with pytest.raises(Protected):
            nbc.clean()
        assert words(nbc.made()) == [f"volume/{notebook}"]
    finally:
        nbc.settings.protected_contexts = []


def test_a_broken_ledger_loses_only_its_broken_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    good = ledger.BuiltImage("unix:///x", "sha256:1", ("a:1",))
    ledger.note_image(good)
    file = next((tmp_path / "nbcontainer" / "built").iterdir())
    file.write_text(f'{{"engine"\n[]\n"x"\n{file.read_text()}\n{{"engine": 1, "id": 2, "tags": 3}}\n')
    assert ledger.built_images() == [good]
    ledger.forget_images([good])
    assert ledger.built_images() == []


def ended(lines, notebook):
    """What a terminal's IPython says at its end, after it has run these lines."""
    text = "\n".join(["%load_ext nbcontainer", *lines, "exit", ""])
    environment = {**os.environ, "JPY_SESSION_NAME": f"/notebooks/{notebook}.ipynb"}
    command = [sys.executable, "-m", "IPython", "--no-banner", "--quick"]
    return subprocess.run(
        command, input=text, env=environment, capture_output=True, text=True, timeout=120, check=True
    ).stderr


def test_what_a_kernel_leaves_is_said_at_its_end(notebook):
    assert "leaves" not in ended(["%docker ps"], notebook)
    said = ended([f"%docker volume create {notebook}"], notebook)
    assert "This notebook leaves 1 volume: see `%nbcontainer made`; `%nbcontainer clean` removes it." in said
    assert "leaves" not in ended(["%docker ps"], notebook)  # it changed nothing itself
    assert "leaves" not in ended(["%nbcontainer clean -y"], notebook)
