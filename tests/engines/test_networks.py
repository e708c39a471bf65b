"""Networks, as docker and podman have them, by their magics and as a Python API."""

import zlib
from ipaddress import ip_address, ip_network

import pytest

import nbcontainer as nbc
from nbcontainer.api.completion import known_names
from nbcontainer.api.networks import Network
from nbcontainer.codec import from_json, to_json
from nbcontainer.engines import containers
from nbcontainer.engines.networks import ipam
from nbcontainer.engines.run import run
from nbcontainer.errors import Conflict, Forbidden, NotFound, Protected, Stopped, UsageError
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
    """A name for a network of the engine in use; it and the same name with a 2 are removed afterwards."""
    yield unique
    nbc.networks.remove(unique, f"{unique}-2", force=True)


@pytest.fixture
def subnet(unique):
    """The first two numbers of the test's own subnet."""
    number = zlib.crc32(unique.encode())
    return f"10.{200 + number % 50}.{number // 50 % 256}"


def test_a_network_from_creation_to_removal(engine, name):
    network = magic(f"network create {name} --label tier=db --label empty")
    assert (network.name, network.driver, network.labels["tier"], network.labels["empty"]) == (name, "bridge", "db", "")
    assert network.labels["nbcontainer.notebook"] == nbc.notebook_id()
    assert network.created > 0
    assert network.scope == "local"
    assert nbc.networks.get(network.short_id) == network == nbc.networks.list()[name]
    assert name in magic("network ls").names
    mine = f"--filter name={name}"
    assert magic(f"network ls -q {mine}") == (network.short_id,)
    assert magic(f"network ls -q --no-trunc {mine}") == (network.id,)
    assert nbc.networks.list(filters=["label=tier=db", f"name={name}"]).names == [name]
    picture = as_text(picture_of(network))
    assert picture.startswith(f"Network/{name}")
    assert all(word in picture for word in (network.id, network.subnets[0], "tier", engine.name))
    assert name in known_names("network", engine=engine.address)
    magic(f"network create {name}-2")
    report = magic(f"network rm -y {network.short_id} {name}-2")
    assert str(report) == f"{name} removed\n{name}-2 removed"
    assert name not in nbc.networks.list().names


@pytest.mark.usefixtures("engine")
def test_addresses_are_as_requested(name, subnet):
    network = magic(
        f"network create {name} --internal --subnet {subnet}.0/24 --gateway {subnet}.9 --ip-range {subnet}.128/25"
    )
    assert (network.subnets, network.gateways, network.internal) == ((f"{subnet}.0/24",), (f"{subnet}.9",), True)
    assert not network.enable_ipv6


def test_a_range_or_an_address_belongs_to_the_subnet_containing_it():
    assert ipam(["10.1.0.0/16", "fd00::/64"], ["10.1.2.0/24"], ["fd00::1", "10.1.0.1"], {"host": "10.1.0.5"}) == [
        {
            "Subnet": "10.1.0.0/16",
            "IPRange": "10.1.2.0/24",
            "Gateway": "10.1.0.1",
            "AuxiliaryAddresses": {"host": "10.1.0.5"},
        },
        {"Subnet": "fd00::/64", "Gateway": "fd00::1"},
    ]
    for words, said in {
        (("10.1.0.0",), (), ()): "--subnet takes a subnet, not '10.1.0.0'",
        (("x/\x1b[31m24",), (), ()): "--subnet takes a subnet, not 'x/24'",
        (("10.1.0.0/16",), (), ("10.1.0.1/16",)): "--gateway takes an address",
        (("10.1.0.0/16",), ("10.2.0.0/24",), ()): r"--ip-range 10\.2\.0\.0/24 lies in no --subnet",
        ((), (), ("10.1.0.1",)): r"--gateway 10\.1\.0\.1 lies in no --subnet",
        (("10.1.0.0/16",), (), ("10.1.0.1", "10.1.0.2")): r"The subnet 10\.1\.0\.0/16 has one --gateway already",
    }.items():
        with pytest.raises(UsageError, match=said):
            ipam(*words, {})


