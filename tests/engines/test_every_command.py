"""Every verb of %docker and every method of its nouns, on an engine that is not the one in use: what `.command` says.

Commands that only read are run in a terminal whose own engine is another; of the others only the syntax is
checked.
"""

from operator import attrgetter

import pytest

import nbcontainer as nbc
from nbcontainer.api.engine import Engine
from nbcontainer.engines import images, volumes
from nbcontainer.engines.connection import find_engine, forget_engines
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.model.results import Described
from nbcontainer.protection import is_marked
from tests.engines.conftest import running
from tests.engines.test_commands import make_context
from tests.printed_commands import further_methods, is_understood, path_of, results_of
from tests.terminal import Terminal

VERBS = verbs_of("docker").magic.verbs
# each verb's line, in an order in which all succeed; {x} is a word that no other test has
LINES = {
    "tag": "busybox {registry}/{x}:1",
    "push": "{registry}/{x}:1",
    "pull": "{registry}/{x}:1",
    "images": "{registry}/{x}",
    "build": "-t {registry}/{x}:2 {folder}",
    "run": "--name {x} -e 'A=two words' busybox echo here",
    "ps": "-a",
    "logs": "--tail 1 {x}",
    "stop": "-t 1 {x}",
    "rm": "-f -v -y {x}",
    "volume create": "--label of={x} {x}",
    "volume ls": "--filter label=of={x}",
    "volume inspect": "{x}",
    "volume rm": "-y {x}",
    "volume prune": "-y --all --filter label=of={x}",
    "network create": "--label 'of={x}' {x}",
    "network ls": "--filter label=of={x}",
    "network inspect": "{x}",
    "network rm": "-y {x}",
    "system df": "-v",
    "network prune": "-y --filter label=of={x}",
}
NOWHERE = {"login", "logout"}  # they act on docker's configuration, whatever the engine
PODMANS = {"volume prune": ["volume", "ls"]}  # its own prune would also remove named volumes; here nothing is left
# methods that no verb calls, by a call
METHODS = {"volumes.get": ("{x}",), "networks.get": ("{x}",), "images.get": ("busybox",), "containers.get": ("{x}",),
           "images.check": ("FROM busybox",)}  # fmt: skip


@pytest.fixture(params=["a docker context", "an address", "podman"])
def named(request, monkeypatch, configuration):
    """The name of an engine that is not the one in use."""
    address = running("podman", "Podman").host if request.param == "podman" else running("docker", "Docker").host
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    forget_engines()
    if request.param == "a docker context":
        make_context(configuration, "far away", address)
        return "far away"
    return address


@pytest.fixture
def words(named, unique, registry, tmp_path, busybox_of):
    """The values for a line's placeholders."""
    busybox_of(find_engine(named))
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text("FROM busybox")
    yield {"x": unique, "registry": registry, "folder": tmp_path / "context"}
    engine = find_engine(named)
    for tag in (1, 2):
        images.remove(engine, f"{registry}/{unique}:{tag}", force=True)
    if unique in nbc.engine(named).volumes.names():
        volumes.remove(engine, unique)


def is_run(terminal, command):
    """A command succeeds, though Podman's `system df` fails where another test removes a container meanwhile."""
    for _ in range(10):
        if not (ended := terminal.try_(command)).returncode or "no such container" not in ended.stderr:
            break
    assert not ended.returncode, f"{command}: {ended.stdout}{ended.stderr}"


def test_every_verb_s_command_is_understood_there(named, words, tmp_path):
    assert {verb.path for verb in VERBS} == {*LINES, *NOWHERE}, "say in LINES how the verb is called"
    terminal = Terminal(tmp_path).with_podman()
    verbs = {verb.path: verb for verb in VERBS}
    assert not further_methods(Engine, VERBS) - METHODS.keys()
    methods = {noun: [path for path in METHODS if path.startswith(noun)] for noun in ("volumes", "networks")}
    for path, line in LINES.items():
        verb = verbs[path]
        reads = not is_marked(attrgetter(verb.calls)(Engine())) if verb.calls else False
        for result in results_of(verb, f"{path} '--context={named}' {line.format(**words)}"):
            shows = isinstance(result, Described)  # an object's command is the one that displays it
            words_of_verb = PODMANS.get(path) if result.command.startswith("podman") else None
            is_understood(terminal, result.command, ["inspect"] if shows else words_of_verb or path_of(verb))
            if reads or shows:
                is_run(terminal, result.command)
        if path.endswith("create"):  # and as long as it is there, what finds it
            for method in methods[f"{path.split()[0]}s"]:
                if method in further_methods(Engine, VERBS):
                    found = attrgetter(method)(nbc.engine(named))(*(word.format(**words) for word in METHODS[method]))
                    assert words["x"] in terminal.run(found.command)
