"""Chunks of lines: their texts at once are those of their lines, and a part of a chunk is a part of its lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.model.log_lines import LONGEST_LINE, LogChunk, LogLine, chunks_of
from nbcontainer.model.logs import LogLines, LogState, apply_logs

STAMPS = (
    "2026-01-02T03:04:05.123456789Z ",
    "2026-01-02T03:04:06.000000001Z ",
    "2026-01-02T03:04:05.12Z ",
    "2026-01-02T05:04:05.123456789+02:00 ",
    "",
)
TEXTS = st.text(
    st.characters(exclude_characters="\n", exclude_categories=["Cs"]) | st.sampled_from("\r\x1b "), max_size=20
)


@st.composite
def chunks(draw):
    stamped = draw(st.booleans())
    stamps = draw(st.sampled_from([STAMPS[:2], STAMPS])) if stamped else ("",)
    lines = draw(st.lists(st.tuples(st.sampled_from(stamps), TEXTS), min_size=1, max_size=8))
    data = "".join(f"{stamp}{text}\n" for stamp, text in lines).encode()
    if draw(st.booleans()) and len(data) > 1 and data[-2:] != b"\n\n":
        data = data[:-1]
    return LogChunk("web", data, len(lines), stamped=stamped, size=len(data))


@given(chunks())
def test_the_text_is_that_of_the_lines(chunk):
    assert chunk.text.split("\n") == [line.text for line in chunk.lines]
    assert len(chunk.lines) == chunk.count


@given(chunks(), st.integers(0, 9))
def test_a_part_of_a_chunk_has_a_part_of_its_lines(chunk, number):
    if number < chunk.count:
        assert chunk.since(number).lines == chunk.lines[number:]
        assert chunk.since(number).count == chunk.count - number
    if number:
        assert chunk.until(number).lines == chunk.lines[:number]
        assert chunk.until(number).count == min(number, chunk.count)


def test_a_long_line_is_cut_but_its_length_is_known():
    long = LogChunk("web", b"a" * (LONGEST_LINE + 5) + b"\nshort\n", 2)
    assert [len(text) for text in long.text.split("\n")] == [LONGEST_LINE, 5]
    assert long.text.split("\n") == [line.text for line in long.lines]
    assert [line.missing for line in long.lines] == [5, 0]
    head = LogChunk("web", b"b" * LONGEST_LINE, 1, size=3_000_000)  # all that is kept of a line in many parts
    assert head.lines[0].missing == 3_000_000 - LONGEST_LINE


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"caf\xc3\xa9 \xff\n", ["café \ufffd"]),
        (b"\n\n", ["", ""]),
        (b"a\r\nb\rc\r", ["a", "b\rc"]),
        (b"x\x0b\x85y", ["x\x0b\ufffdy"]),
    ],
)
def test_only_a_newline_ends_a_line(data, lines):
    chunk = LogChunk("web", data, len(lines))
    assert [line.text for line in chunk.lines] == chunk.text.split("\n") == lines


def test_only_the_lines_that_are_asked_for_are_decoded(monkeypatch):
    state = LogState()
    for first in range(0, 6_000, 1_500):
        lines = [LogLine("web", f"line {first + number}", 1_790_000_000.0) for number in range(1_500)]
        state = apply_logs(state, LogLines(tuple(chunks_of(lines))))
    decoded = []
    split = LogChunk.lines.func
    monkeypatch.setattr(LogChunk, "lines", property(lambda chunk: decoded.append(chunk.count) or split(chunk)))
    assert [line.text for line in state.last_lines(3)] == ["line 5997", "line 5998", "line 5999"]
    assert [line.text for line in state.last_lines(1_502)][:2] == ["line 4498", "line 4499"]
    assert state.last_lines(0) == []
    assert decoded == [3, 1_500, 2]
    assert len(state.lines) == 2_000


@pytest.mark.parametrize(
    "stamp", ["2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05Z", "2026-01-02T05:04:05+02:00"]
)
def test_a_logs_size_is_that_of_its_texts(stamp):
    stamped = LogChunk("web", f"{stamp} abc\n".encode() * 3, 3, stamped=True)
    assert apply_logs(LogState(), LogLines((stamped,))).total_bytes == len("abc\n") * 3
