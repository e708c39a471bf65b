"""The codec: round trips, the same bytes as protobuf's, and any input is handled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.buildkit import gateway_messages, messages
from nbcontainer.buildkit.messages import (
    Credentials,
    Entry,
    Packet,
    Range,
    SolveRequest,
    SourceMap,
    Stat,
    StatusResponse,
    Time,
    Vertex,
    VertexLog,
)
from nbcontainer.buildkit.wire import Message, WireError, encoded

KINDS = sorted(
    {
        kind
        for module in (messages, gateway_messages)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Message)
    },
    key=lambda kind: kind.__name__,
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**63 - 1)
stats = st.builds(
    Stat,
    path=texts,
    mode=st.integers(0, 2**32 - 1),
    size=numbers,
    mtime=numbers,
    linkname=texts,
    xattrs=st.dictionaries(texts, st.binary()),
)


@given(
    st.builds(Packet, type=st.integers(0, 4), stat=st.none() | stats, id=st.integers(0, 2**32 - 1), data=st.binary())
)
def test_packets_survive_the_wire(packet):
    again = Packet.decode(packet.encode())
    assert again == packet
    assert (again.type, again.id, again.data) == (packet.type, packet.id, packet.data)
    assert (again.stat is None) == (packet.stat is None)
    if packet.stat is not None:
        assert again.stat.__dict__.get("xattrs", {}) == packet.stat.xattrs
        assert again.stat.mtime == packet.stat.mtime


@given(st.lists(texts), texts, st.booleans(), numbers)
def test_steps_survive_the_wire(inputs, name, cached, seconds):
    response = StatusResponse(vertexes=[Vertex(name=name, inputs=inputs, cached=cached, started=Time(seconds=seconds))])
    (vertex,) = StatusResponse.decode(response.encode()).vertexes
    assert (vertex.name, vertex.inputs, vertex.cached, vertex.started.seconds) == (name, inputs, cached, seconds)
    assert vertex.completed is None


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_garbage_is_a_message_or_a_wire_error(kind, data):
    try:
        message = kind.decode(data)
    except WireError:
        return
    repr(message)
    assert kind.decode(message.encode()) == message


@given(stats, st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_damaged_messages_are_messages_or_wire_errors(stat, position, damage):
    data = Packet(stat=stat, data=b"x" * 50).encode()
    position %= len(data)
    for broken in (data[:position], data[:position] + damage + data[position + len(damage) :]):
        try:
            Packet.decode(broken)
        except WireError:
            continue


def test_the_bytes_are_those_of_protobuf():
    # From protobuf's own encoder: VertexLog{vertex: "a", stream: 2, msg: "hi"}, Time{seconds: -1}, a map.
    assert VertexLog(vertex="a", stream=2, message=b"hi").encode() == b"\x0a\x01a\x18\x02\x22\x02hi"
    assert Time(seconds=-1).encode() == b"\x08" + b"\xff" * 9 + b"\x01"
    assert Entry(type="t", attributes={"k": "v"}).encode() == b"\x0a\x01t\x12\x06\x0a\x01k\x12\x01v"


def test_unknown_fields_and_groups_are_skipped():
    unknown = b"\xf8\x01\x05" + b"\xf9\x01" + b"8" * 8 + b"\xfd\x01" + b"4444" + b"\xfa\x01\x02ab"
    group = b"\xfb\x01" + b"\x0b\x08\x01\x0c" + unknown + b"\xfc\x01"
    assert Time.decode(unknown + b"\x08\x07" + group).seconds == 7


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # no value
        b"\x08" + b"\xff" * 11,  # an unterminated number
        b"\x0a\x05abc",  # a truncated field
        b"\x00\x01",  # field 0
        b"\x0e\x01",  # wire type 6
        b"\x0b",  # a group without an end
        b"\x0c",  # an end without a group
        b"\x0b\x14",  # another group's end
        b"\x0b" * 100_000,  # groups in groups
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length of 2^64 - 1
    ],
)
def test_malformed_messages_are_refused(data):
    with pytest.raises(WireError):
        Vertex.decode(data)


def test_a_field_of_another_type_is_skipped():
    assert Vertex.decode(b"\x08\x05\x1a\x01n").name == "n"


def test_a_text_that_is_not_valid_unicode_is_refused_by_name():
    with pytest.raises(WireError, match=r"Stat\.path"):
        Stat(path="\udcff").encode()


def test_a_text_that_is_not_utf8_is_read_with_replacements():
    assert Vertex.decode(b"\x1a\x02\xffn").name == "�n"


def test_wrong_names_are_programming_errors():
    with pytest.raises(TypeError, match="no field nme"):
        Vertex(nme="x")


def test_defaults_are_not_shared():
    first, second = Vertex(), Vertex()
    first.inputs.append("x")
    assert second.inputs == []
    assert Range().start is None


def test_an_empty_result_is_not_nothing():
    """A daemon crashed on a Return with neither result nor error."""
    assert gateway_messages.ReturnRequest(result=encoded(b"")).encode() == b"\x0a\x00"


def test_repr_shows_no_secret():
    shown = repr(
        [
            Credentials(username="alice", secret="hunter2"),
            messages.Token(token="hunter2"),
            messages.Bytes(data=b"hunter2"),
            SolveRequest(
                ref="r",
                frontend_attributes={"build-arg:HTTP_PROXY": "http://alice:hunter2@proxy"},
                exporter_attributes_old={"k": "hunter2"},
                exporters=[Entry(type="s3", attributes={"secret_access_key": "hunter2"})],
            ),
            SourceMap(infos=[messages.SourceInfo(data=b"hunter2")]),
            messages.VertexWarning(detail=[b"hunter2"]),
        ]
    )
    assert "hunter2" not in shown
    assert "alice" in shown
