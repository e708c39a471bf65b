"""Resuming a log: whatever had arrived, only the rest follows; a different log is recognised."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nbcontainer.engines.log_position import KEPT_BYTES, Position, Unread

TEXTS = some.lists(some.sampled_from(["", "a", "b\r", "tick", "hällo", "x" * 5000]), max_size=12)
SIZES = some.lists(some.integers(1, 3000), min_size=1)


def pieces(data, sizes):
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


@given(TEXTS, some.booleans(), some.integers(0), SIZES, SIZES)
def test_the_rest_of_a_log_is_what_had_not_come(texts, ended, came, before, after):
    data = "\n".join(texts).encode() + b"\n" * ended
    came = came % (len(data) + 1)
    position = Position()
    for piece in pieces(data[:came], before):
        position.take(piece)
    unread = Unread(position)
    assert b"".join(map(unread.feed, pieces(data, after))) == data[came:]
    assert unread.ended_well()
    assert position.bytes == came
    assert len(position.last) <= KEPT_BYTES


def test_bytes_that_are_not_text_are_replaced():
    position = Position()
    position.take(b"\xff\xfe bad\nbegun")
    unread = Unread(position)
    assert unread.feed("\ufffd\ufffd bad\nbegun, ended\n".encode()) == b", ended\n"
    assert unread.ended_well()


@pytest.mark.parametrize("log", [b"last \xff\xe2\x82, end\n", "last \ufffd\ufffd\ufffd, end\n".encode()])
def test_an_unfinished_line_is_found_as_it_was_or_with_replaced_bytes(log):
    position = Position()
    position.take(b"first\nlast \xff\xe2\x82")
    unread = Unread(position)
    assert (unread.feed(b"first\n"), unread.feed(log)) == (b"", b", end\n")
    assert unread.ended_well()


@pytest.mark.parametrize("log", [b"3\n4\n5\n6\n7\n", b"7\n8\n9\n"])
def test_a_log_that_lost_its_beginning_is_another(log):
    position = Position()
    position.take(b"1\n2\n3\n4\n5\n")
    unread = Unread(position)
    unread.feed(log)
    assert not unread.ended_well()


def test_a_log_that_is_behind_is_the_same():
    position = Position()
    position.take(b"1\n2\n3\nno end")
    unread = Unread(position)
    assert unread.feed(b"1\n2\n3\n") == b""
    assert unread.ended_well()