def test_a_name_that_is_taken(engine, name):
    nbc.networks.create(name)
    with pytest.raises(Conflict) as caught:
        nbc.networks.create(name)
    assert caught.value.message == f"There is a network {name} already in {engine.name}."
    assert nbc.networks.list(filters=[f"name={name}"]).names == [name]


def test_a_name_that_no_network_has(engine, name):
    network = nbc.networks.create(name)
    for call in (nbc.networks.get, nbc.networks.remove):
        with pytest.raises(NotFound) as caught:
            call(f"{name}x")
        assert caught.value.message == f"There is no network {name}x in {engine.name}."
        assert caught.value.cure == f"Did you mean {name}?"
        for hostile in ("", "../containers/json", f"{name}/../{name}", "%2e", "\x1b[31m", "?force=1"):
            with pytest.raises(NotFound) as caught:
                call(hostile)
            assert "\x1b" not in str(caught.value)
    with pytest.raises(NotFound):
        magic(f"network rm -y {name} {name}x")
    assert name in nbc.networks.list().names  # nothing was removed
    report = magic(f"network rm -y -f {name} {name}x")
    assert str(report) == f"{name} removed\nThere is no network {name}x."
    with pytest.raises(NotFound):
        network.remove()


def test_a_network_in_use_says_by_whom(engine, busybox, name):
    network = nbc.networks.create(name)
    used = RunRequest(busybox, ("sleep", "600"), name=name, detach=True, network=name)
    run(engine, used).result(60)
    try:
        assert nbc.networks.get(name).containers == (name,)
        assert "Containers" in as_text(picture_of(nbc.networks.get(name)))
        with pytest.raises(Conflict) as caught:
            network.remove()
        assert caught.value.message == f"The network {name} is used by {name}."
        assert caught.value.cure.startswith("Remove what uses it first: `%docker rm -f")
        with pytest.raises(Conflict):
            nbc.networks.remove(name, force=True)
    finally:
        containers.remove(engine, name, force=True)
    assert str(network.remove()) == f"{name} removed"


def test_networks_are_inspected_with_the_containers_in_them(engine, busybox, name):
    magic(f"network create {name} --label tier=db")
    magic(f"network create {name}-2")
    network = magic(f"network inspect {name}")
    assert network == nbc.networks.get(name)
    assert (network.name, network.containers, network.addresses) == (name, (), {})
    used = RunRequest(busybox, ("sleep", "600"), name=name, detach=True, network=name)
    run(engine, used).result(60)
    try:
        network = nbc.networks.inspect(network.short_id)
        address, slash, bits = network.addresses[name].partition("/")
        assert network.containers == (name,)
        assert ip_address(address) in ip_network(network.subnets[0])
        assert slash
        assert int(bits) == ip_network(network.subnets[0]).prefixlen
        assert network.addresses[name] in as_text(picture_of(network))
        several = magic(f"network inspect {name}-2 {network.id} {name}")
        assert [(one.name, *one.containers) for one in several] == [(f"{name}-2",), (name, name), (name, name)]
        picture = as_text(picture_of(several))
        assert picture.startswith(f"Network/{name}-2")
        assert from_json(to_json(several[1])) == network
    finally:
        containers.remove(engine, name, force=True)
    with pytest.raises(NotFound) as caught:
        magic(f"network inspect {name} {name}x")
    assert caught.value.message == f"There is no network {name}x in {engine.name}."
    default = "podman" if engine.capabilities.pods else "bridge"
    assert [magic(f"network inspect {own}").name for own in ("bridge", default)] == [default, default]
    with pytest.raises(UsageError, match="it is about the services of a swarm"):
        magic(f"network inspect -v {name}")


