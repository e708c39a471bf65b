"""Connections that freeze while new ones work, as where a NAT or a proxy forgets them; or everything freezes."""

import pytest

from nbcontainer import byte_stream
from nbcontainer.engines import connection, containers, silence
from nbcontainer.engines.log_stamps import Messages, Stamps, Unread
from nbcontainer.engines.logs import logs
from nbcontainer.engines.run import run
from nbcontainer.errors import EngineUnavailable
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.settings import settings
from tests.engines.build_engines import wait_until
from tests.engines.conftest import find
from tests.faults.proxy import FaultProxy, connector, tcp_listener
from tests.faults.trial import address_of

COUNT = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; sleep 0.1; done"


@pytest.fixture
def soon(monkeypatch):
    """Silence is checked within a second."""
    monkeypatch.setattr(byte_stream, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(byte_stream, "LONGEST_SECONDS", 0.5)
    monkeypatch.setattr(silence, "CHECK_SECONDS", 0.5)
    monkeypatch.setattr(silence, "GRACE_SECONDS", 0.5)


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
    assert operation.state.notes.count("the connection was dead; it is followed on another one") >= 2


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
def test_a_quiet_container_is_no_alarm(frozen, container, tail):
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
