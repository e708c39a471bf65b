"""Bytes of log streams become lines, however they are split, and continue after a break."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.model.log_lines import LONGEST_LINE
from tests.clusters.log_reading import Reading


@pytest.fixture(autouse=True)
def closed():
    yield
    Reading.close_all()


STAMPED = b"".join(
    b"2026-11-23T09:00:%02d.%09dZ line %d \xc3\xa9\n" % (number // 40, number % 3, number) for number in range(200)
)


def read(data, cuts, *, stamped):
    """The lines of `data`, which comes in pieces, and what the log's file has."""
    reading = Reading(stamped=stamped)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        reading.feed(data[start:end])
    reading.finish()
    reading.close()
    return reading.lines, reading.raw


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=5))
def test_any_bytes_cut_anywhere_give_the_same(data, cuts):
    lines, raw = read(data, cuts, stamped=False)
    texts = data.removesuffix(b"\n").decode(errors="replace").split("\n") if data else []
    assert [line.text for line in lines] == [text.removesuffix("\r") for text in texts]
    assert raw == data


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=5))
def test_any_bytes_with_stamps_do_not_break_it(data, cuts):
    assert read(data, cuts, stamped=True) == read(data, [], stamped=True)


@given(st.integers(0, len(STAMPED)), st.integers(0, len(STAMPED)))
def test_a_stream_is_taken_up_where_it_broke(first, second):
    """The server sends all lines from the requested second on, as the kubelet does."""
    reading = Reading(stamped=True)
    for end in (first, second, len(STAMPED)):
        since = reading.reader.resume_from
        reading.reader.begin(resume=bool(since))
        rest = b"".join(line for line in STAMPED.splitlines(keepends=True) if line[:19] >= since[:19].encode())
        # a break may come in the middle of a line: its first part does not count
        reading.feed(rest[: max(0, end - (len(STAMPED) - len(rest)))])
    assert [line.text for line in reading.lines] == [f"line {number} é" for number in range(200)]


def test_times():
    reading = Reading(stamped=True, stream="stderr")
    data = b"1970-01-01T00:01:00.500000000Z a\n1970-01-01T01:01:01+01:00 b\n"
    lines = reading.feed(data)
    assert [(line.time, line.text, line.stream) for line in lines] == [(60.5, "a", "stderr"), (61.0, "b", "stderr")]
    assert [(chunk.first, chunk.last) for chunk in reading.chunks] == [(60.5, 61.0)]
    assert reading.raw == data


@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("size", [LONGEST_LINE, LONGEST_LINE + 1, 70_000, 500_000])
@pytest.mark.parametrize("piece", [999, 65_537, 10**9])
def test_long_lines(stamped, size, piece):
    stamp = b"1970-01-01T00:01:00.500000000Z " if stamped else b""
    data = stamp + b"x" * size + b"\n" + stamp + b"after\n"
    lines, raw = read(data, range(0, len(data), piece), stamped=stamped)
    assert raw == data
    assert [line.text for line in lines][1:] == ["after"]
    assert lines[0].text == "x" * LONGEST_LINE
    assert lines[0].missing == size - LONGEST_LINE
    assert lines[0].time == (60.5 if stamped else 0.0)


def test_a_second_that_does_not_come_again_is_a_gap():
    reading = Reading("web", stamped=True)
    reader, gaps = reading.reader, []
    reader.position.on_gap = gaps.append
    reading.feed(b"2026-01-02T03:04:05.1Z a\n2026-01-02T03:04:05.2Z b\n2026-01-02T03:04:05.3Z hal")
    reader.begin(resume=True)
    lines = reading.feed(b"2026-01-02T03:04:05.1Z a\n2026-01-02T03:04:05.2Z b\n2026-01-02T03:04:05.3Z half\n")
    assert ([line.text for line in lines], gaps) == (["half"], [])
    reader.begin(resume=True)
    lines = reading.feed(b"2026-01-02T03:04:09.1Z later\n")
    assert ([line.text for line in lines], gaps) == (["later"], ["2026-01-02T03:04:05Z"])
    reader.begin(resume=False)
    reading.feed(b"2026-01-02T03:04:11.1Z of another container\n")
    assert len(gaps) == 1


def test_no_gap_is_reported_if_any_line_is_repeated():
    reading = Reading("web", stamped=True)
    reader, gaps = reading.reader, []
    reader.position.on_gap = gaps.append
    reader.begin(resume=False, within=True)
    # the last part of a long line; a new stream sends the whole line, with its first part's timestamp
    reading.feed(b"2026-01-02T03:04:05.3Z end of a long line\n")
    reader.begin(resume=True)
    lines = reading.feed(b"2026-01-02T03:04:05.1Z long line, end of a long line\n2026-01-02T03:04:06.1Z next\n")
    assert ([line.text for line in lines], gaps) == (["next"], [])


@pytest.mark.parametrize("size", [90_000, 150_000, 300_000])
def test_a_long_line_that_breaks_goes_on_where_it_broke(size):
    reading = Reading("web", stamped=True)
    long = b"2026-01-02T03:04:05.1Z " + bytes(33 + at // 7 % 90 for at in range(size))
    reading.feed(b"2026-01-02T03:04:05Z before\n" + long[:80_000])
    for piece in (66_000, 70_000, 1_000_000):  # of the whole, of less than was there, and all
        reading.reader.begin(resume=True)
        assert reading.reader.resume_from == "2026-01-02T03:04:04Z"
        again = b"2026-01-02T03:04:05Z before\n" + long + b"\n2026-01-02T03:04:05.2Z next\n"
        reading.feed(again[: min(piece, 89_000)])
        reading.feed(again[min(piece, 89_000) : piece])
    assert reading.raw == b"2026-01-02T03:04:05Z before\n" + long + b"\n2026-01-02T03:04:05.2Z next\n"
    first, cut, after = reading.lines
    assert (first.text, after.text) == ("before", "next")
    assert len(cut.text) + cut.missing == size


def test_a_long_line_that_does_not_come_again_ends_where_it_broke():
    reading = Reading("web", stamped=True)
    first = b"2026-01-02T03:04:05.1Z " + b"x" * 100_000
    reading.feed(first)
    reading.reader.begin(resume=True)
    lines = reading.feed(b"2026-01-02T03:04:09.1Z next\n")
    assert [(line.text[-4:], line.missing) for line in lines] == [("xxxx", 100_000 - LONGEST_LINE), ("next", 0)]
    assert reading.raw == first + b"\n2026-01-02T03:04:09.1Z next\n"
    reading.feed(b"2026-01-02T03:04:10.1Z " + b"x" * 100_000)
    reading.reader.begin(resume=True)
    assert [line.missing for line in reading.finish()] == [100_000 - LONGEST_LINE]
    assert reading.finish() == []
