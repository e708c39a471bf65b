import itertools
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nbcontainer.engines.output import LONGEST_FRAME, Frames, LineParts, UnreadInput
from nbcontainer.errors import ApiError
from nbcontainer.model.timestamps import seconds_of

NUMBERS = {"stdout": 1, "stderr": 2}


def frame(stream, data):
    return bytes([NUMBERS[stream], 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@given(
    some.lists(
        some.tuples(some.sampled_from(["stdout", "stderr"]), some.binary(min_size=1, max_size=300)), max_size=20
    ),
    some.lists(some.integers(1, 50), min_size=1),
)
def test_frames_come_out_as_they_went_in_however_they_are_cut(pieces, sizes):
    data = b"".join(frame(stream, piece) for stream, piece in pieces)
    frames, found, at, turn = Frames(), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found += frames.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert successive(found) == successive(pieces)
    assert not frames.broken


def successive(pieces):
    """Successive pieces of a stream as one."""
    return [(stream, b"".join(data for _, data in group)) for stream, group in itertools.groupby(pieces, itemgetter(0))]


@given(
    some.lists(
        some.tuples(
            some.sampled_from(["stdout", "stdout", "stderr"]), some.sampled_from([b"", b"a\n", b"b\n", b"ccc\n"])
        ),
        max_size=30,
    ),
    some.lists(some.integers(1, 4), min_size=1),
)
def test_frames_that_arrive_whole_come_out_as_they_went_in(pieces, counts):
    frames, found, rest = Frames(), [], [frame(*piece) for piece in pieces]
    for turn in range(len(pieces)):
        count = counts[turn % len(counts)]
        found += frames.feed(*rest[:count])
        rest = rest[count:]
    assert successive(found) == successive([piece for piece in pieces if piece[1]])
    assert not frames.broken


def test_a_very_long_frame_arrives_in_parts():
    data = frame("stdout", b"x" * (5 * LONGEST_FRAME))
    frames, found = Frames(), []
    for at in range(0, len(data), 10_000):
        found += frames.feed(data[at : at + 10_000])
    assert b"".join(piece for _, piece in found) == b"x" * (5 * LONGEST_FRAME)
    assert len(found) > 1
    assert not frames.broken


def test_a_frame_that_is_cut_off_is_broken():
    frames = Frames()
    assert list(frames.feed(frame("stdout", b"abc")[:-1])) == []
    assert frames.broken


@pytest.mark.parametrize("data", [b"<html><body>", b"\x01\x01\0\0\0\0\0\1x", b"\x09\0\0\0\0\0\0\1x"])
def test_bytes_that_are_not_a_frame_are_an_error(data):
    with pytest.raises(ApiError, match="not in frames"):
        list(Frames().feed(data))


def test_a_terminals_output_has_no_frames():
    assert list(Frames(raw=True).feed(b"<html>")) == [("stdout", b"<html>")]


FIRST, SECOND = b"2026-11-23T07:09:33.010200588Z ", b"2026-11-23T07:09:34.999999999Z "


def joined(*pieces, same_stamp=True, raw=False):
    frames = Frames(raw=raw, parts=lambda: LineParts(same_stamp=same_stamp))
    sent = pieces if raw else [frame(*piece) for piece in pieces]
    found = {"stdout": b"", "stderr": b""}
    for stream, data in frames.feed(*sent):
        found[stream] += data
    return found


def test_a_line_in_several_parts_keeps_the_first_timestamp():
    out = [("stdout", FIRST + b"x" * 16_384), ("stdout", FIRST + b"y" * 10), ("stdout", FIRST + b"\n")]
    found = joined(*out, ("stderr", SECOND + b"err\n"), ("stdout", SECOND + b"next\n"))
    assert found["stdout"] == FIRST + b"x" * 16_384 + b"y" * 10 + b"\n" + SECOND + b"next\n"
    assert found["stderr"] == SECOND + b"err\n"


def test_parts_of_two_streams_alternate():
    parts = [("stdout", FIRST + b"a"), ("stderr", SECOND + b"b"), ("stdout", FIRST + b"c\n"), ("stderr", SECOND + b"d")]
    assert joined(*parts) == {"stdout": FIRST + b"ac\n", "stderr": SECOND + b"bd"}


def test_another_timestamp_begins_a_line_where_all_parts_have_the_same():
    parts = [("stdout", FIRST + b"end"), ("stdout", SECOND + b"begin\n")]
    assert joined(*parts)["stdout"] == FIRST + b"end\n" + SECOND + b"begin\n"
    assert joined(*parts, same_stamp=False)["stdout"] == FIRST + b"endbegin\n"


def test_a_timestamp_in_the_text_stays():
    text = FIRST + SECOND + b"said " + FIRST + b"\n"
    assert joined(("stdout", text))["stdout"] == text
    assert (
        joined(("stdout", FIRST + b"x"), ("stdout", FIRST + SECOND + b"\n"))["stdout"] == FIRST + b"x" + SECOND + b"\n"
    )


def test_the_pieces_of_a_terminals_output_are_the_parts_of_its_lines():
    assert joined(FIRST + b"a" * 16_384, FIRST + b"b\r\n", SECOND + b"c", raw=True)["stdout"] == (
        FIRST + b"a" * 16_384 + b"b\r\n" + SECOND + b"c"
    )


def test_what_the_engine_says_in_a_frame_of_its_own_is_an_error():
    said = b"Error grabbing logs: invalid character\n"
    data = frame("stdout", b"before\n") + b"\3\0\0\0" + len(said).to_bytes(4, "big") + said
    found = []
    with pytest.raises(ApiError, match="Error grabbing logs: invalid character"):
        found.extend(Frames().feed(data))
    assert list(Frames().feed(data[:15])) == [("stdout", b"before\n")]


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00Z", "yesterday", "9999-99-99T00:00:00Z"])
def test_no_time_is_zero(text):
    assert seconds_of(text) == 0.0


def test_podmans_words_on_an_unread_input_are_left_out():
    words = b"Error: read unixpacket @->/proc/self/fd/15/attach: read: connection reset by peer\n"
    pieces = [("stdout", words), ("stderr", b"oops\n"), ("stderr", b"partial" + words)]
    unread = UnreadInput(expected=True)
    assert list(unread.leave_out(pieces)) == [("stdout", words), ("stderr", b"oops\n"), ("stderr", b"partial")]
    assert unread.seen
    other = UnreadInput(expected=False)
    assert list(other.leave_out(pieces)) == pieces
    assert not other.seen
