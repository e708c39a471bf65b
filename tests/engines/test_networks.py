"""Networks, as docker and podman have them, by their magics and as a Python API."""

import re
import zlib
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address, ip_network

import pytest

import nbcontainer as nbc
from nbcontainer.api.completion import known_names
from nbcontainer.api.networks import Network
from nbcontainer.codec import from_json, to_json
from nbcontainer.engines import containers, networks
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
        (("10.1.0.0",), (), ()): "`--subnet` takes a subnet, not '10.1.0.0'",
        (("x/\x1b[31m24",), (), ()): "`--subnet` takes a subnet, not 'x/24'",
        (("10.1.0.0/16",), (), ("10.1.0.1/16",)): "`--gateway` takes an address",
        (("10.1.0.0/16",), ("10.2.0.0/24",), ()): r"`--ip-range` 10\.2\.0\.0/24 is in no `--subnet`",
        ((), (), ("10.1.0.1",)): r"`--gateway` 10\.1\.0\.1 is in no `--subnet`",
        (("10.1.0.0/16",), (), ("10.1.0.1", "10.1.0.2")): r"The subnet 10\.1\.0\.0/16 already has a `--gateway`",
    }.items():
        with pytest.raises(UsageError) as caught:
            ipam(*words, {})
        assert re.match(said, caught.value.message)


def test_a_name_that_is_taken(engine, name):
    nbc.networks.create(name)
    with pytest.raises(Conflict) as caught:
        nbc.networks.create(name)
    assert caught.value.message == f"There is already a network {name} in {engine.name}."
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
    assert str(report) == f"{name} removed\nThere is no network {name}x in {engine.name}."
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
    with pytest.raises(UsageError, match="it shows the services of a swarm"):
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


def test_a_prune_shows_what_goes_and_takes_those_alone(engine, busybox, name, monkeypatch):
    nbc.networks.create(name, labels={"prune": name})
    nbc.networks.create(f"{name}-2", labels={"prune": name})
    mine = f"--filter label=prune={name}"
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    with pytest.raises(Stopped):
        magic(f"network prune {mine}")
    both = f"2 networks: {name}, {name}-2,"
    assert asked == [f"Remove {both} from {engine.name}? No container uses them. [y/N] "]
    plan = nbc.networks.plan_prune(filters=[f"label=prune={name}"])
    assert plan.changes == (name, f"{name}-2")
    used = RunRequest(busybox, ("sleep", "600"), name=name, detach=True, network=name)
    run(engine, used).result(60)
    try:
        assert nbc.networks.plan_prune(filters=[f"label=prune={name}"]).changes == (f"{name}-2",)
        assert name not in nbc.networks.plan_prune().changes
        report = magic(f"network prune -f {mine}")
        assert str(report) == f"{name}-2 removed"
        assert str(plan.do()).splitlines() == [  # one is used by now, and one went meanwhile
            f"The network {name} is used by {name}.",
            f"There is no network {name}-2 in {engine.name}.",
        ]
        assert str(magic(f"network prune {mine}")) == f"There are no unused networks in {engine.name}."
    finally:
        containers.remove(engine, name, force=True)
    assert str(magic(f"network prune --force {mine}")) == f"{name} removed"
    assert len(asked) == 1


def test_a_prune_says_what_would_not_start_again(engine, busybox, name):
    nbc.networks.create(name, labels={"prune": name})
    run(engine, RunRequest(busybox, ("true",), name=name, network=name)).result(60)
    try:
        plan = nbc.networks.plan_prune(filters=[f"label=prune={name}"])
        if engine.capabilities.pods:  # Podman spares it
            assert plan.changes == ()
            return
        assert plan.question == (
            f"Remove the network {name} from {engine.name}? "
            f"No container that runs uses it, but the container {name} could not start again."
        )
        assert str(plan.do()) == f"{name} removed"
        with pytest.raises(NotFound):
            engine.http().call("POST", f"/containers/{name}/start")
    finally:
        containers.remove(engine, name, force=True)


