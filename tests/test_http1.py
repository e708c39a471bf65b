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
    found = [body.feed(data[start:end]) for start, end in itertools.pairwise(places)]
    assert (b"".join(found), body.ended) == (b"".join(contents), True)


def test_a_body_that_breaks_off_has_not_ended():
    body = ChunkedBody()
    assert (body.feed(b"5\r\nhello\r\n5\r\nwor"), body.ended) == (b"hellowor", False)


@pytest.mark.parametrize("data", [b"hello\r\n", b"-1\r\nx\r\n", b"x" * 2000, b"5\r\nhello, world\r\n"])
def test_garbage_is_told(data):
    with pytest.raises(ValueError):  # noqa: PT011 - the caller says what it means
        ChunkedBody().feed(data)
