"""The core without I/O: two ends connected by hand, bytes in pieces of any size, and garbage."""

import itertools
import struct

import hpack
import pytest
from hyperframe.frame import ContinuationFrame, HeadersFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcontainer.buildkit.connection import frame
from nbcontainer.buildkit.http2 import HEADERS_LIMIT, STREAM_WINDOW, Http2, Stream
from nbcontainer.buildkit.rpc_status import Code, RpcError

REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/x.Y/Z"), (":authority", "a")]
ANSWER = [(":status", "200"), ("content-type", "application/grpc")]


def carry(source, target, cuts=()):
    """Move what `source` has to send to `target`, split as requested."""
    data = source.data_to_send()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    opened = []
    for begin, end in itertools.pairwise(edges):
        opened += target.receive(data[begin:end]).opened
    return opened


def joined():
    client, server = Http2(client=True), Http2(client=False)
    carry(client, server)
    carry(server, client)
    carry(client, server)
    return client, server


def send_all(core, stream, data):
    position = 0
    while (sent := core.send(stream, data, position, len(data))) > 0:
        position += sent
    return position


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=10), st.lists(st.integers(0, 10**6), max_size=20))
def test_messages_arrive_whole_however_the_bytes_are_cut(messages, cuts):
    client, server = joined()
    call = client.open(REQUEST)
    send_all(client, call, b"".join(frame(message) for message in messages))
    client.end(call)
    (answer,) = carry(client, server, cuts)
    assert [server.take(answer) for _ in messages] == messages
    assert server.take(answer) is None
    assert answer.ended
    server.send_headers(answer, ANSWER)
    send_all(server, answer, b"".join(frame(message) for message in messages))
    server.send_headers(answer, [("grpc-status", "0")], end=True)
    carry(server, client, cuts)
    assert [client.take(call) for _ in messages] == messages
    assert call.ended
    assert call.outcome() is None
    assert not client.streams
    assert not server.streams


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=400), st.booleans())
def test_garbage_ends_the_connection_with_an_error_that_says_so(garbage, client):
    core = Http2(client=client)
    core.data_to_send()
    try:
        core.receive(garbage)
    except RpcError as error:
        assert error.code is Code.UNAVAILABLE  # noqa: PT017 - some garbage is harmless
        assert "the other side" in error.message  # noqa: PT017 - some garbage is harmless


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8), st.lists(st.integers(0, 10**6), max_size=5))
def test_damaged_streams_end_in_an_error_or_go_on(position, damage, cuts):
    client, server = Http2(client=True), Http2(client=False)
    call = client.open(REQUEST)
    client.send(call, frame(b"hello") * 20, 0, 10**6)
    data = client.data_to_send()
    position %= len(data)
    data = data[:position] + damage + data[position + len(damage) :]
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    try:
        for begin, end in itertools.pairwise(edges):
            for opened in server.receive(data[begin:end]).opened:
                server.take(opened)
    except RpcError as error:
        assert error.code is Code.UNAVAILABLE  # noqa: PT017 - some garbage is harmless


def test_an_answer_in_http_1_is_named():
    core = Http2(client=True)
    with pytest.raises(RpcError, match=r"speaks HTTP/1, not gRPC: 'HTTP/1\.1 400 Bad Request'"):
        core.receive(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def test_a_slow_consumer_holds_its_own_peer_back_and_nobody_else():
    client, server = joined()
    slow, quick = client.open(REQUEST), client.open(REQUEST)
    message = frame(bytes(100_000))
    sent = 0
    for _ in range(100):
        sent += send_all(client, slow, message * 10)
        carry(client, server)
        carry(server, client)
    assert STREAM_WINDOW <= sent <= 2 * STREAM_WINDOW + 10 * len(message)
    assert server.streams[slow.id].waiting <= 2 * STREAM_WINDOW
    for _ in range(100):
        assert send_all(client, quick, message) == len(message)
        carry(client, server)
        assert server.take(server.streams[quick.id]) == bytes(100_000)
        carry(server, client)
    while server.take(server.streams[slow.id]) is not None:
        pass
    carry(server, client)
    assert send_all(client, slow, message) == len(message)


def test_a_message_larger_than_the_window_gets_through():
    client, server = joined()
    call = client.open(REQUEST)
    data, position = frame(bytes(3 * STREAM_WINDOW)), 0
    while position < len(data):
        sent = client.send(call, data, position, len(data))
        assert sent
        position += sent
        carry(client, server)
        carry(server, client)
    assert len(server.take(server.streams[call.id])) == 3 * STREAM_WINDOW


def test_a_message_over_the_limit_breaks_only_its_call():
    client, server = joined()
    server.message_limit = 1000
    call, other = client.open(REQUEST), client.open(REQUEST)
    send_all(client, call, frame(bytes(1001)))
    send_all(client, other, frame(bytes(1000)))
    big, small = carry(client, server)
    assert big.failure.code is Code.RESOURCE_EXHAUSTED
    assert server.take(small) == bytes(1000)
    carry(server, client)
    assert call.failure.code is Code.CANCELLED
    assert other.failure is None


@pytest.mark.parametrize(("flag", "code"), [(1, Code.UNIMPLEMENTED), (7, Code.INTERNAL)])
def test_compressed_and_malformed_messages_are_refused(flag, code):
    stream = Stream(1)
    with pytest.raises(RpcError) as caught:
        stream.feed(struct.pack(">BI", flag, 0), 10)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("headers", "code", "words"),
    [
        ([(":status", "404"), ("content-type", "text/plain")], Code.UNIMPLEMENTED, "HTTP 404"),
        ([(":status", "503")], Code.UNAVAILABLE, "HTTP 503"),
        ([(":status", "200"), ("content-type", "text/html")], Code.UNKNOWN, "not gRPC"),
        ([*ANSWER, ("grpc-status", "5"), ("grpc-message", "no%20such %C3%A4%FF")], Code.NOT_FOUND, "no such ä�"),
        ([*ANSWER, ("grpc-status", "99")], Code.UNKNOWN, "unknown gRPC status '99'"),
        ([*ANSWER, ("grpc-status", "x")], Code.UNKNOWN, "unknown gRPC status 'x'"),
        (ANSWER, Code.UNKNOWN, "not gRPC"),
    ],
)
def test_replies_with_only_headers(headers, code, words):
    client, server = joined()
    call = client.open(REQUEST)
    client.end(call)
    (answer,) = carry(client, server)
    server.send_headers(answer, headers, end=True)
    carry(server, client)
    outcome = call.outcome()
    assert outcome.code is code
    assert words in outcome.message


