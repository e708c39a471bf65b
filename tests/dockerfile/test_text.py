"""Dockerfile text becomes instructions with their lines; all errors are reported at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.dockerfile import check, parse
from nbcontainer.dockerfile.text import parse_text
from nbcontainer.dockerfile.words import INSTRUCTIONS

PIECES = [
    *INSTRUCTIONS,
    *("\n", "\n", "\n", " ", " ", "\\\n", "\t", "\r\n", "# c\n", "# escape=`\n", "`\n", "<<EOF", "<<-'EOF'", "EOF\n"),
    *(
        "FROM busybox\n",
        "--from=a",
        "--mount=type=cache,target=/x",
        "--chown",
        "--",
        "=",
        "$X",
        "${X:-y}",
        "${",
        "'",
        '"',
    ),
    *(
        '["a"]',
        "['a']",
        "[1]",
        "[" * 50,
        "]",
        "a=b",
        "80",
        "\x00",
        "\ufeff",
        "é",
        "\u2028",
        "{{x}}",
        "ONBUILD ONBUILD ",
    ),
]


def described(text):
    return [(item.name, item.line, item.end_line) for item in parse_text(text).instructions]


def test_lines_of_continued_instructions_with_comments_between():
    text = "from busybox\n\nrun a && \\\n  # why\n\n  b\nCMD c\n"
    assert described(text) == [("FROM", 1, 1), ("RUN", 3, 6), ("CMD", 7, 7)]


def test_the_escape_directive():
    parsed = parse_text("# escape=`\nFROM busybox\nRUN a `\n  b\n")
    assert parsed.escape == "`"
    assert [(item.line, item.end_line) for item in parsed.instructions] == [(2, 2), (3, 4)]


def test_heredocs():
    text = 'FROM busybox\nRUN <<ONE cat <<"TWO"\na\nONE\n$b\nTWO\nCOPY <<-E /x\n\tc\n\tE\n'
    run, copy = parse_text(text).instructions[1:]
    assert [(doc.name, doc.content, doc.expand) for doc in run.heredocs] == [
        ("ONE", "a\n", True),
        ("TWO", "$b\n", False),
    ]
    assert (run.line, run.end_line) == (2, 6)
    assert (copy.line, copy.end_line) == (7, 9)
    assert run.title == 'RUN <<ONE cat <<"TWO" (a …)'


def test_an_onbuild_trigger_is_parsed_with_its_heredoc():
    parsed = parse_text("FROM busybox\nONBUILD COPY --chmod=755 <<E /x\nFROM\nE\nRUN b\n")
    trigger = parsed.instructions[1].trigger
    assert not parsed.faults
    assert parsed.instructions[1].name == "ONBUILD"
    assert (trigger.name, trigger.flag("chmod"), trigger.end_line) == ("COPY", "755", 4)
    assert parsed.instructions[2].line == 5


def test_flags():
    run = parse_text("FROM a\nRUN --mount=type=cache,target=/a --mount=target=/b --network=none x --y\n").instructions[
        1
    ]
    assert run.flag_values("mount") == ("type=cache,target=/a", "target=/b")
    assert run.flag("network") == "none"
    assert run.flag("security") is None
    assert run.rest == "x --y"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('COPY "a b" /c', ('"a', 'b"', "/c")),  # BuildKit ignores quotes here
        ('COPY ["a b", "/c"]', ("a b", "/c")),
        ("COPY --chown='x y' a /c", ("a", "/c")),
        ("COPY --  --a /c", ("--a", "/c")),
    ],
)
def test_arguments_are_split_as_buildkit_does(text, arguments):
    assert parse_text(f"FROM x\n{text}\n").instructions[1].arguments == arguments


def test_all_errors_at_once():
    faults = parse_text("FORM busybox\nRNU a\nENV b\nCMD [1]\nCOPY <<EOF /x\nEOF \n").faults
    assert [fault.line for fault in faults] == [1, 2, 3, 4, 5]
    assert faults[0].suggestion == "Did you mean FROM?"
    assert faults[-1].other_line == 6  # "EOF " with a space does not end it


def test_a_misspelt_instruction_keeps_its_heredoc_to_itself():
    parsed = parse_text("FROM busybox\nRNU <<EOF\nhello\nEOF\nCMD x\n")
    assert [fault.line for fault in parsed.faults] == [2]
    assert [item.name for item in parsed.instructions] == ["FROM", "RUN", "CMD"]


def test_a_text_with_nothing_but_errors_terminates():
    parsed = parse_text("\n".join(f"word{number} x" for number in range(500)))
    assert parsed.instructions == []
    assert len(parsed.faults) == 50


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join))
def test_any_text_is_parsed_and_all_lines_are_within_it(text):
    dockerfile = parse(text)
    last = max(1, text.count("\n") + 1)
    before = 0
    for item in dockerfile.instructions:
        assert before < item.line <= item.end_line <= last
        before = item.line
    for problem in check(dockerfile, target="t"):
        assert 1 <= problem.line <= last
        assert problem.line <= problem.end_line <= last
        assert problem.message
    dockerfile.plan()
    dockerfile.plan(classic=True)
