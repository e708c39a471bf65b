"""Client and server over a socket pair: both directions at once, slow readers, deadlines, peers that die."""

import contextlib
import socket
import sys
import threading
import time
import traceback
import tracemalloc

import pytest

from nbcontainer.buildkit.http2 import CONNECTION_WINDOW, STREAM_WINDOW, Http2
from nbcontainer.buildkit.rpc import Client, Server
from nbcontainer.buildkit.rpc_status import Code, RpcError, binary_value
from tests.buildkit.streams import SocketStream, pair


def explode(_requests, _metadata):
    raise ZeroDivisionError("by zero")


def refuse(_requests, metadata):
    raise RpcError(Code.PERMISSION_DENIED, f"not you, {metadata['who'][0]}: 100 % ä\n")


def tell(_requests, metadata):
    yield repr(metadata.get("list")).encode()


class Forever:
    """A handler that never replies; records when it was cancelled."""

    def __init__(self):
        self.begun, self.ended = threading.Event(), threading.Event()

    def __call__(self, requests, _metadata):
        self.begun.set()
        try:
            for _ in requests:
                yield b"news"
        finally:
            self.ended.set()


@contextlib.contextmanager
def connected(handlers):
    left, right = pair()
    server, client = Server(handlers), Client(lambda: left)
    server.attach(right)
    try:
        yield client
    finally:
        begun = time.monotonic()
        client.close()
        client.close()
        server.close()
        server.close()
        assert time.monotonic() - begun < 1
        wait_until(lambda: not still_running(), what=still_running)


def still_running():
    """Our threads that have not ended, and where they are."""
    frames = sys._current_frames()
    return [
        f"{thread.name}: {''.join(traceback.format_stack(frames[thread.ident])[-3:])}"
        for thread in threading.enumerate()
        if thread.name.startswith("buildkit-") and thread.ident in frames
    ]


def wait_until(condition, seconds=5.0, what=lambda: "it did not happen in time"):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.005)


ECHO = {"/x.Y/Echo": lambda requests, _: requests}


def test_calls_and_their_errors():
    with connected({**ECHO, "/x.Y/Explode": explode, "/x.Y/Refuse": refuse, "/x.Y/Tell": tell}) as client:
        assert client.unary("/x.Y/Echo", b"hello") == b"hello"
        assert client.unary("/x.Y/Echo", b"") == b""
        assert list(client.stream("/x.Y/Echo", [b"1", b"", b"3"])) == [b"1", b"", b"3"]
        assert list(client.stream("/x.Y/Echo", (bytes([i]) for i in range(3)))) == [b"\0", b"\1", b"\2"]
        assert client.unary("/x.Y/Tell", metadata=[("list", "a"), ("list", "b")]) == b"['a', 'b']"
        with pytest.raises(RpcError, match="ZeroDivisionError: by zero"):
            client.unary("/x.Y/Explode")
        with pytest.raises(RpcError) as caught:
            client.unary("/x.Y/Refuse", metadata=[("who", "Eve")])
        assert (caught.value.code, caught.value.message) == (Code.PERMISSION_DENIED, "not you, Eve: 100 % ä\n")
        with pytest.raises(RpcError, match="not offered") as caught:
            client.unary("/x.Y/Nothing")
        assert caught.value.code is Code.UNIMPLEMENTED
        assert client.unary("/x.Y/Echo", b"still here") == b"still here"


