"""A long input of a command in a pod: the command may read none of it, a part, or all of it slowly."""

import hashlib
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

import pytest

from nbcontainer.clusters import client, exec_input
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.exec_input import LongInput
from nbcontainer.clusters.pods import create
from nbcontainer.errors import ApiError, ClusterUnavailable, CommandFailed, NotFound, Stopped
from nbcontainer.model.pods import ExecRequest, PodRequest

SIZES = [300_000, 30_000_000]


@pytest.fixture(scope="module")
def reader(space):
    """A pod with a shell."""
    create(space, PodRequest("reader", "busybox", command=("sleep", "3600"))).result(90)
    return "reader"


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def text(size):
    return b"0123456789abcde\n" * (size // 16)


def run(space, pod, *command, stdin, **more):
    return execute(space, ExecRequest(pod, command, stdin=stdin, **more))


@pytest.mark.parametrize("size", SIZES)
def test_a_command_that_reads_nothing_ends_when_it_ends(space, reader, size):
    began = time.monotonic()
    assert run(space, reader, "true", stdin=text(size)).result(30).exit_code == 0
    with pytest.raises(CommandFailed) as caught:
        run(space, reader, "sh", "-c", "sleep 1; echo out; echo why >&2; exit 7", stdin=text(size)).result(30)
    assert time.monotonic() - began < 15
    assert (caught.value.exit_code, caught.value.output) == (7, "out\nwhy\n")


def test_random_bytes_pass_unchanged_both_ways(space, reader):
    data = secrets.token_bytes(10_000_000)
    result = run(space, reader, "tee", "/tmp/random", stdin=data).result(60)
    assert Path(result.spool).read_bytes() == data
    there = run(space, reader, "sha256sum", "/tmp/random", stdin=b"").result(30).output
    assert there.split()[0] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_a_command_that_reads_a_part(space, reader, size):
    operation = run(space, reader, "head", "-c", "16", stdin=text(size))
    result = operation.result(30)
    assert (result.output, result.errors) == ("0123456789abcde\n", "")
    assert [line.text for line in operation.state.lines] == ["0123456789abcde"]
    assert result.command.endswith(" exec reader -i -- head -c 16")


def test_a_command_that_closes_its_input(space, reader):
    script = "exec <&-; echo closed; sleep 1; echo done"
    assert run(space, reader, "sh", "-c", script, stdin=text(300_000)).result(30).output == "closed\ndone\n"


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_lost_of_what_a_command_reads_late(space, reader, size, monkeypatch):
    monkeypatch.setattr(client, "HEARTBEAT_SECONDS", 0.5)  # pings are not answered while the input waits
    monkeypatch.setattr(exec_input, "SILENT_SECONDS", 0.5)
    counted = run(space, reader, "sh", "-c", "sleep 3; wc -c", stdin=text(size)).result(60)
    assert counted.output.strip() == str(len(text(size)))


def test_an_api_server_that_is_gone_is_noticed_while_the_input_waits(space, reader, monkeypatch):
    async def is_gone(_client, cluster):
        raise ClusterUnavailable("It is gone.", context=cluster.context)

    operation = run(space, reader, "sleep", "100", stdin=text(300_000))
    until(lambda: operation.state.sources)
    monkeypatch.setattr(exec_input, "SILENT_SECONDS", 0.5)
    silent = run(space, reader, "sleep", "100", stdin=text(300_000))
    monkeypatch.setattr(client.Client, "probe", is_gone)
    with pytest.raises(ClusterUnavailable, match="gone"):
        silent.result(30)
    operation.stop()


def test_a_command_that_is_not_there(space, reader):
    with pytest.raises(NotFound, match="has no command 'no-such'"):
        run(space, reader, "no-such", stdin=text(300_000)).result(30)


def test_a_container_without_a_shell(space):
    create(space, PodRequest("shell-less", "busybox", command=("sleep", "3600"))).result(90)
    execute(space, ExecRequest("shell-less", ("rm", "/bin/sh"))).result(30)
    assert run(space, "shell-less", "wc", "-c", stdin=text(300_000)).result(30).output == "300000\n"


def sockets():
    """The sockets of this process."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            found.add(str(descriptor.readlink()))
    return {name for name in found if name.startswith("socket:")}


@pytest.mark.parametrize("way", ["stop", "timeout"])
@pytest.mark.parametrize("command", ["sleep {}", "trap '' TERM; sleep {} & wait"])
def test_a_stop_in_the_middle_leaves_nothing(space, reader, way, command):
    def processes():
        return execute(space, ExecRequest(reader, ("ps", "-o", "args"))).result(30).output

    number = f"6{secrets.randbelow(10**6):06}"
    processes()
    before = sockets()
    words = ("sh", "-c", command.format(number))
    operation = run(space, reader, *words, stdin=text(30_000_000), timeout=5 if way == "timeout" else 0)
    if way == "stop":
        until(lambda: f"sleep {number}" in processes())
        began = time.monotonic()
        operation.stop()
        with pytest.raises(Stopped):
            operation.result(5)
        assert time.monotonic() - began < 1.2
    else:
        with pytest.raises(ApiError, match="did not end within 5 s"):
            operation.result(30)
    until(lambda: not re.search(rf"\b{number}\b", processes()))
    until(lambda: len(sockets() - before) <= len(space.link.http._idle))  # which are kept for the next calls


def test_the_mark_is_removed_wherever_its_bytes_are_cut():
    for cut in range(60):
        for second in range(cut, 60, 7):
            long = LongInput(("true",))
            whole = b"some \x1e error" + long.command[4].encode() + b"\nmore"
            parts = whole[:cut], whole[cut:second], whole[second:]
            assert b"".join(long.without_mark(part) for part in parts) == b"some \x1e errormore"
            assert long.ended