def test_details_come_with_or_without_padding():
    client, server = joined()
    for value in ("AAECAw==", "AAECAw"):
        call = client.open(REQUEST)
        (answer,) = carry(client, server)
        server.send_headers(answer, [*ANSWER, ("grpc-status", "2"), ("grpc-status-details-bin", value)], end=True)
        carry(server, client)
        assert call.outcome().status_details == b"\0\1\2\3"


def header_frames(encoder, stream, headers):
    """The frames of a reply's headers. h2 would compress them, which takes minutes for large ones."""
    block = encoder.encode(headers, huffman=False)
    pieces = [block[start : start + 16_384] for start in range(0, len(block), 16_384)]
    frames = [HeadersFrame(stream.id, pieces[0], flags=["END_STREAM"])]
    frames += [ContinuationFrame(stream.id, piece) for piece in pieces[1:]]
    frames[-1].flags.add("END_HEADERS")
    return [frame.serialize() for frame in frames]


def test_headers_of_megabytes_arrive_and_more_than_the_limit_end_the_connection():
    client, _ = joined()
    encoder, call = hpack.Encoder(), client.open(REQUEST)
    for data in header_frames(encoder, call, [*ANSWER, ("grpc-status", "2"), ("grpc-message", "x" * 3_000_000)]):
        client.receive(data)
    assert len(call.outcome().message) == 3_000_000
    call = client.open(REQUEST)
    frames = header_frames(encoder, call, [*ANSWER, ("grpc-message", "x" * (HEADERS_LIMIT + 100_000))])
    with pytest.raises(RpcError, match="headers of more than"):
        list(map(client.receive, frames))


def test_a_call_that_ends_within_a_message_failed():
    client, server = joined()
    call = client.open(REQUEST)
    (answer,) = carry(client, server)
    server.send_headers(answer, ANSWER)
    server.send(answer, frame(b"hello")[:-1], 0, 100)
    server.send_headers(answer, [("grpc-status", "0")], end=True)
    carry(server, client)
    assert "within a message" in call.outcome().message


def test_goaway_says_why():
    client, server = joined()
    call = client.open(REQUEST)
    server.close()
    carry(server, client)
    outcome = call.outcome()
    assert "GOAWAY" in outcome.message
    assert outcome.code is Code.UNAVAILABLE
    with pytest.raises(RpcError, match="GOAWAY"):
        client.open(REQUEST)


def test_a_graceful_goaway_lets_calls_finish_and_refuses_new_ones():
    client, server = joined()
    call = client.open(REQUEST)
    (answer,) = carry(client, server)
    server.send_headers(answer, ANSWER)
    goaway = struct.pack(">I", 8)[1:] + b"\x07\x00" + bytes(4) + struct.pack(">II", call.id, 0)
    server.send(answer, frame(b"hello"), 0, 100)
    server.send_headers(answer, [("grpc-status", "0")], end=True)
    client.receive(goaway + server.data_to_send())
    assert client.take(call) == b"hello"
    assert call.outcome() is None
    with pytest.raises(RpcError, match="GOAWAY"):
        client.open(REQUEST)
    with pytest.raises(RpcError, match="GOAWAY"):
        client.receive(goaway[:-1] + b"\x02")  # INTERNAL_ERROR


def test_large_trailers_arrive():
    client, server = joined()
    call = client.open(REQUEST)
    (answer,) = carry(client, server)
    server.send_headers(answer, ANSWER)
    server.send_headers(answer, [("grpc-status", "2"), ("grpc-message", "x" * 70_000)], end=True)
    carry(server, client)
    assert len(call.outcome().message) == 70_000


def test_pings_are_answered():
    client, server = joined()
    client.receive(struct.pack(">I", 8)[1:] + b"\x06\x00" + bytes(4) + b"12345678")
    answer = client.data_to_send()
    assert answer == struct.pack(">I", 8)[1:] + b"\x06\x01" + bytes(4) + b"12345678"
    server.receive(answer)
