"""`%nbcontainer tour`: the lessons in a folder of the user's choice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nbcontainer as nbc
from nbcontainer import errors, lessons
from nbcontainer.magics import catalogue
from nbcontainer.magics.calls import run_magic
from nbcontainer.views.results import bundle_of

NAMES = {path.name for path in (Path(__file__).parents[1] / "notebooks").glob("*.ipynb")}


def magic(line):
    return run_magic(catalogue.verbs_of("nbcontainer"), line, None, {})


@pytest.fixture
def newer(tmp_path, monkeypatch):
    """Makes the package's notebooks be other ones, as those of a newer version are."""

    def publish(**texts):
        folder = tmp_path / "package"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.ipynb").write_text(text)
        monkeypatch.setattr(lessons, "notebooks", lambda: sorted(folder.glob("*.ipynb")))

    return publish


def test_the_lessons_are_copied(tmp_path):
    magic(f"tour --to {tmp_path}/a/lessons")
    assert {path.name for path in (tmp_path / "a" / "lessons").glob("*.ipynb")} == NAMES
    assert json.loads((tmp_path / "a" / "lessons" / "index.ipynb").read_text("utf-8"))["cells"]


def test_what_the_user_has_changed_stays(tmp_path, newer):
    newer(index="1", one="1", two="1")
    nbc.tour(str(tmp_path))
    (tmp_path / "one.ipynb").write_text("mine")
    (tmp_path / "other.ipynb").write_text("mine, too")
    newer(index="2", one="2", two="2", three="2")
    report = nbc.tour(str(tmp_path))
    texts = {path.stem: path.read_text() for path in tmp_path.glob("*.ipynb")}
    assert texts == {"index": "2", "one": "mine", "two": "2", "three": "2", "other": "mine, too"}
    assert "changed one.ipynb" in str(report)
    assert str(report).count("You have changed") == 1
    (tmp_path / "one.ipynb").rename(tmp_path / "my-one.ipynb")
    assert "You have changed" not in str(nbc.tour(str(tmp_path)))
    assert (tmp_path / "one.ipynb").read_text() == "2"


@pytest.mark.parametrize("record", [None, "{", "[]", '{"one.ipynb": 7}'])
def test_without_a_record_what_differs_counts_as_changed(tmp_path, newer, record):
    newer(index="1", one="1")
    (tmp_path / "one.ipynb").write_text("mine")
    if record is not None:
        (tmp_path / lessons.RECORD).write_text(record)
    nbc.tour(str(tmp_path))
    assert (tmp_path / "one.ipynb").read_text() == "mine"
    assert (tmp_path / "index.ipynb").read_text() == "1"


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    for to in (tmp_path / "file", tmp_path / "file" / "lessons"):
        with pytest.raises(errors.UsageError, match="cannot be copied to"):
            magic(f"tour --to {to}")


@pytest.mark.parametrize("to", ["~nobody-has-this-name/lessons", "''"])
def test_a_folder_that_is_none_is_said(to, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.UsageError, match=r"home folder|has no name") as raised:
        magic(f"tour --to {to}")
    assert raised.value.cure
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_the_name_of_a_notebook_is_named(tmp_path):
    (tmp_path / "dockerfile.ipynb").mkdir()
    with pytest.raises(errors.UsageError, match=r"dockerfile\.ipynb is a folder"):
        magic(f"tour --to {tmp_path}")


def test_the_index_is_a_link_only_below_the_notebooks_folder(tmp_path):
    code = """
import os, sys
import nbcontainer as nbc, nbcontainer.identity
from nbcontainer.views.results import bundle_of
os.chdir("/")
for folder in sys.argv[1:]:
    print(bundle_of(nbc.tour(folder))["text/html"])
"""
    folders = [f"{tmp_path}/my lessons", f"{tmp_path}-outside"]
    command = [sys.executable, "-c", code, *folders]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    below, outside = done.stdout.splitlines()
    assert '<a href="my%20lessons/index.ipynb">' in below
    assert f"jupyter lab &quot;{tmp_path}/my lessons/index.ipynb&quot;" in below
    assert "<a " not in outside
    assert "-outside/index.ipynb" in outside


def test_the_path_is_in_the_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = bundle_of(magic("tour"))["text/plain"]
    assert f"Begin with {tmp_path}/nbcontainer-tour/index.ipynb" in text.replace("\n", "")
    assert os.listdir(tmp_path) == ["nbcontainer-tour"]  # noqa: PTH208 - hidden files count
