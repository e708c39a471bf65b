"""The notebook's id: the same for all its kernels, and different for every other notebook."""

import os
import stat
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from nbcontainer import identity
from nbcontainer.identity import IdentityWarning, notebook_id

PATH = "/home/jovyan/quickstart.ipynb"
REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def start(monkeypatch):
    """Starts a Python whose user has that home; it prints the notebook's id."""

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
    """Each one's output, once all have started."""
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate()[0].strip() for process in processes]


def test_two_homes_have_one_path_and_two_ids(start, tmp_path):
    first, again, other = (ids([start(tmp_path / home)])[0] for home in ("ann", "ann", "bob"))
    assert first == again != other
    assert len(first) == len(other) == 12


def test_kernels_that_start_at_once_have_one_id(start, tmp_path):
    assert len(set(ids([start(tmp_path) for _ in range(6)]))) == 1


def test_the_id_file_is_private_and_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    notebook_id(PATH)
    (file,) = (tmp_path / "nbcontainer").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("user-id", 0o600)
    assert notebook_id(PATH) != notebook_id("/home/jovyan/other.ipynb")
    kept = file.read_text()
    identity._kept_id.cache_clear()
    notebook_id(PATH)
    assert file.read_text() == kept


@pytest.mark.parametrize("has_links", [True, False])
def test_the_id_of_a_faster_process_is_used(monkeypatch, tmp_path, has_links):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    real = Path.hardlink_to

    def late(file, new):
        file.write_text("a" * 32)
        if not has_links:
            raise PermissionError(1, "Operation not permitted")
        real(file, new)

    monkeypatch.setattr(Path, "hardlink_to", late)
    assert identity._user_id() == "a" * 32
    assert [file.name for file in (tmp_path / "nbcontainer").iterdir()] == ["user-id"]


def test_a_filesystem_without_hard_links(monkeypatch, tmp_path):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    found = identity._kept_id(tmp_path / "nbcontainer" / "user-id")
    assert (tmp_path / "nbcontainer" / "user-id").read_text() == f"{found}\n"
    assert stat.S_IMODE((tmp_path / "nbcontainer" / "user-id").stat().st_mode) == 0o600


@pytest.mark.parametrize("fault", ["a file in its place", "no id in it", "a broken link"])
def test_an_id_that_cannot_be_saved_is_the_processs_own_with_one_warning(monkeypatch, tmp_path, fault):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if fault == "no id in it":
        (tmp_path / "nbcontainer").mkdir()
        (tmp_path / "nbcontainer" / "user-id").write_text("none")
    elif fault == "a broken link":
        (tmp_path / "nbcontainer").mkdir()
        (tmp_path / "nbcontainer" / "user-id").symlink_to(tmp_path / "nowhere" / "user-id")
    else:
        (tmp_path / "nbcontainer").write_text("")
    with pytest.warns(IdentityWarning, match=r"nbcontainer/user-id cannot be used") as said:
        first = notebook_id(PATH)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert notebook_id(PATH) == first


def test_a_user_without_a_home_has_an_id_of_the_process(monkeypatch):
    def refuse():
        raise RuntimeError("Could not determine home directory.")  # a number without an entry in /etc/passwd

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", refuse)
    identity._without.cache_clear()
    with pytest.warns(IdentityWarning, match="There is no home folder"):
        first = notebook_id(PATH)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert notebook_id(PATH) == first


def test_an_id_that_another_process_is_writing_is_waited_for(tmp_path):
    file = tmp_path / "user-id"
    file.touch()
    writer = threading.Timer(0.1, file.write_text, ("b" * 32,))
    writer.start()
    assert identity._kept_id(file) == "b" * 32
    writer.join()


GOES = """import os, shutil
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic("load_ext", "nbcontainer")
import nbcontainer as nbc
began = os.getcwd()
os.chdir("other")
print(nbc.notebook_id() == nbc.notebook_id(began))
shutil.rmtree(os.getcwd())
print(nbc.notebook_id() == nbc.notebook_id(began))"""


def test_changing_the_folder_keeps_the_notebooks_id(tmp_path):
    (tmp_path / "other").mkdir()
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), "XDG_DATA_HOME": str(tmp_path)}
    variables.pop("JPY_SESSION_NAME", None)
    said = subprocess.run([sys.executable, "-c", GOES], env=variables, cwd=tmp_path, capture_output=True, check=True)
    assert said.stdout.split() == [b"True", b"True"]


def test_two_notebooks_of_one_folder_in_vs_code_have_two_ids(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    found = []
    for name, session in (("a", "a-jvsc-1"), ("a", "a-jvsc-2"), ("b", "")):  # of a server's kernel, or its own
        monkeypatch.setenv("JPY_SESSION_NAME", session)
        shell = SimpleNamespace(user_ns={"__vsc_ipynb_file__": f"/home/ann/{name}.ipynb"})
        monkeypatch.setattr("IPython.get_ipython", lambda shell=shell: shell)
        found.append(notebook_id())
    assert found[0] == found[1] == notebook_id("/home/ann/a.ipynb") != found[2]
