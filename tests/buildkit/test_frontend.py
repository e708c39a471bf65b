"""docker build's flags as frontend attributes."""

import pytest

from nbcontainer.buildkit.frontend import DockerfileFlags, entry, local_context, size_in_bytes


def test_without_flags_only_the_file_name_is_sent():
    assert DockerfileFlags().attributes() == {"filename": "Dockerfile"}


def test_every_flag_has_its_attribute():
    assert DockerfileFlags(
        filename="Dockerfile.web",
        target="web",
        build_args={"V": "1", "EMPTY": ""},
        labels={"a.b": "c=d"},
        platforms=["linux/amd64", "linux/arm64"],
        no_cache=True,
        pull=True,
        add_hosts=["a:10.0.0.1", "b=[::1],10.0.0.2"],
        network="none",
        shm_size="64m",
        ulimits=["nofile=1024", "nproc=5:10"],
        cgroup_parent="/x",
        contexts={"src": local_context("src")[1], "base": "docker-image://busybox"},
        context="https://example.org/a.git#main",
    ).attributes() == {
        "filename": "Dockerfile.web",
        "target": "web",
        "build-arg:V": "1",
        "build-arg:EMPTY": "",
        "label:a.b": "c=d",
        "platform": "linux/amd64,linux/arm64",
        "no-cache": "",
        "image-resolve-mode": "pull",
        "add-hosts": "a=10.0.0.1,b=::1,b=10.0.0.2",
        "force-network-mode": "none",
        "shm-size": str(64 << 20),
        "ulimit": "nofile=1024:1024,nproc=5:10",
        "cgroup-parent": "/x",
        "context:src": "local:src",
        "context:base": "docker-image://busybox",
        "frontend.caps": "moby.buildkit.frontend.contexts+forward",
        "context": "https://example.org/a.git#main",
    }


def test_a_named_context_does_not_hide_the_main_one():
    assert local_context("context") == ("_context", "local:_context")


@pytest.mark.parametrize(
    "wrong",
    [
        {"network": "bridge"},
        {"add_hosts": ["name"]},
        {"add_hosts": ["name:10.0.0.256"]},
        {"add_hosts": ["name:host-gateway"]},
        {"shm_size": "much"},
        {"shm_size": "-1"},
        {"ulimits": ["nofile"]},
        {"ulimits": ["nofile=a:b"]},
    ],
)
def test_what_docker_refuses_is_refused(wrong):
    value = next(iter(wrong.values()))
    with pytest.raises(ValueError, match=str(value[0] if isinstance(value, list) else value)):
        DockerfileFlags(**wrong).attributes()


@pytest.mark.parametrize(
    ("size", "count"),
    [(5, 5), ("5", 5), ("5b", 5), ("2k", 2048), ("1.5 GiB", 3 << 29), ("64MB", 64 << 20), ("1t", 1 << 40)],
)
def test_sizes_are_binary(size, count):
    assert size_in_bytes(size) == count


def test_caches_and_outputs():
    found = entry('type=registry,"ref=a,b",mode=max')
    assert (found.type, found.attributes) == ("registry", {"ref": "a,b", "mode": "max"})
    found = entry("host/image:tag", default_type="registry")
    assert (found.type, found.attributes) == ("registry", {"ref": "host/image:tag"})
    for wrong in ("", "ref=a", "type=tar,dest", 'type=tar,"dest=a'):
        with pytest.raises(ValueError, match=r"type|NAME=VALUE|quotes"):
            entry(wrong)
