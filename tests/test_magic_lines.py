"""The line of a magic, written from a verb and its values."""

import pytest

from nbcontainer.errors import UsageError
from nbcontainer.magics.catalogue import MAGICS, verbs_of
from nbcontainer.verbs.lines import magic_line


@pytest.mark.parametrize(
    ("magic", "path", "values", "line"),
    [
        (
            "docker",
            ("volume", "rm"),
            {"volume": ["data", "a b"], "force": True},
            "%docker volume rm data 'a b' --force",
        ),
        (
            "docker",
            ("volume", "ls"),
            {"filters": ["name=data", "dangling=true"]},
            "%docker volume ls --filter=name=data --filter=dangling=true",
        ),
        (
            "docker",
            ("run",),
            {"image": "busybox", "command": ["echo", "-n"], "remove": True},
            "%docker run --rm busybox echo -n",
        ),
        (
            "kpod",
            ("logs",),
            {"namespace": "shop", "pod": "web-1", "follow": True},
            "%kpod logs web-1 --namespace=shop --follow",
        ),
        ("docker", ("push",), {}, "%docker push"),
    ],
)
def test_lines(magic, path, values, line):
    assert magic_line(magic, path, values) == line


@pytest.mark.parametrize("name", ["a\nimport os", "a\r", "{{password}}", "-rf", "a\u2028b", "x\x00"])
def test_a_value_never_becomes_anything_else(name):
    with pytest.raises(UsageError):
        magic_line("docker", ("volume", "rm"), {"volume": [name]})


@pytest.mark.parametrize(
    ("magic", "path", "values"),
    [("docker", ("vanish",), {}), ("grammar", ("x",), {}), ("docker", ("push",), {"colour": 1})],
)
def test_unknown_verbs_and_arguments_are_refused(magic, path, values):
    with pytest.raises(UsageError):
        magic_line(magic, path, values)


def test_a_line_is_read_as_it_was_written():
    magic = verbs_of("docker").magic
    line = magic_line("docker", ("volume", "create"), {"name": 'it\'s "$here"', "labels": {"a": "b c"}})
    verb, words = magic.split(line.removeprefix("%docker "))
    values = verb.parse(words)
    assert (verb.path, values.name, values.labels) == ("volume create", 'it\'s "$here"', {"a": "b c"})
    assert "docker" in MAGICS
