"""`{{name}}` inserts Python variables, and lines still map back to the cell."""

from types import SimpleNamespace

import pytest

from nbcontainer.dockerfile import check, parse, substitute
from nbcontainer.dockerfile.substitution import substitute_word
from nbcontainer.errors import UsageError


def test_values_of_several_lines_keep_the_lines_of_the_cell():
    text, source_map = substitute(
        "FROM {{ image }}\n{{steps}}\nCOPPY a b\n", {"image": "busybox", "steps": "RUN a\nRUN b\nRUN c"}, first_line=2
    )
    assert text == "FROM busybox\nRUN a\nRUN b\nRUN c\nCOPPY a b\n"
    assert [source_map.own(line) for line in range(1, 6)] == [2, 3, 3, 3, 4]
    assert [problem.line for problem in check(parse(text, source_map))] == [4]


def test_attributes():
    assert substitute("{{a.b.c}}", {"a": SimpleNamespace(b=SimpleNamespace(c=3))})[0] == "3"


@pytest.mark.parametrize(
    "text", ["{{.Name}}", "{{ a | upper }}", "{{a[b]}}", "{{}}", "{ {a} }", "{{a()}}", "{a}", "$a"]
)
def test_all_else_stays_as_it_is(text):
    assert substitute(text, {"a": 1})[0] == text


def test_all_undefined_names_are_reported_with_their_lines():
    with pytest.raises(UsageError) as caught:
        substitute("FROM {{a}}\nRUN {{b.c}} {{d}}\n", {"b": 1}, first_line=2)
    assert "line 2: {{a}}" in str(caught.value)
    assert "line 3: {{b.c}}" in str(caught.value)
    assert "line 3: {{d}}" in str(caught.value)
    assert "--raw" in caught.value.cure


def test_a_value_is_not_substituted_again():
    assert substitute("{{a}}", {"a": "{{b}}", "b": 1})[0] == "{{b}}"


@pytest.mark.parametrize("value", ["x\nRUN evil", "x\n", "x\rcommand: [evil]", "x\u2028y"])
def test_a_value_inside_an_instruction_stays_in_its_line(value):
    with pytest.raises(UsageError) as caught:
        substitute("FROM busybox\nLABEL a={{a}}\n{{fine}}\n", {"a": value, "fine": "RUN a\nRUN b"}, first_line=2)
    assert caught.value.message == "line 3: the value of {{a}} has a line break."
    assert "nothing but {{a}}" in caught.value.cure


def test_a_word_of_a_magic_s_line_may_have_several_lines():
    assert substitute_word("{{script}}", {"script": "a\nb"}) == "a\nb"
    assert substitute_word("TEXT={{script}}", {"script": "a\nb"}) == "TEXT=a\nb"
    with pytest.raises(UsageError, match="is not defined in Python"):
        substitute_word("{{b}}", {})
