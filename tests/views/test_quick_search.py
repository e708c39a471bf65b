"""Searching a log's file as bytes finds the lines that are found by searching each line as it is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_file import LogReader
from nbcontainer.model.logs import LogState
from nbcontainer.model.overwritten import settled
from nbcontainer.views import log_search
from nbcontainer.views.ansi import plain
from nbcontainer.views.log_search import Search

STAMP = "2026-11-30T10:42:07.113000000Z "
TEXTS = ["error", "ERROR", "e", "503", "07", "10:4", " ", "-", "\t", "web", "31m", "ü", "\N{GRINNING FACE}", "K"]
COLOURS = ["\x1b[31m", "\x1b[0m", "\x1b[1;36m", "\x1b]8;;error\x07"]
HOSTILE = [
    "\x1b[K",
    "\x1b[2D",
    "\x1b",
    "\x1bPerror\x1b\\",
    "\x1b]err",
    "\r",
    "\x08",
    "\x00",
    "\x9b",
    "\u202e",
    "\u212a",
    "İ",
]
QUERIES = ["error", "ERROR", "e", "503", "07", "10:4", "k", "31m", "web-1", "202e", "error OR 503", "a b", "err", "-"]


def lines_of(pieces):
    """Lines of three sources, made of such pieces."""
    return st.lists(st.tuples(st.sampled_from(["web-1", "db", ""]), st.lists(pieces, max_size=6)), max_size=30)


def written(found, *, stamped):
    """A log's file with these lines, and its state."""
    writer = LogWriter("quick")
    channels = {name: writer.channel(name, stamped=stamped) for name in ("web-1", "db", "")}
    for name, pieces in found:
        channels[name].feed(((STAMP if stamped else "") + "".join(pieces) + "\n").encode())
    writer.close()
    return LogState(spool=writer.path, total=writer.total)


def expected(state, query):
    """The lines that a look at each of them finds."""
    texts = query.split(" OR ")
    any_case = query.replace(" OR ", "") == query.replace(" OR ", "").lower()

    def fold(text):
        return text.lower() if any_case else text

    return [
        number
        for number, line in enumerate(LogReader(state.spool).lines(0, state.total))
        if any(text in fold(plain(settled(line.text))) or text in fold(line.source) for text in texts)
    ]


# blocks with nothing but colours, and some that must be decoded
@given(
    lines_of(st.sampled_from(TEXTS + COLOURS)) | lines_of(st.sampled_from(HOSTILE)),
    st.sampled_from(QUERIES),
    st.booleans(),
)
def test_it_finds_what_a_look_at_each_line_finds(found, query, stamped):
    state = written(found, stamped=stamped)
    assert list(Search(query).run(state, 0, 10.0).lines) == expected(state, query)


@pytest.mark.parametrize("query", ["#77", "error", "web-1"])
def test_it_goes_on_where_it_ended(monkeypatch, query):
    state = written(
        [("web-1" if number % 7 else "db", ["error" * (number % 3), f" #{number}"]) for number in range(5_000)],
        stamped=True,
    )
    monkeypatch.setattr("nbcontainer.model.log_file._BLOCK_BYTES", 10_000)
    monkeypatch.setattr(log_search, "MOST_FOUND", 100)
    found, first, slices = [], 0, 0
    while first < state.total:
        answer = Search(query).run(state, first, 0.0)
        assert answer.until > first
        found += answer.lines
        first, slices = answer.until, slices + 1
    assert found == expected(state, query)
    assert slices > 10
    later = list(Search(query).run(state, 2_501, 10.0).lines)
    assert later == [number for number in found if number >= 2_501][: len(later)]


def test_most_lines_are_not_decoded(monkeypatch):
    state = written([("web-1", ["\x1b[31mERROR\x1b[0m", f" {number}"]) for number in range(1_000)], stamped=True)
    monkeypatch.setattr(log_search, "shown", lambda _chunk: pytest.fail("it was decoded"))
    assert list(Search("ERROR 77").run(state, 0, 10.0).lines) == [77, *range(770, 780)]
