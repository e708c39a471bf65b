import pytest
from hypothesis import given
from hypothesis import strategies as some

from nbcontainer.engines.output import LONGEST_LINE, Frames, Lines, seconds_of
from nbcontainer.errors import ApiError

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
    assert found == pieces
    assert not frames.broken


def test_a_very_long_frame_arrives_in_parts():
    data = frame("stdout", b"x" * (5 * LONGEST_LINE))
    frames, found = Frames(), []
    for at in range(0, len(data), 10_000):
        found += frames.feed(data[at : at + 10_000])
    assert b"".join(piece for _, piece in found) == b"x" * (5 * LONGEST_LINE)
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


def test_lines_of_two_streams_with_cut_characters_and_a_last_one_without_end():
    lines = Lines("web")
    euro = "€".encode()
    assert lines.feed("stdout", b"a\r\nb" + euro[:1]) == [lines._line("stdout", "a")]
    assert lines.feed("stderr", b"x\n")[0].stream == "stderr"
    assert [line.text for line in lines.feed("stdout", euro[1:] + b"\n\xff\n")] == ["b€", "\ufffd"]
    assert lines.feed("stdout", b"end") == []
    assert [line.text for line in lines.end()] == ["end"]
    assert lines.end() == []


def test_a_line_without_end_needs_no_memory():
    lines = Lines("web")
    found = [line for _ in range(10) for line in lines.feed("stdout", b"x" * LONGEST_LINE)]
    assert len(found) == 9
    assert all(len(line.text) == LONGEST_LINE for line in found)


def test_the_engines_timestamp_is_stripped():
    line = Lines("web", stamped=True).feed("stdout", b"2026-11-23T07:09:33.010200588Z text 1\n")[0]
    assert line.text == "text 1"
    assert line.time == pytest.approx(1795417773.0102, abs=1e-3)
    assert Lines("web", stamped=True).feed("stdout", b"no time\n")[0].text == "no time"


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00Z", "yesterday", "9999-99-99T00:00:00Z"])
def test_no_time_is_zero(text):
    assert seconds_of(text) == 0.0


def test_a_bar_that_is_drawn_for_hours_is_cut_between_two_of_its_states():
    lines = Lines("web")
    states = [f"\r{percent:3}% of all" for percent in range(100)] * 100
    found = [line for state in states for line in lines.feed("stderr", state.encode())] + lines.end()
    assert len(found) > 1
    assert all(line.text.endswith("% of all") for line in found)
    assert "".join(line.text for line in found) == "".join(states)
