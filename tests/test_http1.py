"""HTTP/1.1's chunked bodies, however they arrive."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.http1 import ChunkedBody


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(0, 400), max_size=5))
def test_chunks_cut_anywhere_give_the_same(contents, cuts):
    data = b"".join(b"%x;name=value\r\n%b\r\n" % (len(content), content) for content in contents) + b"0\r\n\r\n"
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    body = ChunkedBody()
    found = [chunk for start, end in itertools.pairwise(places) for chunk in body.feed(data[start:end])]
    assert (found, body.ended) == (contents, True)


def test_a_very_long_chunk_comes_in_parts():
    body, content = ChunkedBody(), b"x" * 5_000_000
    data = b"%x\r\n%b\r\n1\r\ny\r\n0\r\n\r\n" % (len(content), content)
    found = [chunk for start in range(0, len(data), 65_536) for chunk in body.feed(data[start : start + 65_536])]
    assert (b"".join(found), body.ended) == (content + b"y", True)
    assert max(map(len, found)) < 2_000_000


def test_a_body_that_breaks_off_has_not_ended():
    body = ChunkedBody()
    assert (body.feed(b"5\r\nhello\r\n5\r\nwor"), body.ended) == ([b"hello"], False)


@pytest.mark.parametrize(
    "data", [b"hello\r\n", b"-1\r\nx\r\n", b"x" * 2000, b"\r\n5\r\nhello\r\n", b"5\r\nhello, world\r\n"]
)
def test_garbage_is_told(data):
    with pytest.raises(ValueError):  # noqa: PT011 - the caller says what it means
        ChunkedBody().feed(data)
