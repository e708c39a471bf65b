"""The package's public names, and that no module shadows one."""

import importlib
import importlib.util
import subprocess
import sys

import nbcontainer as nbc
from nbcontainer.api.cluster import Cluster
from nbcontainer.api.engine import Engine
from nbcontainer.api.nouns import EngineNoun, nouns_of
from nbcontainer.loading import PRELOADED
from nbcontainer.settings import NBContainer

EVERY_MODULE = """
import importlib, pkgutil, types
import nbcontainer as nbc

for found in pkgutil.walk_packages(nbc.__path__, "nbcontainer."):
    if ".frontend" not in found.name:
        importlib.import_module(found.name)
for name in nbc.__all__:
    value = getattr(nbc, name)
    print(name, value.__name__ if isinstance(value, types.ModuleType) else type(value).__name__)
"""


def test_public_names_stay_what_they_are_when_every_module_is_imported():
    command = [sys.executable, "-W", "error", "-c", EVERY_MODULE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = dict(line.split() for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    nouns = {name: noun.__name__ for handle in (Engine, Cluster) for name, noun in nouns_of(handle).items()}
    expected = {
        "__version__": "str",
        "cluster": "function",
        "doctor": "function",
        "engine": "function",
        "errors": "nbcontainer.errors",
        "logs": "nbcontainer.logs",
        "notebook_id": "function",
        "settings": "NBContainer",
        "tour": "function",
    }
    assert {**found, **expected, **nouns} == found
    assert set(found.values()) - {*expected.values(), *nouns.values()} == {"type"}


def test_a_part_of_the_package_loads_alone():
    code = "import sys; from nbcontainer import errors, views; print('nbcontainer.api' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_is_loaded_in_the_background_exists():
    for name in PRELOADED:
        assert importlib.util.find_spec(name), name


def test_public_names_are_listed():
    assert set(dir(nbc)) == set(nbc.__all__)
    assert isinstance(nbc.settings, NBContainer)
    assert not hasattr(nbc, "no_such_name")


def test_the_nouns_of_the_engine_in_use_are_attributes_of_the_package():
    assert {"networks", "volumes"} <= nouns_of(Engine).keys()
    for name, noun in nouns_of(Engine).items():
        assert isinstance(getattr(nbc, name), noun)
        assert issubclass(noun, EngineNoun)
        assert noun.__doc__
        assert getattr(nbc.engine("prod"), name)._engine.name == "prod"
    kinds = [noun.kind for noun in nouns_of(Engine).values() if noun.kind]
    assert len(kinds) == len(set(kinds))
