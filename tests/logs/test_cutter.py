"""Bytes become whole lines, however they are cut."""

import itertools
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from nbcontainer.logs import cutter
from nbcontainer.logs.cutter import LONG_LINE, Cut, LineCutter, Piece

BYTES = some.lists(
    some.sampled_from([b"\n", b"\r", b"\r\n", b"\0", b"\xff", "€".encode(), b"a", b"b" * 30]), max_size=30
)
CUTS = some.lists(some.integers(0, 200), max_size=8)


def cut(data, cuts):
    """The data in pieces."""
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def cut_into_pieces(data, cuts=()):
    lines = LineCutter()
    return [piece for part in cut(data, cuts) for piece in lines.feed(part)] + lines.finish()


def whole_lines(pieces):
    """The lines of the pieces, as they are counted: those of LINES, and one for each END."""
    found, begun = [], b""
    for kind, data in pieces:
        if kind is Cut.LINES:
            assert not begun, "a long line is not interrupted"
            found += data.split(b"\n")[: data.count(b"\n") + (not data.endswith(b"\n"))]
        else:
            begun += data
            if kind is Cut.END:
                found.append(begun.removesuffix(b"\n"))
                begun = b""
    assert not begun, "a long line has an end"
    return found


@given(BYTES, CUTS)
@example([b"x" * 200, b"\r", b"y" * 200, b"\r\n", b"z"], [1, 99, 250, 401, 402])
def test_what_comes_out_is_what_went_in_however_it_is_cut(parts, cuts):
    data = b"".join(parts)
    lines = data.split(b"\n")[: data.count(b"\n") + bool(data and not data.endswith(b"\n"))]
    pieces = cut_into_pieces(data, cuts)
    assert b"".join(piece.data for piece in pieces) == data
    assert whole_lines(pieces) == lines
    assert all(piece.data for piece in pieces)
    with mock.patch.object(cutter, "LONG_LINE", 40):
        pieces = cut_into_pieces(data, cuts)
    assert b"".join(piece.data for piece in pieces) == data
    if b"\r" not in data:
        assert whole_lines(pieces) == lines
    # a bar is cut into its states, each line begins with a "\r"
    assert b"".join(whole_lines(pieces)) == b"".join(lines)
    assert len(whole_lines(pieces)) - len(lines) <= data.count(b"\r")


def test_lines_of_two_feeds_and_a_last_one_without_end():
    lines = LineCutter()
    assert lines.feed(b"a\r\nb") == [Piece(Cut.LINES, b"a\r\n")]
    assert lines.unfinished == b"b"
    assert lines.feed(b"c\nd\ne") == [Piece(Cut.LINES, b"bc\nd\n")]
    assert lines.finish() == [Piece(Cut.LINES, b"e")]
    assert lines.finish() == []


def test_a_line_without_end_needs_no_memory():
    lines = LineCutter()
    pieces = [piece for _ in range(100) for piece in lines.feed(b"x" * 10_000)]
    assert {piece.cut for piece in pieces} == {Cut.PART}
    assert not lines.unfinished
    assert lines.finish() == [Piece(Cut.END, b"")]
    assert sum(len(piece.data) for piece in pieces) == 1_000_000


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_bar_that_is_drawn_for_hours_is_cut_between_two_of_its_states(end):
    states = [f"\r{percent:3}% of all".encode() for percent in range(100)] * 200
    lines = LineCutter()
    pieces = [piece for state in states for piece in lines.feed(state)] + lines.feed(end) + lines.finish()
    assert len(pieces) > 2
    assert {piece.cut for piece in pieces} == {Cut.LINES}
    assert all(piece.data.removesuffix(b"\n").endswith(b"% of all") for piece in pieces)
    assert max(len(piece.data) for piece in pieces) <= LONG_LINE + 20
    assert b"".join(piece.data for piece in pieces) == b"".join(states) + end


def test_a_stream_that_broke_is_forgotten():
    lines = LineCutter()
    lines.feed(b"x" * (LONG_LINE + 1))
    lines.forget()
    assert lines.feed(b"a\n") == [Piece(Cut.LINES, b"a\n")]
