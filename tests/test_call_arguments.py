"""The arguments of public calls are checked before anything is sent: here nothing could be."""

from collections.abc import Sequence

import pytest

import nbcontainer as nbc
from nbcontainer.call_arguments import checked
from nbcontainer.errors import EngineUnavailable, UsageError
from nbcontainer.protection import reads

CALLS = {
    "timeout": lambda: nbc.pods.create("q", "x", timeout="3"),
    "ports": lambda: nbc.pods.create("q", "x", ports=80),
    r"environment\['A'\]": lambda: nbc.pods.create("q", "x", environment={"A": 3}),
    "grace_period": lambda: nbc.pods.delete("q", grace_period="3"),
    "all": lambda: nbc.pods.delete(all="false"),
    "names": lambda: nbc.pods.list(3),
    "seconds": lambda: nbc.containers.stop("a", seconds="x"),
    r"publish\[0\]": lambda: nbc.containers.run("a", publish=[80]),
    r"command\[1\]": lambda: nbc.containers.run("a", ["echo", 3]),
    "cpus": lambda: nbc.containers.run("a", cpus="x"),
    "labels": lambda: nbc.containers.run("a", labels=["A=1"]),
    "stdin": lambda: nbc.pods.exec("a", "date", stdin=3),
    "options": lambda: nbc.networks.create("a", options=["a=b"]),
    "name": lambda: nbc.images.get(3),
    "name must be a str, not None": lambda: nbc.volumes.get(None),
    "names must be a str": lambda: nbc.volumes.remove(["a"]),
    "name must": lambda: nbc.volumes.create(3),
    r"secrets\[0\] must be a Secret": lambda: nbc.images.build("FROM a", secrets=["x"]),
    "dockerfile": lambda: nbc.images.build(3),
    r"files\['a'\] must be a str or bytes": lambda: nbc.images.check("FROM a", files={"a": 3}),
}


@pytest.mark.parametrize("said", CALLS)
def test_a_wrong_type_is_an_error_that_names_the_argument(said, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(UsageError, match=f"^{said}"):
        CALLS[said]()


@pytest.mark.parametrize(
    ("said", "call"),
    [
        ("seconds", lambda: nbc.containers.stop("a", seconds=-70)),
        ("timeout", lambda: nbc.pods.create("a", "b", timeout=-1)),
        ("timeout", lambda: nbc.pods.exec("a", "date", timeout=-1)),
        ("grace_period", lambda: nbc.pods.delete("a", grace_period=-1)),
    ],
)
def test_a_time_is_not_negative(said, call, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(UsageError, match=f"^{said} must not be negative"):
        call()


def test_one_string_is_a_sequence_of_one(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnavailable):
        nbc.networks.create("a", subnets="172.28.0.0/16")

    @reads
    def call(*names: str, filters: Sequence[str] = (), ports: Sequence[int] = (), seconds: float = 0.0):
        return names, filters, ports, seconds

    assert call("a", "b", filters="dangling=true", ports=iter([1, 2])) == (("a", "b"), ("dangling=true",), (1, 2), 0.0)
    assert call(filters=None, seconds=3) == ((), (), (), 3)
    with pytest.raises(TypeError, match="nothing"):
        call(nothing=1)


def test_values_are_not_shown():
    with pytest.raises(UsageError) as caught:
        nbc.registries.login("a", username="b", password=b"sesame")
    assert "sesame" not in str(caught.value)
    assert checked(nbc.volumes.get, ("a",), {}) == (("a",), {})
