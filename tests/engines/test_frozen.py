"""Connections that freeze while new ones work, as where a NAT or a proxy forgets them; or everything freezes."""

import io
import json
import random
import socket
import tarfile
from contextlib import suppress

import pytest

from nbcontainer import byte_stream
from nbcontainer.buildkit import build as buildkit_build
from nbcontainer.engines import connection, containers, images, pod_creation, pod_deletion, pods, silence
from nbcontainer.engines.build import build
from nbcontainer.engines.exec import execute
from nbcontainer.engines.log_stamps import Messages, Stamps, Unread
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.errors import CommandFailed, Conflict, EngineUnavailable, NotFound
from nbcontainer.model.build import BuildRequest
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from nbcontainer.settings import settings
from tests.engines.build_engines import wait_until
from tests.engines.conftest import find, running
from tests.faults.proxy import FaultProxy, Way, connector, tcp_listener
from tests.faults.trial import address_of

COUNT = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; sleep 0.1; done"


def test_an_hour_of_silence_costs_few_probes(monkeypatch):
    ours, theirs = socket.socketpair()
    with byte_stream.Stream(ours) as stream, theirs:
        waited, asked = [], []

        def poll(seconds, **_):
            waited.append(seconds)
            if is_over := sum(waited) > 3600:
                theirs.sendall(b"x")
            return is_over

        monkeypatch.setattr(stream, "_poll", poll)
        stream.when_silent(lambda: asked.append(sum(waited)))
        assert stream.recv() == b"x"
    assert waited[:7] == [5, 10, 20, 40, 80, 160, 300]
    assert len(asked) == 16


