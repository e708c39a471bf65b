"""Whole chunks are printed and searched, with the outcome that line by line would have."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.model.log_lines import LogChunk, LogLine, chunks_of
from nbcontainer.model.logs import LogLines, LogState, apply_logs
from nbcontainer.model.overwritten import settled
from nbcontainer.views.ansi import plain, recoloured
from nbcontainer.views.log_lines import LogPrinter
from nbcontainer.views.log_search import Search
from nbcontainer.views.logs import TAIL_LINES, LogView

PIECES = [
    "GET /cart",
    "Error",
    "error",
    " ",
    "\t",
    "\r",
    "\x07",
    "é",
    "日本",
    "\u202e",
    "\x00",
    "\x9b",
    "2026",
    "Z ",
    "10%",
]
PIECES += ["10%", "\x1b[31m", "\x1b[1;32m", "\x1b[0m", "\x1b[2J", "\x1b]0;t", "\x1b", "\x1b[38;5;9m"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
LINES = st.lists(
    st.builds(LogLine, st.sampled_from(["web-1", "db"]), TEXTS, st.sampled_from([0.0, 1_790_000_000.25])), max_size=8
)


@given(LINES)
def test_chunks_are_printed_as_their_lines_are(lines):
    event = LogLines(tuple(chunks_of(lines)))
    several = len({line.source for line in lines}) > 1
    expected = [(f"{line.source} | " if several else "") + plain(settled(line.text)) for line in lines]
    assert LogPrinter().of_event(event) == ("\n".join(expected) if lines else None)
    state = apply_logs(LogState(), event)
    width = len("web-1") if several else 0
    sources = dict.fromkeys((line.source for line in lines), True)
    state = LogState(chunks=state.chunks, total=state.total, sources=sources)
    expected = [(f"{line.source:<{width}} | " if several else "") + plain(settled(line.text)) for line in lines]
    assert LogPrinter().fresh(state, coloured=False) == "".join(f"{line}\n" for line in expected)


@given(LINES)
def test_colours_change_nothing_but_colours(lines):
    state = apply_logs(LogState(), LogLines(tuple(chunks_of(lines))))
    printed = LogPrinter().fresh(state, coloured=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", printed) == LogPrinter().fresh(state, coloured=False)
    for line in printed.splitlines():  # no colour goes on in the next line, nor in the prompt
        last = re.findall(r"\x1b\[([0-9;]*)m", line)[-1:]
        assert last in ([], ["0"])


@given(st.lists(TEXTS, max_size=5))
def test_several_lines_are_made_harmless_as_each_of_them(texts):
    whole = "\n".join(texts)
    assert plain(settled(whole)) == "\n".join(plain(settled(text)) for text in texts)
    assert settled(whole) == "\n".join(map(settled, texts))


QUERIES = ["error", "Error", "GET /cart", "2026", "web", "db OR 10%", "z ", "0", "    ", "u+202e", "\\x9b", "é"]


@given(LINES, st.sampled_from(QUERIES), st.booleans())
def test_a_search_in_chunks_finds_what_a_search_in_lines_finds(lines, query, regex):
    if regex:
        query = re.escape(query)
    parts = query.split("\\ OR\\ " if regex else " OR ")
    case = re.IGNORECASE if query.replace("\\ OR\\ " if regex else " OR ", "").islower() else re.NOFLAG
    pattern = re.compile("|".join(part if regex else re.escape(part) for part in parts), case)
    shown = [(line.source, plain(settled(line.text))) for line in lines]
    expected = [number for number, texts in enumerate(shown) if any(map(pattern.search, texts))]
    state = apply_logs(LogState(), LogLines(tuple(chunks_of(lines))))
    assert list(Search(query.replace("\\ OR\\ ", " OR "), regex=regex).run(state, 0, 10).lines) == expected


@pytest.mark.parametrize(
    ("query", "found"), [(r"^\S+ \d$", [0]), (r"\x41", [1]), (r"e$", []), (r"(?i)LINE", [0, 1]), (r"1\s*l", [])]
)
def test_a_pattern_stays_within_its_line(query, found):
    state = apply_logs(LogState(), LogLines(tuple(chunks_of([LogLine("w", "line 1"), LogLine("w", "lineA B")]))))
    assert list(Search(query, regex=True).run(state, 0, 10).lines) == found


def test_a_long_line_says_what_it_lacks():
    chunk = LogChunk("w", b"y" * 70_000 + b"\nshort\n", 2, size=70_007)
    state = apply_logs(LogState(), LogLines((chunk,)))
    long, short = LogPrinter().fresh(state, coloured=False).splitlines()
    assert (long[-45:], short) == ("yyyyyyyyyy … [4,464 more, all in the spool file]"[-45:], "short")


def test_plain_chunks_are_never_split_into_lines(monkeypatch):
    def refuse(chunk):
        raise AssertionError(f"{chunk.count} lines were decoded")

    data = "".join(f"2026-11-23T10:42:07.113200000Z GET /cart/{number} café\n" for number in range(1_000)).encode()
    chunk = LogChunk("web", data, 1_000, stamped=True, size=len(data))
    state = apply_logs(LogState(), LogLines((chunk, chunk)))
    monkeypatch.setattr(LogChunk, "lines", property(refuse))
    for coloured in (True, False):
        assert LogPrinter().fresh(state, coloured=coloured).count("\n") == 2_000
    assert LogPrinter().of_event(LogLines((chunk,))).count("\n") == 999
    assert list(Search("cart/999").run(state, 0, 10).lines) == [999, 1_999]
    assert not Search("cart/1000").run(state, 0, 10).lines


def test_a_message_to_the_page_decodes_only_what_it_sends(monkeypatch):
    decoded = []
    lines = LogChunk.lines.func
    monkeypatch.setattr(LogChunk, "lines", property(lambda chunk: decoded.append(chunk.count) or lines(chunk)))
    before = LogState()
    after = apply_logs(before, LogLines(tuple(chunks_of(LogLine("web", str(number)) for number in range(5_000)))))
    assert len(LogView().wire(before, after)["lines"]) == TAIL_LINES
    assert sum(decoded) == TAIL_LINES
    decoded.clear()
    LogView().render(after)
    assert sum(decoded) == 200


def test_recoloured_text_keeps_its_lines():
    assert recoloured("\x1b[31mred\n\x1b[2Jplain\t\x1b[1mbold") == ("\x1b[31mred\x1b[0m\nplain    \x1b[1mbold\x1b[0m")
    assert recoloured("\x1b[01;31mred\nplain") == "\x1b[01;31mred\x1b[0m\nplain\x1b[0m"
