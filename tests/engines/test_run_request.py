from pathlib import Path

import pytest

from nbcontainer.engines.run_request import creation, run_words
from nbcontainer.errors import UsageError
from nbcontainer.model.containers import RunRequest


def made(**values):
    return creation(RunRequest("busybox", **values), {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", {"80/tcp": [{"HostIp": "", "HostPort": ""}]}),
        ("8080:80", {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}),
        ("127.0.0.1:8080:80", {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}),
        ("0:80", {"80/tcp": [{"HostIp": "", "HostPort": ""}]}),
        ("127.0.0.1::80", {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}),
        ("[::1]:53:53/udp", {"53/udp": [{"HostIp": "::1", "HostPort": "53"}]}),
        (
            "8000-8001:80-81",
            {"80/tcp": [{"HostIp": "", "HostPort": "8000"}], "81/tcp": [{"HostIp": "", "HostPort": "8001"}]},
        ),
    ],
)
def test_ports(text, expected):
    body = made(publish=(text,))
    assert body["HostConfig"]["PortBindings"] == expected
    assert set(body["ExposedPorts"]) == set(expected)


@pytest.mark.parametrize(
    "text", ["", "x", "0", "70000", "80:", "1:2:3:4", "80/xyz", "80-90:1-2", "9-1", "8080:80 ", "-", "1-:2"]
)
def test_no_ports(text):
    with pytest.raises(UsageError, match="`publish`"):
        made(publish=(text,))


def test_volumes():
    body = made(volumes=("./a:/b", "/h:/c:ro", "cache:/d", "/e"))
    assert body["HostConfig"]["Binds"] == [f"{Path.cwd() / 'a'}:/b", "/h:/c:ro", "cache:/d"]
    assert body["Volumes"] == {"/e": {}}


@pytest.mark.parametrize("text", ["", "a", "a:b", ":/b", "/a:/b:ro:x", "a b:/c", "/a:"])
def test_no_volumes(text):
    with pytest.raises(UsageError, match="`volumes`"):
        made(volumes=(text,))


@pytest.mark.parametrize(
    ("text", "size"), [("6m", 6 << 20), ("512M", 512 << 20), ("1.5g", 3 << 29), ("8388608", 8 << 20), ("1GiB", 1 << 30)]
)
def test_memory(text, size):
    assert made(memory=text)["HostConfig"]["Memory"] == size


@pytest.mark.parametrize("text", ["1k", "5m", "-1g", "much", "1x", "6 m b"])
def test_no_memory(text):
    with pytest.raises(UsageError, match="`memory`"):
        made(memory=text)


@pytest.mark.parametrize(
    "values",
    [
        {"name": "a b"},
        {"name": "x"},
        {"name": "../x"},
        {"restart": "often"},
        {"restart": "always:3"},
        {"restart": "always", "remove": True},
        {"cpus": -1.0},
        {"pull": "sometimes"},
        {"environment": {"A=B": "c"}},
        {"environment": {"": "c"}},
        {"workdir": "relative"},
        {"detach": True, "stdin": b"x"},
    ],
)
def test_what_cannot_be(values):
    with pytest.raises(UsageError):
        made(**values)


def test_a_hostile_image_is_refused_without_its_escapes():
    with pytest.raises(UsageError) as caught:
        creation(RunRequest("\x1b]0;title\x07"), {})
    assert "\x1b" not in str(caught.value)


def test_proxies_are_given_where_the_request_sets_none():
    request = RunRequest("busybox", environment={"HTTP_PROXY": "mine"})
    body = creation(request, {"HTTP_PROXY": "theirs", "NO_PROXY": "local"})
    assert sorted(body["Env"]) == ["HTTP_PROXY=mine", "NO_PROXY=local"]


def test_the_command_is_quoted_for_a_shell():
    request = RunRequest(
        "busybox",
        ("sh", "-c", "echo 'a b'; $HOME"),
        name="web",
        remove=True,
        environment={"A": "b c"},
        publish=("80:80",),
        cpus=0.5,
        stdin=b"",
    )
    words = run_words(request)
    assert words[:3] == ["run", "--rm", "--interactive"]
    assert words[-4:] == ["busybox", "sh", "-c", "echo 'a b'; $HOME"]
    assert words[words.index("--env") + 1] == "A=b c"
    assert words[words.index("--cpus") + 1] == "0.5"
