"""The line that a button writes into a cell."""

import pytest

from nbcontainer.verbs import declared, kpod
from nbcontainer.verbs.lines import magic_line
from nbcontainer.verbs.words import shell_words

VERBS = [
    *((magic, verb) for magic in ("docker", "kpod", "kube", "nbcontainer") for verb in declared(magic)),
    ("kpod", kpod.GET),
]


@pytest.mark.parametrize(("magic", "verb"), VERBS, ids=[f"{magic} {verb.path}" for magic, verb in VERBS])
def test_a_line_is_read_as_the_values_it_was_made_of(magic, verb):
    for example in verb.example.strip().splitlines():
        start = f"%{magic} {verb.path}"
        if not example.startswith(start):
            continue
        values = verb.parse(shell_words(example.removeprefix(start)))
        line = magic_line(magic, verb.path.split(), {each.key: values[each.key] for each in verb.arguments})
        if "*" not in example:  # a pattern might be code
            assert verb.parse(shell_words(line.removeprefix(start))) == values


def test_a_line_has_the_words_that_a_user_would_write():
    assert magic_line("docker", ("volume", "rm"), {"volume": ("data", "cache"), "force": True}) == (
        "%docker volume rm data cache --force"
    )
    assert magic_line("kpod", ("logs",), {"pod": ["web"], "namespace": "shop"}) == "%kpod logs web --namespace=shop"
    assert magic_line("kpod", ("get",), {}) == "%kpod get"


@pytest.mark.parametrize(
    "name", ["{{token}}", "web; rm -rf /", "web\nimport os", "-f", "web?", "$HOME", "wéb", "a b", "!ls", "", "\ud800"]
)
def test_a_name_that_might_be_code_gives_no_line(name):
    assert magic_line("docker", ("volume", "rm"), {"volume": ("data", name)}) == ""


def test_an_unknown_verb_or_value_gives_no_line():
    assert magic_line("docker", ("volume", "explode"), {}) == ""
    assert magic_line("ls", (), {}) == ""
    assert magic_line("docker", ("volume", "rm"), {"colour": "red"}) == ""
