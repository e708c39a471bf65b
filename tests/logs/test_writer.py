"""What is written to a log is what its reader reads: all bytes, whatever they are, and however sources alternate."""

import itertools
import re
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from nbcontainer.logs import cutter, export
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model import log_file
from nbcontainer.model.log_file import LogReader
from nbcontainer.model.log_lines import LONGEST_LINE
from nbcontainer.settings import settings as ours
from tests.log_files import expected_texts, visible

HOSTILE = [b"\0\x1b[31m", b"\xff\xe2\x82", "€".encode(), b"- foo stdout bar\n", b"==> web <==\n", b"b" * 60]
PARTS = some.sampled_from([b"\n", b"\r\n", b"\r", b"", b"a", *HOSTILE])
SOURCES = [("web", "stdout"), ("web", "stderr"), ("", "stdout"), ("a b\nc", "stdout"), ("long " * 30, "stderr")]
CHANNELS = [*SOURCES, ("é" * 40, "stdout")]
STEPS = some.lists(
    some.tuples(some.integers(0, len(CHANNELS) - 1), some.lists(PARTS, max_size=4).map(b"".join), some.booleans()),
    max_size=25,
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "spool_directory", str(tmp_path))


def written(steps):
    """Write; returns the log's path, the chunks that were passed on, and what was written to each channel."""
    chunks, fed = [], dict.fromkeys(CHANNELS, b"")
    log = LogWriter("test")
    log.start(chunks.extend, pytest.fail)
    channels = [log.channel(*names) for names in CHANNELS]
    for number, data, flush in steps:
        channels[number].feed(data)
        fed[CHANNELS[number]] += data
        if flush:
            log.flush()
    for channel in channels:
        channel.finish()
    log.close()
    return log.path, chunks, fed


def check(path, chunks, fed):
    reader = LogReader(path)
    raw = list(reader.raw())
    for source, stream in CHANNELS:
        assert b"".join(data for *names, data in raw if names == [source, stream]) == fed[source, stream]
    lines = [line for chunk in chunks for line in chunk.lines]
    total = len(lines)
    assert reader.total == total == sum(chunk.count for chunk in chunks)
    for first in range(total + 2):
        assert reader.lines(first, 3) == lines[first : first + 3]
    assert reader.lines(0, total) == lines
    for source, stream in CHANNELS:
        texts = [visible(line.text) for line in lines if (line.source, line.stream) == (source, stream)]
        assert texts == expected_texts(fed[source, stream])
    for stream in ("stdout", "stderr"):
        data = b"".join(piece for _, name, piece in raw if name == stream)
        for most in (0, 1, 7, len(data), 10**9):
            assert reader.output(most, stream) == (data[len(data) - min(most, len(data)) :], max(0, len(data) - most))
    check_file(path, raw)


def check_file(path, raw):
    """The file has all bytes in order; what else is there ends a line, or says whose the next ones are."""
    content, at, pieces = Path(path).read_bytes(), 0, []
    with Path(f"{path}.index").open("rb") as index:
        records = [record for record in log_file._records(index, 0) if record.kind != log_file.END]
    for record in records:
        between = content[at : record.offset]
        assert re.fullmatch(rb"\n?(==> [^\n]* <==\n)?", between), between
        assert not between or at == 0 or (between + content[:at][-1:]).count(b"\n") > 0
        pieces.append(content[record.offset : record.offset + record.length])
        at = record.offset + record.length
    assert (at, pieces) == (len(content), [data for *_, data in raw])


@given(STEPS)
@settings(max_examples=200)
def test_what_is_read_is_what_was_written(steps):
    check(*written(steps))


