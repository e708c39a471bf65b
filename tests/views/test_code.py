"""Code with facts in its gutter, and the differences of two texts."""

import difflib

from hypothesis import given

from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Code, CodeLine, Diff
from nbcontainer.views.kit import Picture, Span
from nbcontainer.views.layout import laid_out
from nbcontainer.views.text import as_text
from tests.views.random_blocks import lines_of_text


def text(block):
    return as_text(laid_out(Picture((block,)))).splitlines()


def test_code_has_numbers_signs_and_facts_in_columns():
    lines = (
        CodeLine("FROM golang:1.26", 9, (Span("cached", Tone.CACHED), Span("", Tone.DIM))),
        CodeLine("# build", 10),
        CodeLine("RUN go build", 11, (Span("4.1 s", Tone.DIM), Span("12 MB", Tone.DIM)), Tone.BAD),
    )
    assert text(Code(lines, "dockerfile")) == [
        " 9     cached         FROM golang:1.26",
        "10                    # build",
        "11  ✕   4.1 s  12 MB  RUN go build",
    ]


def test_comments_are_dim_and_a_state_keeps_its_tone():
    lines = (CodeLine("# comment"), CodeLine("a: 1 # no"), CodeLine("# bad", tone=Tone.BAD))
    grid = laid_out(Picture((Code(lines, "yaml"),))).blocks[0]
    assert [row[-1].tone for row in grid.rows] == [Tone.DIM, Tone.PLAIN, Tone.BAD]
    plain = laid_out(Picture((Code(lines),))).blocks[0]
    assert [row[-1].tone for row in plain.rows] == [Tone.PLAIN, Tone.PLAIN, Tone.BAD]


def test_a_diff_has_both_numbers_signs_and_three_lines_of_context():
    same = "".join(f"{number}\n" for number in range(1, 21))
    assert text(Diff(f"{same}old\n", f"new\n{same}", ("a.yaml", "b.yaml"))) == [
        "old  new     a.yaml → b.yaml  +1 −1",
        "       1  +  new",
        "  1    2     1",
        "  2    3     2",
        "  3    4     3",
        "             … 14 unchanged lines",
        " 18   19     18",
        " 19   20     19",
        " 20   21     20",
        " 21       −  old",
    ]


def test_a_missing_newline_at_the_end_is_a_difference():
    assert text(Diff("a\nb", "a\nb\n")) == [
        "old  new     +1 −1",
        "  1    1     a",
        "  2       −  b",
        "             \\ No newline at end of file",
        "       2  +  b",
    ]


def test_identical_texts_say_so():
    assert text(Diff("a\n", "a\n", ("x", "x"))) == ["x  no differences"]


def test_a_carriage_return_is_visible():
    assert text(Diff("a\r\n", "a\n"))[1:] == ["  1       −  a␍", "       1  +  a"]


def test_a_long_diff_is_cut_and_says_by_how_much():
    lines = text(Diff("", "x\n" * 3_000))
    assert len(lines) == 2_002
    assert lines[-1].strip() == "… 1,000 more lines"


@given(lines_of_text, lines_of_text)
def test_a_diff_has_every_line_that_differs(before, after):
    grid = laid_out(Picture((Diff(before, after),))).blocks[0]
    ours = [(row[2].text, row[3].text) for row in grid.rows if len(row) == 4 and row[2].text]
    old, new = ([*text.split("\n")[:-1], *filter(None, text.split("\n")[-1:])] for text in (before, after))
    assert [line for sign, line in ours if sign == "+"] == [
        line for line in _marked(old, new, before, after) if line is not None
    ] or before == after
    removed = sum(sign == "−" for sign, _ in ours)
    added = sum(sign == "+" for sign, _ in ours)
    assert len(new) - len(old) == added - removed


def _marked(_old, _new, before, after):
    """The added lines, as difflib finds them."""
    old, new = (_kept(text) for text in (before, after))
    for kind, _first, _last, start, stop in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind in ("insert", "replace"):
            yield from (line.removesuffix("\n") for line in new[start:stop])


def _kept(text):
    parts = text.split("\n")
    return [*(f"{part}\n" for part in parts[:-1]), *filter(None, parts[-1:])]
