"""Lint and completion of YAML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.language.yaml_text import complete_yaml, lint_yaml
from nbcontainer.model.build import SourceMap


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb:\n\tc: 1\n", 3, "cannot start"),
        ("a: 1\nb: 2\na: 3\n", 3, "a stands twice"),
        ("a:\n- b: 1\n  b: 2\n", 3, "b stands twice"),
        ("a: [1\n", 1, "expected"),
        ('a: "\\q"', 1, "escape"),
        ("a: \x00", 1, "U+0000"),
        ("a: *b", 1, "alias"),
    ],
)
def test_faults(text, line, message):
    (problem,) = lint_yaml(text)
    assert problem.line == line
    assert message in problem.message
    assert lint_yaml(text, SourceMap.shifted(9, 10))[0].line == line + 10


@pytest.mark.parametrize("text", ["", "a: 1\n---\na: 2\n", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", "- 1\n- 2"])
def test_what_is_right(text):
    assert lint_yaml(text) == []


@pytest.mark.parametrize(
    ("text", "start", "items"),
    [
        ("kind: P", 6, ["Pod"]),
        ("apiVersion: v1\nsp", 0, ["spec:"]),
        ("metadata:\n  na", 2, ["name:", "namespace:"]),
        ("spec:\n  containers:\n  - na", 4, ["name:"]),
        ("spec:\n  containers:\n  - name: x\n    im", 4, ["image:", "imagePullPolicy:"]),
        ("spec:\n  containers:\n  - name: x\n    ports:\n    - con", 6, ["containerPort:"]),
        ("spec:\n  restartPolicy: N", 17, ["Never"]),
        ("data:\n  na", 2, []),
    ],
)
def test_completion(text, start, items):
    lines = text.split("\n")
    found = complete_yaml(text, len(lines), len(lines[-1]))
    assert (found.start, [item.text for item in found.items]) == (start, items)


@given(st.text(max_size=60), st.integers(-1, 5), st.integers(0, 70))
def test_nothing_makes_them_fail(text, line, column):
    lint_yaml(text)
    complete_yaml(text, line, column)