def test_a_container_that_does_not_run_has_no_address(engine, busybox, name):
    network = nbc.networks.create(name)
    run(engine, RunRequest(busybox, ("true",), name=name, network=name)).result(60)
    try:
        network = nbc.networks.get(name)
        assert network.containers == ((name,) if engine.capabilities.pods else ())  # Docker would let it go
        assert network.addresses == {}
        assert ("no address" in as_text(picture_of(network))) is engine.capabilities.pods
    finally:
        containers.remove(engine, name, force=True)


def test_what_is_predefined_stays(engine, name):
    nbc.networks.create(name)
    default = "podman" if engine.capabilities.pods else "bridge"
    assert nbc.networks.get("bridge").name == default
    assert nbc.networks.get(default).is_predefined
    assert default in nbc.networks.list().names
    for own in {"bridge", "host", "none", default}:
        with pytest.raises(Forbidden, match=r"is predefined, and cannot be removed from"):
            magic(f"network rm -y -f {name} {own}")
    assert {name, default} <= set(nbc.networks.list().names)


def test_a_removal_shows_what_goes_and_asks(engine, name, monkeypatch):
    nbc.networks.create(name)
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    with pytest.raises(Stopped):
        magic(f"network rm {name}")
    assert asked == [f"Remove the network {name} from {engine.name}? [y/N] "]
    plan = nbc.networks.plan_remove(name, nbc.networks.get(name).id)
    assert plan.changes == (name,)
    assert str(plan.do()) == f"{name} removed"
    with pytest.raises(NotFound, match=f"There is no network {name} in"):  # it was removed in the meantime
        plan.do()


@pytest.mark.usefixtures("docker_engine")
def test_a_name_of_strange_characters_is_shown_plainly(docker, unique):
    networks = nbc.engine(docker.address).networks
    network = networks.create(f"../{unique} \x1b[31m\u202e")
    try:
        assert networks.get(network.name) == network
        with pytest.raises(Conflict) as caught:
            networks.create(network.name)
        plan = networks.plan_remove(network.name)
        texts = (plan.question, caught.value.message, *(as_text(picture_of(one)) for one in (network, networks.list())))
        assert all(unique in text and "\x1b" not in text and "\u202e" not in text for text in texts)
    finally:
        network.remove()
    assert network.name not in networks.list().names


def test_a_plan_is_refused_once_its_engine_is_protected(engine, name, monkeypatch):
    network = nbc.networks.create(name)
    plan = nbc.networks.plan_remove(name)
    with monkeypatch.context() as patch:
        patch.setattr(nbc.settings, "protected_contexts", (engine.address,))
        for call in (plan.do, network.remove, lambda: nbc.networks.create(f"{name}-2")):
            with pytest.raises(Protected):
                call()
    assert name in nbc.networks.list().names


def test_bad_words(engine):
    del engine
    for line in (
        "network ls --filter x",
        "network rm",
        "network",
        "network create",
        "network create a b",
        "network inspect",
    ):
        with pytest.raises(UsageError):
            magic(line)
    with pytest.raises(UsageError, match="A network needs a name"):
        nbc.networks.create("")


def test_the_commands_reach_the_same_networks(engine, name, tmp_path):
    terminal = Terminal(tmp_path).with_podman()
    network = nbc.networks.create(name)
    assert network.id in terminal.run(network.command)
    assert network.id in terminal.run(nbc.networks.list(filters=[f"name={name}"], no_trunc=True).command)
    gone = nbc.networks.remove(name, force=True)
    assert ("--force" in gone.command) is not engine.commands.is_podman  # whose own removes containers
    nbc.networks.create(name)
    terminal.run(gone.command)
    assert name not in nbc.networks.list().names


def test_handles_reach_other_engines(docker, name):
    nbc.networks.create(name)
    assert name in nbc.engine(docker.address).networks.list().names
    assert nbc.engine(docker.address).networks.get(name).remove().remarks


def test_a_network_is_removed_where_it_was_found(docker, docker20_engine, name, monkeypatch):
    del docker
    network = nbc.networks.create(name)
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker20_engine.host)
        network.remove()
    assert name not in nbc.networks.list().names
    with pytest.raises(UsageError, match="a record of the network"):
        Network(name).remove()
