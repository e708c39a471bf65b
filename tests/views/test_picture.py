"""One picture, three drawers."""

import io
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from nbcontainer.model.tables import Tone
from nbcontainer.views.html import as_html
from nbcontainer.views.kit import Grid, Line, Output, Picture, Span
from nbcontainer.views.terminal import as_rich
from nbcontainer.views.text import as_text, text_lines

PICTURE = Picture(
    (
        Line.of(Span("✓ ", Tone.GOOD), Span("web:1", bold=True), "  built"),
        Grid(
            ((Span("4"), Span("RUN go build"), Span("4.1 s")), (Span("13"), Span("COPY"), Span("0.1 s"))),
            columns=("line", "step", "time"),
            right=frozenset({0, 2}),
            flexible=1,
        ),
        Output(("\x1b[31merror\x1b[0m: no", "日本"), Tone.BAD),
    ),
    label="build",
)


def test_text_is_aligned():
    assert as_text(PICTURE).splitlines() == [
        "✓ web:1  built",
        "line  step           time",
        "   4  RUN go build  4.1 s",
        "  13  COPY          0.1 s",
        "  │ error: no",
        "  │ 日本",
    ]


def test_terminal_shows_the_same_lines_and_cuts_the_flexible_column():
    console = Console(file=io.StringIO(), width=24, color_system=None, legacy_windows=False)
    console.print(as_rich(PICTURE))
    lines = console.file.getvalue().splitlines()
    assert lines[0].rstrip() == "✓ web:1  built"
    assert all(len(line) <= 24 for line in lines)
    assert any("RUN go bui…" in line and "4.1 s" in line for line in lines)


def _tags(html):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.text, self.attributes = [], [], []

        def handle_starttag(self, tag, attrs):
            self.tags.append(tag)
            self.attributes += attrs

        def handle_data(self, data):
            self.text.append(data)

    reader = Reader()
    reader.feed(html)
    return reader


def test_sentences_wrap_in_a_narrow_terminal():
    shown = Picture(
        (
            Line.of(Span("put a kubeconfig at ~/.kube/config"), indent=2, wraps=True),
            Grid(((Span("Warning"), Span("Failed to pull the image")),), flexible=1, wraps=True),
        )
    )
    console = Console(file=io.StringIO(), width=22)
    console.print(as_rich(shown))
    assert [line.rstrip() for line in console.file.getvalue().splitlines()] == [
        "  put a kubeconfig at",
        "  ~/.kube/config",
        "Warning  Failed to",
        "         pull the",
        "         image",
    ]


def test_html_needs_no_script_and_no_network():
    reader = _tags(as_html(PICTURE))
    assert set(reader.tags) <= {"div", "span", "table", "thead", "tbody", "tr", "th", "td", "pre"}
    assert not [value for name, value in reader.attributes if name in {"src", "href"} or name.startswith("on")]
    assert "RUN go build" in reader.text


@given(st.text())
def test_hostile_text_stays_text(text):
    picture = Picture(
        (Line.of(text), Grid(((Span(text), Span(text)),), columns=(text, "b")), Output((text,))), label=text
    )
    reader = _tags(as_html(picture))
    assert set(reader.tags) <= {"div", "span", "table", "thead", "tbody", "tr", "th", "td", "pre"}
    assert {name for name, _ in reader.attributes} <= {"style", "role", "aria-label", "tabindex"}
    assert len(as_text(picture).splitlines()) <= 4
    Console(file=io.StringIO(), width=80).print(as_rich(picture))


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.text(st.sampled_from("ab日é–\x1b"), max_size=30)] * 3), min_size=1, max_size=5),
    st.integers(20, 120),
)
def test_a_table_without_rich_is_as_wide_as_the_terminal_and_else_as_rich_draws_it(rows, width):
    cells = tuple(tuple(map(Span, row)) for row in rows)
    picture = Picture((Line.of("pods"), Grid(cells, columns=("A", "B", "C"), right=frozenset({2}), flexible=0)))
    ours = list(text_lines(picture, width, colours=False))
    assert all(cell_len(line) <= width for line in ours)
    if max(map(cell_len, as_text(picture).splitlines())) <= width:
        console = Console(file=io.StringIO(), width=width, color_system=None)
        console.print(as_rich(picture))
        theirs = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
        assert "\n".join(ours) == theirs == as_text(picture)
    assert "\x1b" not in "".join(ours)
