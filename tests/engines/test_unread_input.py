"""A long input of a command in a container: the command may read none of it, a part, or all of it late."""

import time

import pytest

from nbcontainer.engines import containers
from nbcontainer.engines.exec import execute
from nbcontainer.engines.output import UnreadInput
from nbcontainer.engines.run import run
from nbcontainer.errors import ApiError, CommandFailed, Stopped
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.pods import ExecRequest
from tests.engines.build_engines import wait_until

pytestmark = pytest.mark.parametrize("engine", ["docker", "docker-20.10", "podman"], indirect=True)
SIZES = [300_000, 30_000_000]
LINE = b"0123456789abcde\n"


@pytest.fixture(params=["run --rm", "exec"])
def start(request, engine, busybox, unique):
    """Starts a command with an input, in a new container or in one that runs."""
    if request.param == "exec":
        run(engine, RunRequest(busybox, ("sleep", "600"), name=unique, detach=True)).result(60)
        yield lambda *command, stdin, **more: execute(engine, unique, ExecRequest(unique, command, stdin=stdin, **more))
        containers.remove(engine, unique, force=True)
        return
    yield lambda *command, stdin: run(engine, RunRequest(busybox, command, name=unique, stdin=stdin, remove=True))


def gaps(operation):
    """What the operation says is missing, except that Podman may not pass on all after a command closed its input."""
    return [gap for gap in operation.state.gaps if gap != UnreadInput.GAP]


@pytest.mark.parametrize("size", SIZES)
def test_a_command_that_reads_nothing_ends_when_it_ends(start, engine, size):
    began = time.monotonic()
    operation = start("sh", "-c", "sleep 1; echo out; exit 7", stdin=LINE * (size // 16))
    with pytest.raises(CommandFailed) as caught:
        operation.result(30)
    assert time.monotonic() - began < 15
    assert caught.value.exit_code == 7
    assert gaps(operation) == []
    assert caught.value.output == "out\n" or is_lost(caught.value.output, operation, engine)


def is_lost(output, operation, engine):
    """Whether Podman itself has lost what a command wrote just before it ended, of which there is no log."""
    return engine.is_podman and output == "" and operation.state.gaps == (UnreadInput.GAP,)


def test_a_command_that_reads_a_part(start, engine):
    operation = start("head", "-c", "16", stdin=LINE * 2_000_000)
    output = operation.result(30).output
    assert output == "0123456789abcde\n" or is_lost(output, operation, engine)
    assert gaps(operation) == []


def test_nothing_is_lost_of_what_a_command_reads_late(start):
    operation = start("sh", "-c", "sleep 2; wc -c", stdin=LINE * 2_000_000)
    assert operation.result(60).output == "32000000\n"
    assert operation.state.gaps == ()


def test_what_a_command_writes_after_it_closed_its_input(start):
    operation = start("sh", "-c", "exec <&-; echo closed; sleep 2; echo done", stdin=LINE * 20_000)
    output = operation.result(30).output
    assert output == "closed\ndone\n" or (output == "closed\n" and operation.state.gaps == (UnreadInput.GAP,))


def test_a_stop_in_the_middle(start):
    operation = start("sh", "-c", "echo begun; sleep 600", stdin=LINE * 2_000_000)
    wait_until(lambda: operation.state.total)
    began = time.monotonic()
    operation.stop()
    with pytest.raises(Stopped):
        operation.result(5)
    assert time.monotonic() - began < 1
    assert operation.wait_until_gone(30)


@pytest.mark.parametrize("start", ["exec"], indirect=True)
def test_a_time_limit_in_the_middle(start):
    with pytest.raises(ApiError, match="did not end within 2 s"):
        start("sleep", "600", stdin=LINE * 2_000_000, timeout=2).result(30)