@pytest.fixture
def soon(monkeypatch):
    """Silence is checked within a second, and an idle connection that froze is given up soon."""
    monkeypatch.setattr(settings, "connect_timeout", 2.0)
    monkeypatch.setattr(byte_stream, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(byte_stream, "LONGEST_SECONDS", 0.5)
    monkeypatch.setattr(silence, "CHECK_SECONDS", 0.5)
    monkeypatch.setattr(silence, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(buildkit_build, "_ASKED", 1.0)
    monkeypatch.setattr(buildkit_build, "_PATIENCE", 2.0)


@pytest.fixture
def frozen(engine, monkeypatch):
    """The proxy, and each engine in turn behind it, by TCP."""
    listener = tcp_listener()
    with FaultProxy(listener, connector(engine.address)) as proxy:
        yield proxy, find(f"tcp://{address_of(listener)}", monkeypatch), engine
        connection.forget_engines()


@pytest.fixture
def container(engine, unique):
    """The name of a container that is removed in the end."""
    yield unique
    with suppress(NotFound, Conflict):  # it is removed, or being removed, by the engine
        containers.remove(engine, unique, force=True)


def stamped(second, text=b"x\n", nanoseconds=0):
    return b"2026-11-30T12:00:%02d.%09dZ " % (second, nanoseconds) + text


LOG = [
    ("stdout", stamped(1)),
    ("stderr", stamped(1, b"e\n")),
    *[("stdout", stamped(2, part)) for part in (b"a" * 20, b"a" * 20, b"end\n")],
    ("stdout", stamped(3, b"y\n")),
    ("stdout", stamped(3, b"y\n")),
    ("stderr", stamped(3, b"late\n")),
    ("stdout", stamped(4, b"z\n")),
]


@pytest.mark.parametrize("count", range(1, len(LOG) + 1))
@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize("first", [0, 1, 5])
def test_the_place_in_a_log_is_found_again(count, batch, first):
    received = LOG[first:][:count]
    stamps = Stamps()
    for at in range(0, len(received), batch):
        stamps.take(received[at : at + batch])
    unread = Unread(stamps)
    assert unread.feed(LOG) == LOG[first:][count:]
    assert not unread.lost


def test_the_place_in_a_terminals_log_may_be_within_a_line():
    log = b"".join(message for stream, message in LOG if stream == "stdout")
    for end in range(1, len(log)):
        for size in (1, 7, 50, 1000):
            stamps, received, shown = Stamps(), Messages(raw=True), b""
            for at in range(0, end, size):
                found = received.feed(log[at : min(at + size, end)])
                stamps.take(found)
                shown += b"".join(message for _, message in found)
            again = Unread(stamps).feed(Messages(raw=True).feed(log))
            assert shown + b"".join(message for _, message in again) == log


def test_a_place_that_is_no_longer_in_the_log_is_reported():
    stamps = Stamps()
    stamps.take(LOG[:2])
    unread = Unread(stamps)
    assert unread.feed(LOG[2:]) == LOG[2:]
    assert unread.lost
    assert stamps.since == "1796040000.000000000"


def texts(operation):
    return [line.text for line in operation.state.lines]


def start(engine, name, script, **options):
    return run(engine, RunRequest("busybox", ("sh", "-c", script), name=name, detach=True, **options)).result(60)


@pytest.mark.usefixtures("soon")
def test_a_followed_log_goes_on_where_its_connection_is_dead(frozen, container):
    proxy, far, near = frozen
    start(near, container, COUNT)
    operation = logs(far, LogRequest((container,), follow=True))
    for _ in range(3):
        before = operation.state.total
        wait_until(lambda before=before: operation.state.total > before + 3, 30)
        proxy.freeze(existing_only=True)
    before = operation.state.total
    wait_until(lambda: operation.state.total > before + 30, 30)
    operation.stop()
    found = texts(operation)
    assert found == [f"line {number}" for number in range(1, len(found) + 1)]
    assert operation.state.notes.count("its connection froze; a new one continues where it was") >= 2


@pytest.mark.usefixtures("soon")
def test_a_followed_log_ends_with_its_container_though_its_connection_is_dead(frozen, container):
    proxy, far, near = frozen
    start(near, container, "echo first; sleep 3; echo out; echo err >&2; printf last")
    operation = logs(far, LogRequest((container,), follow=True))
    wait_until(lambda: operation.state.total, 30)
    proxy.freeze(existing_only=True)
    operation.result(60)
    assert sorted(texts(operation)) == sorted(["first", "out", "err", "last"])


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("tail", [-1, 0, 1])
def test_a_quiet_container_is_no_alarm(frozen, container, tail, monkeypatch):
    monkeypatch.setattr(silence, "GRACE_SECONDS", 10.0)  # its first lines may be late on a busy machine
    proxy, far, near = frozen
    start(near, container, "echo one; echo two >&2; printf 'without end'; sleep 600")
    wait_until(lambda: len(logs(near, LogRequest((container,))).result(60)) >= 2, 30)
    operation = logs(far, LogRequest((container,), follow=True, tail=tail))
    wait_until(lambda: len(proxy.connections) > 10, 60)  # several checks
    assert not operation.done
    assert (operation.state.notes, operation.state.total) == ((), {-1: 2, 0: 0, 1: 1}[tail])
    operation.stop()


@pytest.mark.usefixtures("soon")
def test_a_followed_log_of_an_engine_that_is_gone_ends(frozen, container, monkeypatch):
    monkeypatch.setattr(settings, "connect_timeout", 0.5)
    proxy, far, near = frozen
    start(near, container, COUNT)
    operation = logs(far, LogRequest((container,), follow=True))
    wait_until(lambda: operation.state.total, 30)
    proxy.freeze()
    with pytest.raises(EngineUnavailable, match="does not answer"):
        operation.result(30)
    proxy.thaw()


ENDS = "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; sleep 0.1; done; exit 7"
THIRTY = [f"line {number}" for number in range(1, 31)]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("log_too", [False, True])
def test_a_run_goes_on_from_its_log_where_its_connections_are_frozen(frozen, container, log_too):
    proxy, far, _ = frozen
    script = ENDS.replace("0.1", "0.3") if log_too else ENDS
    operation = run(far, RunRequest("busybox", ("sh", "-c", script), name=container))
    wait_until(lambda: operation.state.total > 3, 30)
    proxy.freeze(existing_only=True)
    if log_too:
        wait_until(lambda: operation.state.notes, 30)
        proxy.freeze(existing_only=True)
    with pytest.raises(CommandFailed) as caught:
        operation.result(60)
    assert caught.value.exit_code == 7
    assert texts(operation) == THIRTY


@pytest.mark.usefixtures("soon")
def test_a_run_whose_container_is_removed_meanwhile_has_its_exit_code(frozen, container):
    proxy, far, _ = frozen
    operation = run(far, RunRequest("busybox", ("sh", "-c", ENDS), name=container, remove=True))
    wait_until(lambda: operation.state.total > 3, 30)
    proxy.freeze(existing_only=True)
    with pytest.raises(CommandFailed) as caught:
        operation.result(60)
    assert caught.value.exit_code == 7
    found = texts(operation)
    assert found == THIRTY[: len(found)]
    assert found == THIRTY or "the output after that is missing" in operation.state.gaps[0]


@pytest.mark.usefixtures("soon")
def test_a_quiet_run_is_no_alarm(frozen, container):
    proxy, far, _ = frozen
    script = "echo one; echo two >&2; printf 'without end'; sleep 600"
    operation = run(far, RunRequest("busybox", ("sh", "-c", script), name=container))
    wait_until(lambda: operation.state.total, 30)
    count = len(proxy.connections)
    wait_until(lambda: len(proxy.connections) > count + 10, 60)
    assert (operation.done, operation.state.notes) == (False, ())
    operation.stop()


@pytest.mark.usefixtures("soon")
def test_a_command_that_ends_on_a_frozen_connection_has_its_exit_code(frozen, container):
    proxy, far, near = frozen
    start(near, container, "sleep 600")
    operation = execute(far, container, ExecRequest(container, ("sh", "-c", ENDS)))
    wait_until(lambda: operation.state.total > 3, 30)
    proxy.freeze(existing_only=True)
    with pytest.raises(CommandFailed) as caught:
        operation.result(60)
    assert caught.value.exit_code == 7
    assert operation.state.gaps == ("the connection ended before the command: its output after that is missing",)


@pytest.mark.usefixtures("soon")
def test_a_command_of_which_nothing_can_be_known_is_said_to_be_silent(frozen, container, monkeypatch):
    monkeypatch.setattr(silence, "SAID_SECONDS", 1.0)
    proxy, far, near = frozen
    start(near, container, "sleep 600")
    operation = execute(far, container, ExecRequest(container, ("sh", "-c", "echo one; cat; sleep 600")))
    wait_until(lambda: operation.state.notes, 30)
    assert operation.state.notes == ("nothing for 0 min; the command is still running",)
    assert not operation.done
    proxy.freeze(existing_only=True)
    frozen_ones = len(proxy.connections)
    wait_until(
        lambda: len(operation.state.notes) > 1,
        60,
        lambda: f"not noticed in time: {[[one.count(way) for way in Way] for one in proxy.connections]}, {frozen_ones}",
    )
    assert operation.state.notes[1].startswith("another connection to the engine froze: output may no longer arrive")
    operation.stop()


@pytest.fixture
def slow_registry(open_registry):
    """A registry behind a proxy that can stall it, and the image's name there."""
    listener = tcp_listener()
    with FaultProxy(listener, connector(open_registry.address)) as proxy:
        yield proxy, address_of(listener)


@pytest.fixture
def layer(engine, unique):
    """An image of one layer of random bytes."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        entry = tarfile.TarInfo("random")
        entry.size = 4_000_000
        tar.addfile(entry, io.BytesIO(random.Random(unique).randbytes(entry.size)))
    headers = {"Content-Type": "application/x-tar"}
    reply = engine.http().call(
        "POST", "/images/create", query={"fromSrc": "-"}, body=archive.getvalue(), headers=headers
    )
    name = f"frozen/{unique}:1"
    images.tag(engine, json.loads(reply.body.strip().split(b"\n")[-1])["status"].strip(), name)
    yield name
    with suppress(NotFound):
        images.remove(engine, name, force=True)


def passed(registry, way):
    return max((one.count(way) for one in registry.connections), default=0)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_transfer_whose_connection_is_frozen_has_its_result(frozen, slow_registry, layer, direction, monkeypatch):
    monkeypatch.setattr(silence, "SAID_SECONDS", 1.0)
    proxy, far, near = frozen
    registry, host = slow_registry
    name = f"{host}/{layer}"
    images.tag(near, layer, name)
    if direction == "pull":
        images.push(near, name).result(60)
        images.remove(near, name, force=True)
        images.remove(near, layer, force=True)
    operation = getattr(images, direction)(far, name)
    way = Way.SENT if direction == "push" else Way.REPLIED
    wait_until(lambda: passed(registry, way) > 50_000, 30, lambda: str(operation.state))
    registry.freeze(existing_only=True)
    proxy.freeze(existing_only=True)
    wait_until(lambda: any("nothing for" in note for note in operation.state.notes), 30)
    registry.thaw(existing=True)
    digest = operation.result(60).digest
    assert digest in (images.push(near, name).result(60).digest, "")
    images.remove(near, name, force=True)


@pytest.mark.usefixtures("soon")
def test_a_build_whose_connection_is_frozen_is_reported(frozen, unique):
    proxy, far, near = frozen
    tag = f"frozen/{unique}:1"
    text = f"FROM busybox\nRUN echo {unique}; sleep 3\n"
    operation = build(far, BuildRequest(text, tags=(tag,)))
    wait_until(lambda: any(step.output for step in operation.state.instructions), 60)
    proxy.freeze(existing_only=True)
    with pytest.raises(EngineUnavailable, match=r"was lost during the build: .*(froze|does not answer)"):
        operation.result(60)
    with suppress(NotFound):
        images.remove(near, tag, force=True)


@pytest.mark.live
@pytest.mark.usefixtures("soon")
def test_a_live_table_of_podmans_pods_goes_on(unique, monkeypatch):
    podman = find(running("podman", "Podman").host, monkeypatch)
    listener = tcp_listener()
    with FaultProxy(listener, connector(podman.address)) as proxy:
        far = find(f"tcp://{address_of(listener)}", monkeypatch)
        watch = pods.watch_table(far)
        wait_until(lambda: watch.state.live, 30)
        proxy.freeze(existing_only=True)
        pod_creation.create(podman, PodRequest(unique, "busybox", command=("sleep", "600"))).result(60)
        wait_until(lambda: any(row.name == unique for row in watch.state.rows.values()), 30)
        watch.stop()
        connection.forget_engines()
    pod_deletion.delete(podman, (unique,), force=True).result(60)
