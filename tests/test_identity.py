"""Which notebook it is: the same for every kernel of it, another for everybody else's."""

import os
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from nbcontainer import identity
from nbcontainer.identity import IdentityWarning, notebook_id

PATH = "/home/jovyan/quickstart.ipynb"
REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def start(monkeypatch):
    """Starts a Python whose user has that home; it says the id of the notebook."""

    def begin(home):
        monkeypatch.delenv("XDG_DATA_HOME", raising=False)
        return subprocess.Popen(
            [sys.executable, "-c", "import nbcontainer as nbc; input(); print(nbc.notebook_id())"],
            env={**os.environ, "HOME": str(home), "JPY_SESSION_NAME": PATH, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return begin


def ids(processes):
    """What each says, once all are there."""
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate()[0].strip() for process in processes]


def test_two_homes_have_one_path_and_two_ids(start, tmp_path):
    first, again, other = (ids([start(tmp_path / home)])[0] for home in ("ann", "ann", "bob"))
    assert first == again != other
    assert len(first) == len(other) == 12


def test_kernels_that_begin_at_once_have_one_id(start, tmp_path):
    assert len(set(ids([start(tmp_path) for _ in range(6)]))) == 1


def test_the_id_is_kept_for_this_user_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    notebook_id(PATH)
    (file,) = (tmp_path / "nbcontainer").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("user-id", 0o600)
    assert notebook_id(PATH) != notebook_id("/home/jovyan/other.ipynb")
    kept = file.read_text()
    identity._user_id.cache_clear()
    notebook_id(PATH)
    assert file.read_text() == kept


def test_where_another_was_quicker_its_id_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    real = identity._put

    def late(new, file):
        file.write_text("a" * 32)
        real(new, file)

    monkeypatch.setattr(identity, "_put", late)
    assert identity._user_id(identity.data_folder()) == "a" * 32
    assert [file.name for file in (tmp_path / "nbcontainer").iterdir()] == ["user-id"]


def test_a_filesystem_without_hard_links(monkeypatch, tmp_path):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    found = identity._user_id(tmp_path / "nbcontainer")
    assert (tmp_path / "nbcontainer" / "user-id").read_text() == f"{found}\n"
    assert stat.S_IMODE((tmp_path / "nbcontainer" / "user-id").stat().st_mode) == 0o600


@pytest.mark.parametrize("fault", ["a file in its place", "no id in it"])
def test_where_it_cannot_be_kept_the_process_has_one_and_says_so_once(monkeypatch, tmp_path, fault):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if fault == "no id in it":
        (tmp_path / "nbcontainer").mkdir()
        (tmp_path / "nbcontainer" / "user-id").write_text("")
    else:
        (tmp_path / "nbcontainer").write_text("")
    with pytest.warns(IdentityWarning, match=r"nbcontainer/user-id cannot be used") as said:
        first = notebook_id(PATH)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert notebook_id(PATH) == first
