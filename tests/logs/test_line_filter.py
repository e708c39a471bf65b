"""Which lines are kept, whatever the pieces and the timestamps."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.errors import UsageError
from nbcontainer.logs.cutter import Cut, LineCutter, Piece
from nbcontainer.logs.line_filter import LineFilter

STAMP = "2026-01-02T03:04:05.123456789Z "
TEXTS = st.text(st.sampled_from("ab 2é\r\t"), max_size=6)
EXPRESSIONS = st.sampled_from(
    ["a", "b a", "^a", "a$", r"\s+", "[^a]+b", "2026", "2", "é", "(?i)B", "(?=a)", "x", "a|b"]
)


@given(st.lists(TEXTS, max_size=6), st.lists(EXPRESSIONS, max_size=2), st.lists(EXPRESSIONS, max_size=2), st.booleans())
def test_lines_are_kept_as_if_each_were_searched_alone(texts, include, exclude, stamped):
    def has(expressions, text):
        return any(re.search(one, text.removesuffix("\r")) for one in expressions)

    lines = [f"{STAMP if stamped else ''}{text}\n".encode() for text in texts]
    wanted = [
        line
        for line, text in zip(lines, texts, strict=True)
        if (not include or has(include, text)) and not has(exclude, text)
    ]
    kept = LineFilter(include, exclude).keep("web", [Piece(Cut.LINES, b"".join(lines))], stamped=stamped)
    assert b"".join(data for _, data in kept) == b"".join(wanted)


def test_the_beginning_of_a_long_line_decides():
    filtered, cutter = LineFilter(["wanted"]), LineCutter()
    data = b"wanted " + b"x" * 200_000 + b"\n" + b"other " + b"x" * 200_000 + b" wanted\nwanted\n"
    pieces = [piece for at in range(0, len(data), 50_000) for piece in cutter.feed(data[at : at + 50_000])]
    kept = filtered.keep("web", pieces, stamped=False)
    assert b"".join(data for _, data in kept) == b"wanted " + b"x" * 200_000 + b"\nwanted\n"


def test_an_expression_that_is_not_valid():
    with pytest.raises(UsageError, match=r"`?(--)?exclude`? '\(' is not a valid regular expression: "):
        LineFilter(exclude=["("])