@pytest.mark.usefixtures("engine")
def test_the_filters_of_a_prune_are_docker_s(name):
    made = nbc.networks.create(name, labels={"prune": name, "tier": "db"}).created
    nbc.networks.create(f"{name}-2", labels={"prune": name})
    both = (name, f"{name}-2")

    def changes(*filters):
        return nbc.networks.plan_prune(filters=[f"label=prune={name}", *filters]).changes

    assert changes() == both
    assert changes("label=tier") == changes("label=tier=db") == both[:1]
    assert changes("label=tier=web") == changes("label=tie") == ()
    assert changes("label!=tier") == changes("label!=tier=db") == both[1:]
    assert changes("label!=tier=web") == both
    assert changes("until=0s") == changes("until=2999-12-31") == changes("until=2999-12-31T23:59+02:00") == both
    assert changes("until=24h") == changes("until=1h30m") == changes("until=2020-01-31T15:04:05.5Z") == ()
    assert changes("until=20200131") == ()  # seconds
    assert changes(f"until={made - 1:.6f}") == ()
    assert changes(f"until={made + 0.01:.6f}")[:1] == both[:1]
    for word in ("", "nan", "inf", "1d", "-1h", "2026-13-01", "yesterday", "1.2.3h", "9" * 400, "\u0664h"):
        with pytest.raises(UsageError, match="until takes a time or a duration"):
            changes(f"until={word}")
    with pytest.raises(UsageError, match="is given once"):
        changes("until=1h", "until=2h")
    with pytest.raises(UsageError, match="network prune has no filter 'driver'"):
        magic("network prune -f --filter driver=bridge")


def test_a_time_without_a_zone_is_in_the_engine_s(engine, name, monkeypatch):
    assert networks.clock(engine).utcoffset() is not None
    made = nbc.networks.create(name, labels={"prune": name}).created
    for hours in (-11, 0, 13):
        now = datetime.now(timezone(timedelta(hours=hours)))
        monkeypatch.setattr(networks, "clock", lambda _, now=now: now)
        for seconds, gone in {-60: (), 60: (name,)}.items():
            word = datetime.fromtimestamp(made + seconds, now.tzinfo).strftime("%Y-%m-%dT%H:%M:%S")
            plan = nbc.networks.plan_prune(filters=[f"label=prune={name}", f"until={word}"])
            assert plan.changes == gone, (hours, word)


def test_a_prune_spares_what_is_no_network_of_its_own(docker, name, tmp_path):
    create = docker.commands.command("network", "create", "--config-only", "--label", f"prune={name}", name)
    Terminal(tmp_path).run(create)
    assert nbc.networks.plan_prune(filters=[f"label=prune={name}"]).changes == ()
    assert not {"bridge", "host", "none"} & {*nbc.networks.plan_prune().changes}


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
    network = nbc.networks.create(name, labels={"prune": name})
    plan, pruned = nbc.networks.plan_remove(name), nbc.networks.plan_prune(filters=[f"label=prune={name}"])
    with monkeypatch.context() as patch:
        patch.setattr(nbc.settings, "protected_contexts", (engine.address,))
        for call in (plan.do, network.remove, lambda: nbc.networks.create(f"{name}-2"), pruned.do, nbc.networks.prune):
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
    mine = [f"label=prune={name}", "until=2999-12-31"]
    nbc.networks.create(name, labels={"prune": name})
    pruned = nbc.networks.prune(filters=mine).command
    nbc.networks.create(name, labels={"prune": name})
    terminal.run(pruned, "y\n")  # it asks
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


@pytest.mark.usefixtures("engine")
def test_a_predefined_network_is_not_suggested():
    with pytest.raises(NotFound) as caught:
        nbc.networks.get("noone")
    assert "none" not in caught.value.cure
