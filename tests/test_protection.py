"""What is protected, and what counts as naming it."""

import json
import os
import shutil
from hashlib import sha256

import pytest

from nbcontainer.addresses import same_engine, same_server
from nbcontainer.engines.addresses import address_of as engine_at
from nbcontainer.engines.config import Context, find_context
from nbcontainer.engines.private_podman import private_podman
from nbcontainer.errors import ClusterUnavailable, Protected
from nbcontainer.protection import (
    Place,
    TableContext,
    changes,
    changes_unless,
    guard,
    protected_as,
    reads,
    refuse_moved,
)
from nbcontainer.settings import settings

SOCKET = "unix:///run/prod/docker.sock"
SERVER = "https://api.prod.example:6443"


def docker_contexts(folder, **addresses):
    """A docker configuration with these contexts."""
    for name, address in addresses.items():
        file = folder / "contexts" / "meta" / sha256(name.encode()).hexdigest() / "meta.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": address}}}))
    return folder


def kubeconfig(file, **servers):
    """A kubeconfig with these contexts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    clusters = [{"name": name, "cluster": {"server": server}} for name, server in servers.items()]
    contexts = [{"name": name, "context": {"cluster": name}} for name in servers]
    file.write_text(json.dumps({"clusters": clusters, "contexts": contexts, "current-context": next(iter(servers))}))
    return file


@pytest.fixture(autouse=True)
def contexts(tmp_path, monkeypatch):
    docker = docker_contexts(tmp_path / "docker", prodpod=SOCKET, innocent=SOCKET, far="ssh://root@far.example")
    monkeypatch.setenv("DOCKER_CONFIG", str(docker))
    clusters = kubeconfig(tmp_path / "kubeconfig", dev="https://dev.example", prod=SERVER, alias=f"{SERVER}/")
    monkeypatch.setenv("KUBECONFIG", str(clusters))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(settings, "protected_contexts", ("prod*",))


@pytest.mark.parametrize(
    ("kind", "address", "server"),
    [
        ("cluster", "https://ann:hidden@prod.example:6443/k8s/c?a=b@c", "https://ann@prod.example:6443/k8s/c?a=b@c"),
        ("cluster", "https://[::1]:6443/a:b@c", "https://[::1]:6443/a:b@c"),
        ("engine", "ssh://ann@far.example:22", "ssh://ann@far.example:22"),
        ("engine", "tcp://ann:hid@den@far.example:2375", "tcp://ann@far.example:2375"),
        ("engine", "/run/x:1@2/docker.sock", "/run/x:1@2/docker.sock"),
    ],
)
def test_what_is_written_of_a_place_has_no_password(kind, address, server):
    place = Place(kind, "", address)
    assert place.server == server
    assert place.is_at(server)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("unix:///run/x/docker.sock", "/run/x/docker.sock", True),
        ("unix:///run/x/docker.sock", "unix:///run/x/../x//docker.sock", True),
        ("unix:///run/x/docker.sock", "unix:///run/y/docker.sock", False),
        ("tcp://Prod.example:2375", "tcp://prod.example:2375/", True),
        ("tcp://prod.example.:2376", "https://prod.example:2376/v1.41", True),
        ("tcp://prod.example", "tcp://prod.example:2376", True),
        ("tcp://prod.example:2375", "tcp://prod.example:2376", False),
        ("tcp://localhost:2375", "tcp://127.0.0.1:2375", True),
        ("tcp://10.0.9:2375", "tcp://[::ffff:10.0.0.9]:2375", True),
        ("tcp://10.0.0.9:2375", "tcp://10.0.0.90:2375", False),
        ("tcp://[::1]:2375", "tcp://[0:0:0:0:0:0:0:1]:2375", True),
        ("tcp://prod.example:2375", "tcp://dev.example:2375", False),
        ("ssh://root@Far.example", "ssh://root@far.example:22/", True),
        ("ssh://far.example", "ssh://root@far.example", True),
        ("ssh://alice@far.example", "ssh://root@far.example", False),
        ("ssh://root@far.example/run/podman.sock", "ssh://root@far.example", False),
        ("ssh://root@far.example/var/run/docker.sock", "ssh://root@far.example", True),
        ("tcp://\uff11\uff12\uff17.0.0.1:2375", "tcp://127.0.0.1:2375", True),
        ("tcp://\uff50rod.example:2375", "tcp://prod.example:2375", True),
        ("prod", "prod", False),
        ("tcp://[", "tcp://[", False),
    ],
)
def test_addresses_of_engines(one, other, same):
    assert same_engine(one, other) is same_engine(other, one) is same


def test_a_socket_by_a_link_and_by_a_second_name(tmp_path):
    socket = tmp_path / "docker.sock"
    socket.touch()
    (tmp_path / "link.sock").symlink_to(socket)
    os.link(socket, tmp_path / "second.sock")
    for name in ("link.sock", "second.sock"):
        assert same_engine(f"unix://{socket}", f"unix://{tmp_path / name}")


@pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")
def test_a_host_of_sshs_configuration(tmp_path, monkeypatch):
    (tmp_path / "config").write_text("Host p\n HostName far.example\n Port 2222\nHost far\n HostName FAR.example\n")
    (tmp_path / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {tmp_path}/config "$@"\n')
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert same_engine("ssh://p", "ssh://root@far.example:2222")
    assert same_engine("ssh://far", "ssh://far.example")
    assert not same_engine("ssh://p", "ssh://far.example")
    assert not same_engine("ssh://p:22", "ssh://far.example:2222")
    assert list(protected_as(Place("engine", "", "ssh://far"))) == []
    monkeypatch.setattr(settings, "protected_contexts", ("far",))
    assert list(protected_as(Place("engine", "", "ssh://root@far"))) == ["far"]


def test_a_docker_context_that_is_named_podman(tmp_path, monkeypatch):
    docker_contexts(tmp_path / "docker", podman="unix:///run/p.sock")
    monkeypatch.setattr(settings, "protected_contexts", ("podman",))
    found = engine_at("podman")
    place = Place("engine", found.context, found.url)
    assert place == Place("engine", "podman", "unix:///run/p.sock")
    assert place.server == "unix:///run/p.sock"
    with pytest.raises(Protected, match=r"name it: `nbc\.engine\('podman'\)`$"):
        guard(place, "")
    guard(place, "podman")


def test_the_private_podman_by_its_address(monkeypatch):
    monkeypatch.setattr(settings, "protected_contexts", ("podman",))
    assert list(protected_as(Place("engine", "", "unix:///run/kernel-1/podman.sock"))) == []
    monkeypatch.setattr(private_podman, "_folder", "/run/kernel-1")
    with pytest.raises(Protected, match=r"name it: `nbc\.engine\('podman'\)`$"):
        guard(Place("engine", "", "unix:///run/kernel-1/podman.sock"), "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://prod.example", "https://PROD.example:443/", True),
        ("http://prod.example:80", "prod.example", True),
        ("https://prod.example/k8s/clusters/c-1", "https://prod.example/k8s/clusters/c-2", False),
        ("https://prod.example:6443", "https://prod.example", False),
    ],
)
def test_addresses_of_clusters(one, other, same):
    assert same_server(one, other) is same_server(other, one) is same


@pytest.mark.parametrize(
    ("place", "names"),
    [
        (Place("engine", "prodpod", SOCKET), ["prodpod"]),
        (Place("engine", "innocent", SOCKET), ["prodpod"]),
        (Place("engine", "", "unix:///run/prod/../prod/docker.sock"), ["prodpod"]),
        (Place("engine", "far", "ssh://root@far.example"), []),
        (Place("engine", "", "unix:///run/docker.sock"), []),
        (Place("cluster", "prod", SERVER), ["prod"]),
        (Place("cluster", "alias", f"{SERVER}/"), ["prod"]),
        (Place("cluster", "dev", "https://dev.example"), []),
    ],
    ids=str,
)
def test_a_place_is_protected_by_what_it_is(place, names):
    assert list(protected_as(place)) == names


@pytest.mark.parametrize(
    ("pattern", "address", "protects"),
    [
        ("tcp://prod*", "tcp://PROD.example:2375", True),
        ("tcp://Prod.example:2375/", "tcp://prod.example:2375", True),
        ("tcp://prod*", " https://prod.example:2376", True),
        ("tcp://prod.example:2376", "tcp://prod.example", True),
        ("tcp://prod.example:2376", "tcp://prod.example:2375", False),
        ("unix:///run/prod/../prod/docker.sock", SOCKET, True),
        ("/run/prod/*", SOCKET, True),
        ("/run/prod/*", "unix:///run/dev/docker.sock", False),
        ("ssh://*@far.example", "ssh://root@far.example", True),
        ("ssh://*@far.example", "ssh://root@far.example/run/docker.sock", True),
        ("tcp://prod*", "tcp://\uff50rod.example:2375", True),
    ],
)
def test_patterns_of_addresses(pattern, address, protects, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(settings, "protected_contexts", (pattern,))
    assert list(protected_as(Place("engine", "", address))) == [address] * protects
    if protects:  # an address names it; a context that leads there does not
        changes(guard)(Place("engine", "", address), address)
        with pytest.raises(Protected):
            changes(guard)(Place("engine", "innocent", address), "innocent")


def test_contexts_that_the_environment_hides_protect_their_addresses(tmp_path):
    docker_contexts(tmp_path / "home" / ".docker", **{"prod-2": "tcp://10.0.0.2:2375"})
    kubeconfig(tmp_path / "home" / ".kube" / "config", **{"prod-2": "https://10.0.0.2:6443"})
    assert list(protected_as(Place("engine", "", "tcp://10.0.0.2:2375"))) == ["prod-2"]
    assert list(protected_as(Place("cluster", "dev", "https://10.0.0.2:6443"))) == ["prod-2"]
    with pytest.raises(Protected, match=r"DOCKER_CONFIG hides prod-2, a context of ~/\.docker: unset it first"):
        guard(Place("engine", "", "tcp://10.0.0.2:2375"), "")
    with pytest.raises(Protected, match=r"KUBECONFIG hides prod-2, a context of ~/\.kube/config: unset it first"):
        guard(Place("cluster", "dev", "https://10.0.0.2:6443"), "dev")


def test_the_suggested_name_is_one_that_leads_there(tmp_path):
    docker_contexts(tmp_path / "home" / ".docker", **{"prod-2": SOCKET})
    kubeconfig(tmp_path / "home" / ".kube" / "config", **{"prod-2": SERVER})
    for place, name in ((Place("engine", "", SOCKET), "prodpod"), (Place("cluster", "alias", SERVER), "prod")):
        with pytest.raises(Protected, match=rf"\n.*nbc\.{place.kind}\('{name}'\)") as refusal:
            guard(place, "")
        assert "hides" not in str(refusal.value)


@pytest.mark.parametrize("name", ["prod[1]", "a?", "[prod]"])
def test_a_name_protects_that_reads_as_a_pattern(name, monkeypatch):
    monkeypatch.setattr(settings, "protected_contexts", (name,))
    assert list(protected_as(Place("cluster", name, "https://10.0.0.2:6443"))) == [name]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place("engine", "prodpod", SOCKET), ""),
        (Place("engine", "innocent", SOCKET), "innocent"),
        (Place("engine", "", SOCKET), SOCKET),
        (Place("engine", "prodpod", SOCKET), TableContext("prodpod")),
        (Place("cluster", "prod", SERVER), ""),
        (Place("cluster", "prod", SERVER), TableContext("prod")),
        (Place("cluster", "alias", SERVER), "alias"),
    ],
    ids=str,
)
def test_what_does_not_name_a_protected_place(place, said):
    with pytest.raises(Protected, match=rf"nbc\.{place.kind}\('prod(pod)?'\)") as refusal:
        changes(guard)(place, said)
    assert refusal.value.context in {"prod", "prodpod"}
    with pytest.raises(Protected):  # without a mark
        guard(place, said)
    reads(guard)(place, said)


@pytest.mark.parametrize(
    ("place", "said"), [(Place("engine", "prodpod", SOCKET), "prodpod"), (Place("cluster", "prod", SERVER), "prod")]
)
def test_its_own_name_names_it(place, said):
    changes(guard)(place, said)


def test_dockers_default_context(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.9:2375")
    monkeypatch.setattr(settings, "protected_contexts", ("default",))
    place = Place("engine", "", "tcp://10.0.0.9:2375")
    assert list(protected_as(place)) == ["default"]
    changes(guard)(place, "default")
    assert find_context("default") == Context("default", "tcp://10.0.0.9:2375")
    monkeypatch.delenv("DOCKER_HOST")
    assert list(protected_as(place)) == []
    assert list(protected_as(Place("engine", "", "unix:///var/run/docker.sock"))) == ["default"]


def test_another_context_of_a_cluster_may_mean_another_namespace():
    with pytest.raises(Protected, match=r"alias is the same cluster as the context 'prod'") as caught:
        guard(Place("cluster", "alias", SERVER), "")
    assert "`--context=prod`, with `--namespace`" in caught.value.cure


def test_a_dry_run_reads():
    @changes_unless("dry_run")
    def call(*, dry_run=False):
        guard(Place("cluster", "prod", SERVER), "")
        return dry_run

    assert call(dry_run=True)
    with pytest.raises(Protected):
        call()


def test_a_read_within_a_change_leaves_it_a_change():
    @changes
    def call():
        reads(guard)(Place("cluster", "prod", SERVER), "")
        guard(Place("cluster", "prod", SERVER), "")

    with pytest.raises(Protected):
        call()


@pytest.mark.parametrize(
    ("place", "server"),
    [
        (Place("cluster", "dev", SERVER), ""),
        (Place("cluster", "dev", SERVER), SERVER),
        (Place("cluster", "dev", "https://EXAMPLE.com"), "https://example.com:443/"),
        (Place("engine", "far", SOCKET), SOCKET),
        (Place("engine", "podman", "unix:///run/of-another-kernel.sock"), "podman"),
    ],
    ids=str,
)
def test_what_a_table_offers_is_done_where_it_is_of(place, server):
    refuse_moved(place, TableContext(place.context, server))


@pytest.mark.parametrize(
    ("place", "server"),
    [
        (Place("cluster", "dev", SERVER), "https://10.9.9.9:6443"),
        (Place("cluster", "prodpod", SERVER), SOCKET),  # Podman's pods, before there was a kubeconfig
        (Place("cluster", "podman", SERVER), "podman"),
        (Place("engine", "far", SOCKET), "unix:///run/other.sock"),
        (Place("engine", "", "unix:///run/podman"), "podman"),
    ],
    ids=str,
)
def test_what_a_table_offers_is_refused_elsewhere(place, server):
    with pytest.raises(ClusterUnavailable, match="nothing was done") as refusal:
        refuse_moved(place, TableContext(place.context, server))
    assert "\n" not in str(refusal.value)
    reads(refuse_moved)(place, place.context)  # where it led is unknown
