"""Bytes of log streams become lines, however they are split, and continue after a break."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.clusters.log_lines import LINE_LIMIT, LineReader

STAMPED = b"".join(
    b"2026-11-23T09:00:%02d.%09dZ line %d \xc3\xa9\n" % (number // 40, number % 3, number) for number in range(200)
)


def read(reader, data, cuts):
    lines, spool = [], b""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        more, text = reader.feed(data[start:end])
        lines += more
        spool += text
    more, text = reader.finish()
    return lines + more, spool + text


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=5))
def test_any_bytes_cut_anywhere_give_the_same(data, cuts):
    lines, spool = read(LineReader("p", stamped=False), data, cuts)
    body = data.removesuffix(b"\n")
    assert [line.text for line in lines] == (body.decode(errors="replace").split("\n") if data else [])
    assert spool == (data if data.endswith(b"\n") or not data else data + b"\n")


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=5))
def test_any_bytes_with_stamps_do_not_break_it(data, cuts):
    whole, _ = read(LineReader("p", stamped=True), data, [])
    parts, _ = read(LineReader("p", stamped=True), data, cuts)
    assert parts == whole


@given(st.integers(0, len(STAMPED)), st.integers(0, len(STAMPED)))
def test_a_stream_is_taken_up_where_it_broke(first, second):
    """The server sends all lines from the requested second on, as the kubelet does."""
    reader, lines = LineReader("p", stamped=True), []
    for end in (first, second, len(STAMPED)):
        since = reader.resume_from
        reader.begin(resume=bool(since))
        rest = b"".join(line for line in STAMPED.splitlines(keepends=True) if line[:19] >= since[:19].encode())
        # a break may come in the middle of a line: its first part does not count
        lines += reader.feed(rest[: max(0, end - (len(STAMPED) - len(rest)))])[0]
    assert [line.text for line in lines] == [f"line {number} é" for number in range(200)]


def test_times_and_prefixes():
    reader = LineReader("p", stamped=True, prefix=b"[p] ", keep_stamps=True, stream="stderr")
    lines, spool = reader.feed(b"1970-01-01T00:01:00.500000000Z a\n1970-01-01T01:01:01+01:00 b\n")
    assert [(line.time, line.text, line.stream) for line in lines] == [(60.5, "a", "stderr"), (61.0, "b", "stderr")]
    assert spool == b"[p] 1970-01-01T00:01:00.500000000Z a\n[p] 1970-01-01T01:01:01+01:00 b\n"


@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("size", [LINE_LIMIT, LINE_LIMIT + 1, 70_000, 500_000])
@pytest.mark.parametrize("piece", [999, 65_537, 10**9])
def test_long_lines(stamped, size, piece):
    stamp = b"1970-01-01T00:01:00.500000000Z " if stamped else b""
    data = stamp + b"x" * size + b"\n" + stamp + b"after\n"
    reader = LineReader("p", stamped=stamped)
    lines, spool = read(reader, data, range(0, len(data), piece))
    assert spool == b"x" * size + b"\nafter\n"
    assert [line.text for line in lines][1:] == ["after"]
    text = lines[0].text
    assert text[:LINE_LIMIT] == "x" * LINE_LIMIT
    assert text[LINE_LIMIT:] == (
        "" if size == LINE_LIMIT else f" … [{size - LINE_LIMIT:,} more, all in the spool file]"
    )
    assert lines[0].time == (60.5 if stamped else 0.0)


def test_a_second_that_does_not_come_again_is_a_gap():
    reader = LineReader("web", stamped=True)
    gaps = []
    reader.position.on_gap = gaps.append
    reader.feed(b"2026-01-02T03:04:05.1Z a\n2026-01-02T03:04:05.2Z b\n2026-01-02T03:04:05.3Z hal")
    reader.begin(resume=True)
    lines, _ = reader.feed(b"2026-01-02T03:04:05.1Z a\n2026-01-02T03:04:05.2Z b\n2026-01-02T03:04:05.3Z half\n")
    assert ([line.text for line in lines], gaps) == (["half"], [])
    reader.begin(resume=True)
    lines, _ = reader.feed(b"2026-01-02T03:04:09.1Z later\n")
    assert ([line.text for line in lines], gaps) == (["later"], ["2026-01-02T03:04:05Z"])
    reader.begin(resume=False)
    reader.feed(b"2026-01-02T03:04:11.1Z of another container\n")
    assert len(gaps) == 1


def test_no_gap_is_reported_if_any_line_is_repeated():
    reader = LineReader("web", stamped=True)
    gaps = []
    reader.position.on_gap = gaps.append
    reader.begin(resume=False, within=True)
    # the last part of a long line; a new stream sends the whole line, with its first part's timestamp
    reader.feed(b"2026-01-02T03:04:05.3Z end of a long line\n")
    reader.begin(resume=True)
    lines, _ = reader.feed(b"2026-01-02T03:04:05.1Z long line, end of a long line\n2026-01-02T03:04:06.1Z next\n")
    assert ([line.text for line in lines], gaps) == (["next"], [])


@pytest.mark.parametrize("size", [90_000, 150_000, 300_000])
def test_a_long_line_that_breaks_goes_on_where_it_broke(size):
    reader = LineReader("web", stamped=True)
    long = b"2026-01-02T03:04:05.1Z " + bytes(33 + at // 7 % 90 for at in range(size))
    lines, spool = reader.feed(b"2026-01-02T03:04:05Z before\n" + long[:80_000])
    for piece in (66_000, 70_000, 1_000_000):  # of the whole, of less than was there, and all
        reader.begin(resume=True)
        assert reader.resume_from == "2026-01-02T03:04:04Z"
        again = b"2026-01-02T03:04:05Z before\n" + long + b"\n2026-01-02T03:04:05.2Z next\n"
        more, text = reader.feed(again[: min(piece, 89_000)])
        lines, spool = lines + more, spool + text
        more, text = reader.feed(again[min(piece, 89_000) : piece])
        lines, spool = lines + more, spool + text
    assert spool == b"before\n" + long[23:] + b"\nnext\n"
    first, cut, after = (line.text for line in lines)
    assert (first, after) == ("before", "next")
    assert cut.endswith(f" … [{size - LINE_LIMIT:,} more, all in the spool file]")


def test_a_long_line_that_does_not_come_again_ends_where_it_broke():
    reader = LineReader("web", stamped=True)
    reader.feed(b"2026-01-02T03:04:05.1Z " + b"x" * 100_000)
    reader.begin(resume=True)
    lines, spooled = reader.feed(b"2026-01-02T03:04:09.1Z next\n")
    assert ([line.text[-20:] for line in lines], spooled) == ([" all in the spool file]"[-20:], "next"], b"\nnext\n")
    reader.feed(b"2026-01-02T03:04:10.1Z " + b"x" * 100_000)
    reader.begin(resume=True)
    assert reader.finish()[1] == b"\n"
    assert reader.finish() == ([], b"")