def test_large_transfers_both_ways_at_once_do_not_block_each_other():
    """Each end sends all the time; sending while holding a lock that the reader needs would deadlock."""
    piece, count = bytes(200_000), 200
    with connected(ECHO) as client:

        def run(found):
            found.append(sum(map(len, client.stream("/x.Y/Echo", (piece for _ in range(count))))))

        found = []
        threads = [threading.Thread(target=run, args=(found,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert found == [len(piece) * count] * 3


def test_a_reader_that_does_not_read_bounds_the_memory():
    sent = 0

    def flood(_requests, _metadata):
        nonlocal sent
        while True:
            sent += 100_000
            yield bytes(100_000)

    with connected({"/x.Y/Flood": flood}) as client:
        tracemalloc.start()
        answers = client.stream("/x.Y/Flood", [])
        assert len(next(answers)) == 100_000
        before = -1
        while before != sent:
            before = sent
            time.sleep(0.3)
        assert sent < 2 * STREAM_WINDOW + CONNECTION_WINDOW
        assert tracemalloc.get_traced_memory()[1] < 4 * STREAM_WINDOW + CONNECTION_WINDOW
        tracemalloc.stop()
        for _ in range(300):
            next(answers)
        assert sent > before
        answers.close()


@pytest.mark.parametrize("half_closed", [True, False])
def test_a_connection_lost_while_much_waits_to_be_sent_ends_the_handler(half_closed):
    """Nothing will free the window any more: the waiting handler must be notified."""
    begun, ended = threading.Event(), threading.Event()

    def flood(_requests, _metadata):
        try:
            while True:
                begun.set()
                yield bytes(100_000)
        finally:
            ended.set()

    left, right = pair()
    server = Server({"/x.Y/Flood": flood})
    server.attach(right)
    core = Http2(client=True)
    core._h2.increment_flow_control_window((1 << 30) - 1)
    core._h2.update_settings({4: 1 << 30})  # SETTINGS_INITIAL_WINDOW_SIZE: only the socket and the writer slow it down
    call = core.open([(":method", "POST"), (":scheme", "http"), (":path", "/x.Y/Flood"), (":authority", "a")])
    if half_closed:
        core.end(call)
    left.sendall(core.data_to_send())
    assert begun.wait(5)
    wait_until(lambda: server._connection.blocked)
    left.close()
    assert ended.wait(5)
    server.close()
    wait_until(lambda: not still_running(), what=still_running)


def test_leaving_early_ends_the_other_side():
    forever = Forever()
    with connected({"/x.Y/Forever": forever}) as client:
        for answer in client.stream("/x.Y/Forever", iter(lambda: b"go on", None)):
            assert answer == b"news"
            break
        assert forever.ended.wait(5)


def test_cancelling_from_another_thread():
    begun, gate, broken_off, calls, errors = threading.Event(), threading.Event(), threading.Event(), [], []

    def hold(requests, _metadata):
        yield from requests
        begun.set()
        gate.wait(30)
        try:
            yield b"too late"
        finally:
            broken_off.set()

    with connected({"/x.Y/Hold": hold}) as client:

        def run():
            with pytest.raises(RpcError) as caught:
                client.unary("/x.Y/Hold", on_call=calls.append)
            errors.append(caught.value)

        thread = threading.Thread(target=run)
        thread.start()
        assert begun.wait(5)
        started = time.monotonic()
        calls[0].cancel()
        thread.join(5)
        assert time.monotonic() - started < 0.5
        assert errors[0].code is Code.CANCELLED
        gate.set()
        assert broken_off.wait(5)


def test_deadlines():
    gate = threading.Event()

    def late(_requests, metadata):
        assert metadata["grpc-timeout"] == ["200m"]
        gate.wait(10)
        yield b"late"

    with connected({"/x.Y/Late": late}) as client:
        begun = time.monotonic()
        with pytest.raises(RpcError, match=r"Y/Late took longer than 0\.2 s") as caught:
            client.unary("/x.Y/Late", timeout=0.2)
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        assert 0.15 < time.monotonic() - begun < 1
        gate.set()


def test_deadlines_hold_while_the_window_is_full():
    gate = threading.Event()

    def deaf(_requests, _metadata):
        gate.wait(10)
        return ()

    with connected({"/x.Y/Deaf": deaf}) as client:
        with pytest.raises(RpcError) as caught:
            list(client.stream("/x.Y/Deaf", [bytes(1 << 20)] * 40, timeout=0.5))
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        gate.set()


def test_an_answer_before_all_was_sent():
    def first_only(requests, _metadata):
        yield next(requests)

    with connected({"/x.Y/First": first_only}) as client:
        assert list(client.stream("/x.Y/First", (bytes(1 << 20) for _ in range(100)))) == [bytes(1 << 20)]
        assert list(client.stream("/x.Y/First", [bytes(1 << 20)] * 20)) == [bytes(1 << 20)]


def test_requests_that_break_off_break_the_call():
    def broken():
        yield b"one"
        raise ValueError("no more")

    with connected(ECHO) as client:
        with pytest.raises(RpcError, match="ValueError: no more"):
            list(client.stream("/x.Y/Echo", broken()))
        assert client.unary("/x.Y/Echo", b"on") == b"on"


def dies_silently(_):
    pass


def dies_with_garbage(connected_socket):
    connected_socket.sendall(b"\x00garbage that is no frame" * 100)


def answers_in_http_1(connected_socket):
    connected_socket.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def dies_after_settings(connected_socket):
    connected_socket.sendall(Http2(client=False).data_to_send())
    time.sleep(0.05)


def dies_after_headers(connected_socket):
    core = Http2(client=False)
    connected_socket.sendall(core.data_to_send())
    while not (opened := core.receive(connected_socket.recv(1 << 16)).opened):
        connected_socket.sendall(core.data_to_send())
    core.send_headers(opened[0], [(":status", "200"), ("content-type", "application/grpc")])
    connected_socket.sendall(core.data_to_send())


def dies_within_a_message(connected_socket):
    core = Http2(client=False)
    connected_socket.sendall(core.data_to_send())
    while not (opened := core.receive(connected_socket.recv(1 << 16)).opened):
        connected_socket.sendall(core.data_to_send())
    core.send_headers(opened[0], [(":status", "200"), ("content-type", "application/grpc")])
    core.send(opened[0], b"\0\0\0\1\0some", 0, 100)
    connected_socket.sendall(core.data_to_send())


def says_goaway(connected_socket):
    core = Http2(client=False)
    connected_socket.sendall(core.data_to_send())
    while not core.receive(connected_socket.recv(1 << 16)).opened:
        connected_socket.sendall(core.data_to_send())
    core.close()
    connected_socket.sendall(core.data_to_send())


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        (dies_silently, "Y/Echo"),
        (dies_with_garbage, "Y/Echo"),
        (answers_in_http_1, "speaks HTTP/1"),
        (dies_after_settings, "Y/Echo"),
        (dies_after_headers, "Y/Echo"),
        (dies_within_a_message, "Y/Echo"),
        (says_goaway, "GOAWAY"),
    ],
)
def test_a_peer_that_dies_at_each_stage(peer, words):
    ours, theirs = socket.socketpair()

    def run():
        with theirs, contextlib.suppress(OSError):
            peer(theirs)
            theirs.shutdown(socket.SHUT_WR)
            while theirs.recv(1 << 16):
                pass

    thread = threading.Thread(target=run)
    thread.start()
    client = Client(lambda: SocketStream(ours))
    begun = time.monotonic()
    with pytest.raises(RpcError, match=words) as caught:
        client.unary("/x.Y/Echo", b"x" * 100_000, timeout=10)
    assert caught.value.code is Code.UNAVAILABLE
    assert time.monotonic() - begun < 2
    client.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_peer_that_reads_nothing_is_left_within_a_second():
    ours, theirs = socket.socketpair()
    client = Client(lambda: SocketStream(ours))
    thread = threading.Thread(target=_send_in_vain, args=(client,), name="sender", daemon=True)
    thread.start()
    time.sleep(0.2)
    begun = time.monotonic()
    client.close()
    assert time.monotonic() - begun < 1
    thread.join(2)
    assert not thread.is_alive()
    theirs.close()


def _send_in_vain(client):
    with contextlib.suppress(RpcError):
        list(client.stream("/x.Y/Z", [bytes(1 << 20)] * 10))


def test_dialling_again_after_the_connection_was_lost():
    servers = []

    def open_stream():
        left, right = pair()
        server = Server(ECHO)
        server.attach(right)
        servers.append(server)
        return left

    client = Client(open_stream)
    assert client.unary("/x.Y/Echo", b"1") == b"1"
    assert client.unary("/x.Y/Echo", b"2") == b"2"
    assert len(servers) == 1
    servers[0].close()
    wait_until(lambda: client._connection.lost)
    assert client.unary("/x.Y/Echo", b"3") == b"3"
    client.close()
    servers[1].close()
    with pytest.raises(RpcError, match="closed"):
        client.unary("/x.Y/Echo", b"4")


def test_what_cannot_be_dialled():
    def refused():
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(RpcError, match=r"cannot connect.*refused") as caught:
        Client(refused).unary("/x.Y/Z")
    assert caught.value.code is Code.UNAVAILABLE

    def other():
        raise LookupError("no engine")

    with pytest.raises(LookupError):
        Client(other).unary("/x.Y/Z")


def test_a_lost_connection_is_reported_but_not_a_closed_one():
    reported = []
    for close in (True, False):
        left, right = pair()
        server = Server(ECHO, on_lost=reported.append)
        server.attach(right)
        if close:
            server.close()
            left.close()
            time.sleep(0.05)
            assert not reported
        else:
            left.close()
            wait_until(lambda: reported)
            assert reported[0].code is Code.UNAVAILABLE
            server.close()


def test_binary_values():
    assert binary_value("aGk") == binary_value("aGk=") == b"hi"
    assert binary_value("a") == b""


def test_a_silent_connection_is_given_up_and_a_good_one_kept():
    opened, servers = [], []

    def open_stream():
        ours, theirs = socket.socketpair()
        opened.append(theirs)
        if len(opened) > 1:  # the first server never reads or writes
            servers.append(Server(ECHO))
            servers[-1].attach(SocketStream(theirs))
        return SocketStream(ours)

    with Client(open_stream) as client:
        call = client.call("/x.Y/Echo")
        client.drop_if_silent(0.1)
        with pytest.raises(RpcError):
            call.receive()
        assert client.unary("/x.Y/Echo", b"on a new one") == b"on a new one"
        client.drop_if_silent(5)
        assert client.unary("/x.Y/Echo", b"the same") == b"the same"
        assert len(opened) == 2
    servers[0].close()
    opened[0].close()


def test_a_server_that_is_silent_is_pinged_only_after_it_has_sent_a_message():
    ours, theirs = socket.socketpair()
    server = Server(ECHO)
    server.attach(SocketStream(theirs))
    with Client(lambda: SocketStream(ours)) as client:
        client.unary("/x.Y/Echo", b"a")
        connection = client._connection
        pings, pinged = connection.http2.ping, []
        connection.http2.ping = lambda: pinged.append(connection._reads) or pings()
        calls = connection.http2._h2.get_next_available_stream_id()
        for _ in range(4):
            assert connection.answers(5)
        assert len(pinged) == 2  # between them, there is a call
        assert connection.http2._h2.get_next_available_stream_id() == calls + 4
        client.drop_if_silent(0.0, after=60)
        assert connection.lost is None
    server.close()


def test_each_call_is_one_line_in_the_log_without_its_content(caplog):
    def refuse(_requests, _metadata):
        raise RpcError(Code.NOT_FOUND, "hidden")

    handlers = {"/x.Y/Echo": lambda requests, _: requests, "/x.Y/Refuse": refuse}
    with caplog.at_level("DEBUG", "nbcontainer"), connected(handlers) as client:
        client.unary("/x.Y/Echo", b"hidden", metadata=[("token", "hidden")])
        with pytest.raises(RpcError):
            client.unary("/x.Y/Refuse", b"hidden")
        answers = client.stream("/x.Y/Echo", [b"hidden", b"hidden"])
        next(answers)
        answers.close()
        client.call("/x.Y/Echo").cancel()
    found = [record.getMessage().split() for record in caplog.records if record.name == "nbcontainer.buildkit"]
    assert [(method, path, outcome) for method, path, outcome, *_ in found] == [
        ("POST", "/x.Y/Echo", "OK"),
        ("POST", "/x.Y/Refuse", "NOT_FOUND"),
        ("POST", "/x.Y/Echo", "CANCELLED"),
        ("POST", "/x.Y/Echo", "started"),
    ]
    assert "hidden" not in caplog.text
