"""Quantities as text, as kubectl writes ages; frontend/tests/format.test.ts reads the same cases."""

import json
from pathlib import Path

import pytest

from nbcontainer.views.quantities import format_age, format_seconds, format_size, format_whole_seconds

CASES = json.loads(Path(__file__).parents[1].joinpath("recordings", "quantities.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("ages", format_age),
        ("sizes", format_size),
        ("seconds", format_seconds),
        ("whole seconds", format_whole_seconds),
    ],
)
def test_cases(kind, written):
    assert [[value, written(value)] for value, _ in CASES[kind]] == CASES[kind]
