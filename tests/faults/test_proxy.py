"""The trials' proxy injects the planned fault at the planned byte, and only into that connection."""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from tests.faults.proxy import Fault, FaultProxy, Kind, Way, connector, tcp_listener, unix_listener

SENT, REPLIED = b"what the client says", b"what the server answers"


@pytest.fixture(params=["unix", "tcp"])
def between(request, tmp_path):
    """Make a proxy in front of a server that answers each complete request, and clients of it."""
    server = unix_listener(tmp_path / "server") if request.param == "unix" else tcp_listener()
    server.listen()
    heard = []

    def answer(connection):
        got = b""
        with suppress(OSError), connection:
            while data := connection.recv(100):
                got += data
                heard[:] = [got]
                if len(got) % len(SENT) == 0:
                    connection.sendall(REPLIED)

    def serve():
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()

    def address(listener):
        name = listener.getsockname()
        return f"unix://{name}" if isinstance(name, str) else f"{name[0]}:{name[1]}"

    @contextmanager
    def make(fault=None):
        listener = unix_listener(tmp_path / "proxy") if request.param == "unix" else tcp_listener()
        with FaultProxy(listener, connector(address(server)), fault) as proxy:
            yield proxy, connector(address(listener)), heard

    yield make
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def ask(client, seconds=5.0):
    client.settimeout(seconds)
    client.sendall(SENT)
    got = b""
    while len(got) < len(REPLIED) and (data := client.recv(100)):
        got += data
    return got


def test_without_a_fault_everything_passes_and_is_counted(between):
    with between() as (proxy, connect, _):
        with connect() as first, connect() as second:
            assert [ask(first), ask(second), ask(first)] == [REPLIED] * 3
            assert len(proxy.open_connections) == 2
        assert not proxy.struck.is_set()
        assert [passed.sent for passed in proxy.connections] == [2 * len(SENT), len(SENT)]
        assert [passed.replied for passed in proxy.connections] == [2 * len(REPLIED), len(REPLIED)]
        assert proxy.connections[0].first_line == SENT.decode()
        wait_for(lambda: not proxy.open_connections)


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE])
@pytest.mark.parametrize("offset", [0, 1, 7, len(REPLIED)])
def test_a_cut_comes_after_the_planned_byte_and_spares_the_others(between, kind, offset):
    with (
        between(Fault(kind, 1, Way.REPLIED, offset)) as (proxy, connect, _),
        connect() as first,
        connect() as second,
    ):
        assert ask(first) == REPLIED
        got, error = b"", None
        second.settimeout(5)
        try:
            second.sendall(SENT)
            while data := second.recv(100):
                got += data
        except OSError as broken:
            error = broken
        assert proxy.struck.wait(5)
        if kind is Kind.CLOSE:
            assert got == REPLIED[:offset]
        else:
            assert REPLIED.startswith(got)
            assert len(got) <= offset
            if second.family == socket.AF_INET:
                assert isinstance(error, ConnectionResetError)
        assert not isinstance(error, TimeoutError)
        assert ask(first) == REPLIED


def test_a_cut_of_what_is_sent_reaches_the_server(between):
    with between(Fault(Kind.CLOSE, 0, Way.SENT, 5)) as (proxy, connect, heard), connect() as client:
        with suppress(OSError):
            assert ask(client) == b""
        assert proxy.struck.is_set()
        wait_for(lambda: heard == [SENT[:5]])


@pytest.mark.parametrize("way", list(Way))
def test_a_stall_lets_nothing_more_pass_in_one_direction_of_one_connection(between, way):
    with between(Fault(Kind.STALL, 0, way, 4)) as (proxy, connect, heard), connect() as client, connect() as other:
        client.settimeout(0.3)
        client.sendall(SENT)
        if way is Way.REPLIED:
            assert client.recv(100) == REPLIED[:4]
        with pytest.raises(TimeoutError):
            client.recv(100)
        assert proxy.struck.is_set()
        assert heard == [SENT if way is Way.REPLIED else SENT[:4]]
        assert ask(other) == REPLIED
        proxy.thaw()
        with pytest.raises(TimeoutError):
            client.recv(100)
        assert len(proxy.open_connections) == 2
        client.close()
        wait_for(lambda: len(proxy.open_connections) == 1)


def test_a_freeze_stills_everything_until_it_thaws_for_new_connections(between):
    with (
        between(Fault(Kind.FREEZE, 1, Way.REPLIED, 4)) as (proxy, connect, _),
        connect() as other,
        connect() as client,
    ):
        assert ask(other) == REPLIED
        with pytest.raises(TimeoutError):
            ask(client, 0.2)
        assert proxy.struck.is_set()
        with connect() as late:
            for still in (other, late):
                with pytest.raises(TimeoutError):
                    ask(still, 0.2)
            proxy.thaw()
            for still in (client, other, late):
                with pytest.raises(TimeoutError):
                    ask(still, 0.2)
        with connect() as after:
            assert ask(after) == REPLIED


@pytest.mark.parametrize("existing_only", [False, True])
def test_a_freeze_by_hand_loses_nothing_where_it_thaws(between, existing_only):
    with between() as (proxy, connect, _), connect() as client:
        assert ask(client) == REPLIED
        proxy.freeze(existing_only=existing_only)
        with pytest.raises(TimeoutError):
            ask(client, 0.2)
        with connect() as late:
            if existing_only:
                assert ask(late) == REPLIED
            else:
                with pytest.raises(TimeoutError):
                    ask(late, 0.2)
            proxy.thaw(existing=True)
            client.settimeout(5)
            assert client.recv(100) == REPLIED
            assert ask(client) == REPLIED


@pytest.mark.parametrize("way", list(Way))
def test_a_corruption_changes_the_planned_bytes_and_no_others(between, way):
    with between(Fault(Kind.CORRUPT, 0, way, 3, b"\x01\x80")) as (proxy, connect, heard), connect() as client:
        got = ask(client)
        assert proxy.struck.is_set()

        def changed(data):
            return data[:3] + bytes([data[3] ^ 0x01, data[4] ^ 0x80]) + data[5:]

        assert got == (changed(REPLIED) if way is Way.REPLIED else REPLIED)
        assert heard == [changed(SENT) if way is Way.SENT else SENT]


def wait_for(condition):
    end = threading.Event()
    for _ in range(100):
        if condition():
            return
        end.wait(0.05)
    raise AssertionError("it did not come about")
