"""Followed logs that are cut at any byte and resumed: each line once, in order, whatever the timestamps."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.clusters.log_position import BILLION, Moments
from tests.clusters.log_reading import Reading


@pytest.fixture(autouse=True)
def closed():
    yield
    Reading.close_all()


START = 1_795_424_400 * BILLION  # 2026-11-23T09:00:00Z
PART = 16_384  # bytes after which runtimes split a line


@dataclass(frozen=True)
class Entry:
    """What a runtime writes at a time: a line, or a part of one."""

    stamp: int
    text: bytes


def stream(entries, opened, *, since=0, tail=None):
    """What a kubelet sends of a log that had `opened` entries at the request, and grows while it is followed.

    It counts entries for `tail`, and a line of several parts has the timestamp of the first one it sends.
    """
    given_so_far, new_line = [], True
    for entry in entries[max(0, opened - tail) if tail is not None else 0 :]:
        if entry.stamp >= since:
            given_so_far.append((stamp(entry.stamp) + b" " if new_line else b"") + entry.text)
        new_line = entry.text.endswith(b"\n")
    return b"".join(given_so_far)


def stamp(moment):
    second = datetime.fromtimestamp(moment // BILLION, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{second}.{moment % BILLION:09d}Z".encode()


def follow(entries, opened, cuts, **bounds):
    """Read a log through streams that break after so many bytes. Returns the lines received and the expected ones."""
    reading, gaps, wanted = Reading(stamped=True), [], b""
    reader = reading.reader
    reader.position.on_gap = gaps.append
    for cut in [*cuts, None]:
        since = reader.resume_from
        if since:
            data = stream(entries, opened, since=int(datetime.fromisoformat(since).timestamp()) * BILLION)
        else:
            data = wanted = stream(entries, opened, **bounds)
        reader.begin(resume=bool(since), within=bool(bounds))
        data = data if cut is None else data[: cut % (len(data) + 1)]
        for start in range(0, len(data), 3 * PART):
            reading.feed(data[start : start + 3 * PART])
    reading.finish()
    reading.close()
    assert gaps == []
    assert reading.raw == wanted
    texts = [line.partition(b" ")[2] for line in wanted.splitlines(keepends=True)]
    assert [line.text[:100] for line in reading.lines] == [text[:-1][:100].decode() for text in texts]


STEPS = st.sampled_from([0, 0, 0, 1, 1_000, 40_000_000, 400_000_000, BILLION, 5 * BILLION])
CUTS = st.lists(st.integers(0, 10**6), max_size=6)


def written(steps, text):
    moment, entries = START + 123_456_789, []
    for number, step in enumerate(steps):
        moment += step
        entries.append(Entry(moment, text(number)))
    return entries


@given(st.lists(STEPS, min_size=1, max_size=60), CUTS, st.integers(1, 3))
def test_whole_logs_with_equal_stamps_and_equal_lines(steps, cuts, kinds):
    follow(written(steps, lambda number: b"%d\n" % (number % kinds)), len(steps), cuts)


@given(st.lists(STEPS, min_size=1, max_size=60), CUTS, st.integers(0, 60), st.integers(0, 60))
def test_the_last_lines_of_logs_with_equal_stamps(steps, cuts, opened, tail):
    follow(written(steps, lambda number: b"line %d\n" % number), min(opened, len(steps)), cuts, tail=tail)


@given(st.lists(STEPS, min_size=1, max_size=60), CUTS, st.integers(0, 20 * BILLION), st.none() | st.integers(0, 60))
def test_the_latest_lines_of_logs_with_equal_stamps(steps, cuts, since, tail):
    entries = written(steps, lambda number: b"line %d\n" % number)
    follow(entries, len(steps), cuts, since=START + since, **({} if tail is None else {"tail": tail}))


@given(st.lists(st.tuples(STEPS, st.integers(0, 900_000_000)), min_size=1, max_size=60), CUTS)
def test_stdout_and_stderr_whose_stamps_are_out_of_order(steps, cuts):
    """Both get their timestamp before waiting for their turn to write."""
    moment, entries = START, []
    for number, (step, late) in enumerate(steps):
        moment += step
        entries.append(Entry(moment - (late if number % 3 == 2 else 0), b"line %d\n" % number))
    follow(entries, len(entries), cuts)


@given(st.lists(st.tuples(STEPS, st.sampled_from([1, 1, 1, 2, 6, 9])), min_size=1, max_size=12), CUTS)
def test_lines_that_come_in_parts(steps, cuts):
    moment, entries = START, []
    for number, (step, parts) in enumerate(steps):
        for part in range(parts):
            moment += step + 1
            end = b"\n" if part == parts - 1 else b""
            entries.append(Entry(moment, (b"%d.%d " % (number, part)).ljust(PART if parts > 1 else 5, b"x") + end))
    follow(entries, len(entries), cuts)


def test_a_clock_that_was_set_back_is_followed_on():
    before = [Entry(START + 5 * BILLION + number, b"before %d\n" % number) for number in range(50)]
    after = [Entry(START + number * 10_000_000, b"after %d\n" % number) for number in range(700)]
    first_after = len(
        stream([*before, after[0]], 51)
    )  # set back while the stream was broken, the kubelet would hide it
    whole = stream([*before, *after], 750)
    for cut in range(first_after, len(whole), 997):
        follow([*before, *after], 750, [cut, cut // 2])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:01:00.5Z", 60 * BILLION + 500_000_000),
        ("1970-01-01T00:01:00Z", 60 * BILLION),
        ("1970-01-01T01:01:00.000000001+01:00", 60 * BILLION + 1),
        ("1969-12-31T23:01:00.123456789-01:00", 60 * BILLION + 123_456_789),
        ("2026-11-23T09:00:00.123456789Z", START + 123_456_789),
        *((text, None) for text in ("", "x", "2026-11-23T09:00:00", "2026-11-23T09:00:00.Z", "2026-13-23T09:00:00Z")),
    ],
)
def test_stamps_are_read_whole(text, moment):
    read = Moments()
    assert [read(text.encode()), read(text.encode())] == [moment, moment]


def test_stamps_of_other_zones_are_compared_by_their_moments():
    """A night on which the clock is put back in the node's zone, and stamps without their last zeros."""
    lines = [b"2026-10-25T02:59:59.9+02:00 a\n", b"2026-10-25T02:00:00+01:00 b\n", b"2026-10-25T02:00:00.12+01:00 c\n"]
    reading = Reading(stamped=True)
    reading.feed(b"".join(lines[:2]))
    assert reading.reader.resume_from == "2026-10-25T00:59:59Z"
    reading.reader.begin(resume=True)
    reading.feed(b"".join(lines))
    assert [line.text for line in reading.lines] == ["a", "b", "c"]
