"""Bytes of a step become whole lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.engines.build_output import LONGEST_LINE, LineSplitter


def lines_of(*pieces):
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    return lines + splitter.flush()


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ((b"a\nb\n",), ["a", "b"]),
        ((b"a", b"b\nc"), ["ab", "c"]),
        ((b"a\r\nb\r", b"\nc\n"), ["a", "b", "c"]),
        ((b"1%\r2%\r", b"3%\r", b"done\n"), ["done"]),
        ((b"1%\r", b"2%"), ["2%"]),
        ((b"1%\r2%\r",), ["2%"]),
        (("é".encode()[:1], "é".encode()[1:] + b"\n"), ["é"]),
        ((b"\xff\n",), ["\ufffd"]),
        ((b"\n\n",), ["", ""]),
        ((b"\r\r\r",), []),
        ((b"",), []),
    ],
)
def test_lines(pieces, lines):
    assert lines_of(*pieces) == lines


def test_a_line_without_end_is_cut():
    splitter = LineSplitter()
    found = []
    for _ in range(100):
        found += splitter.feed(b"x" * 10_000)
    found += splitter.flush()
    assert "".join(found) == "x" * 1_000_000
    assert max(map(len, found)) <= LONGEST_LINE


def test_bars_do_not_grow():
    splitter = LineSplitter()
    for _ in range(1000):
        assert splitter.feed(b"\r" + b"#" * 1000) == []
        assert splitter.feed(b"\r" * 1000) == []
    assert len(splitter._rest) < 2100


@given(st.lists(st.binary(max_size=20)))
def test_without_a_bar_chunks_do_not_matter(pieces):
    whole = [piece.replace(b"\r", b"") for piece in pieces]
    assert lines_of(*whole) == lines_of(b"".join(whole))