@given(STEPS)
@settings(max_examples=200)
def test_long_lines_are_read_as_they_were_written(steps):
    """With a limit of 50 bytes, so that the lines of examples are long."""
    with mock.patch.object(cutter, "LONG_LINE", 50):
        path, chunks, fed = written(steps)
    reader = LogReader(path)
    raw = list(reader.raw())
    for source, stream in CHANNELS:
        assert b"".join(data for *names, data in raw if names == [source, stream]) == fed[source, stream]
    lines = [line for chunk in chunks for line in chunk.lines]
    assert reader.lines(0, len(lines) + 1) == lines
    for first in range(len(lines)):
        assert reader.lines(first, 2) == lines[first : first + 2]
    if b"\r" not in b"".join(fed.values()):
        for names in CHANNELS:
            ours = [line for line in lines if (line.source, line.stream) == names]
            expected = expected_texts(fed[names])
            assert len(ours) == len(expected)
            for line, whole in zip(ours, expected, strict=True):
                text = visible(line.text)
                assert text == whole if not line.missing else whole.startswith(text.removesuffix("\ufffd"))
    check_file(path, raw)


STAMPS = ["2026-11-23T07:09:33.010200588Z", "2026-11-23T07:09:33.5Z", "2026-11-23T08:09:34+01:00"]
TIMES = [1795417773.010200588, 1795417773.5, 1795417774.0]


@given(some.lists(some.tuples(some.integers(0, 2), some.sampled_from(["", "a", "hällo", "2026 x"])), max_size=20),
       some.lists(some.integers(0, 500), max_size=5))  # fmt: skip
def test_stamped_lines_have_their_times(lines, cuts):
    data = "".join(f"{STAMPS[number]} {text}\n" for number, text in lines).encode()
    log = LogWriter("stamped")
    channel = log.channel("web", stamped=True)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        channel.feed(data[start:end])
    channel.finish()
    log.close()
    found = LogReader(log.path).lines(0, 100)
    assert [line.text for line in found] == [text for _, text in lines]
    assert [line.time for line in found] == pytest.approx([TIMES[number] for number, _ in lines])


def test_an_event_comes_after_the_lines_before_it_and_lines_are_not_delayed_for_long():
    events = []

    class Emits:
        emit = staticmethod(events.append)

    log = LogWriter("events")
    log.report_to(Emits)
    channel = log.channel("web")
    for number in range(100):
        channel.feed(b"line\n")
        log.emit(number)
    kinds = [event if isinstance(event, int) else "lines" for event in events]
    assert kinds == [kind for number in range(100) for kind in ("lines", number)]
    log.close()


def test_a_log_is_exported_as_lines_with_time_source_and_stream(tmp_path):
    log = LogWriter("export")
    log.channel("web", stamped=True).feed(f"{STAMPS[1]} GET /\n".encode())
    log.channel("a b", "stderr").feed(b"- foo stdout bar\n")
    log.close()
    path = export(log.path, tmp_path / "lines.txt")
    assert path.read_text() == "2026-11-23T07:09:33.500000Z web stdout GET /\n- ab stderr - foo stdout bar\n"


def test_a_folder_that_cannot_be_made_loses_no_line(monkeypatch):
    monkeypatch.setattr(ours, "spool_directory", "/dev/null/outputs")
    chunks, notes = [], []
    log = LogWriter("nowhere")
    log.start(chunks.extend, notes.append)
    log.channel("web").feed(b"a\nb\n")
    log.close()
    assert (log.path, len(notes)) == ("", 1)
    assert [line.text for chunk in chunks for line in chunk.lines] == ["a", "b"]


def test_very_long_lines_are_whole_in_the_file():
    log, chunks = LogWriter("long"), []
    log.start(chunks.extend, pytest.fail)
    first, second = log.channel("web"), log.channel("web", "stderr")
    for _ in range(100):
        first.feed(b"x" * 10_000)
        second.feed(b"err\n")
    first.feed(b"\nshort")
    first.finish()
    log.close()
    reader = LogReader(log.path)
    (long,) = [line for line in reader.lines(0, 1000) if line.text.startswith("x")]
    assert (long.text, long.missing) == ("x" * LONGEST_LINE, 1_000_000 - LONGEST_LINE)
    assert reader.output(10**9, "stdout") == (b"x" * 1_000_000 + b"\nshort", 0)
    assert reader.total == 102
