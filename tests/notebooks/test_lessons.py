"""What all lessons have in common."""

import re
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.lessons import EXERCISE, FAILS, NOTEBOOKS, lessons, read, solutions, with_solutions
from tests.notebooks.names import created, is_own

WITH_EXERCISES = [name for name in lessons() if name != "quickstart"]


@pytest.mark.parametrize("name", lessons())
def test_every_lesson_is_executed_by_a_test_of_its_own(name):
    test = Path(__file__).with_name(f"test_{name}.py").read_text("utf-8")
    assert f'read("{name}")' in test
    assert re.search(r"^def test_\w+\(.*\bhome\b", test, re.MULTILINE), "not on both kinds of machine"


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_lesson_has_three_exercises_with_folded_solutions(name):
    texts = [cell.source for cell in read(name).cells if cell.cell_type == "markdown"]
    exercises = [text for text in texts if EXERCISE.search(text)]
    assert [EXERCISE.findall(text) for text in exercises] == [["1"], ["2"], ["3"]]
    assert [text for text in exercises if not solutions(text)] == []
    # anything folded in another way would not be executed
    assert ["<details>" in text for text in texts] == [text in exercises for text in texts]


def test_notebooks_are_committed_without_outputs():
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in read(path.stem).cells:
            clear = cell.cell_type == "markdown" or not (cell.outputs or cell.execution_count)
            assert clear, f"{path}: clear its outputs"


def test_solutions_are_executed_in_place():
    text = "### Exercise 1\n\n```\nnot this\n```\n\n<details>\n<summary>Solution</summary>\n\nOne:\n\n"
    text += "```python\n1\n```\n\nTwo:\n\n```dockerfile raises-exception\n%%dockerfile\nFORM x\n```\n\n</details>"
    one, two = solutions(text)
    assert (one.source, one.metadata.tags) == ("1", [])
    assert (two.source, two.metadata.tags) == ("%%dockerfile\nFORM x", [FAILS])


def test_a_solution_takes_the_place_of_the_cell_that_begins_like_it():
    exercise = nbformat.v4.new_markdown_cell(
        "<details>\n<summary>Solution</summary>\n\n```\n%%x\n2\n```\n\n```\nprint()\n```\n\n</details>"
    )
    given = [exercise, *map(nbformat.v4.new_code_cell, ("hello", "%%x\n1", "last"))]
    assert [cell.source for cell in with_solutions(given)[1:]] == ["hello", "%%x\n2", "print()", "last"]
    exercise.source = exercise.source.replace("%%x", "%%kube apply")
    given[2].source = "%%kube apply\n1"
    solved = [cell.source for cell in with_solutions(given)[1:]]
    assert solved == ["%%kube apply\n2", "print()", "hello", "%%kube apply\n1", "last"]


def test_the_names_that_magics_create_are_found():
    code = "%docker run -d --name web-{{mine}} -p 80 busybox\nx = %docker tag a b:1\n%docker run busybox\n%docker ps"
    assert created(code, {"mine": "m"}) == ["web-m", "b:1"]
    assert created("%%dockerfile -t a:1 -t a:2\nFROM busybox", {}) == ["a:1", "a:2"]
    assert created("%docker psuh a:1", {}) == []
    manifests = "metadata: {name: web-{{mine}}}\n---\nmetadata:\n  name: other\n"
    assert created(f"%%kube apply\n{manifests}", {"mine": "m"}) == ["web-m", "other"]
    assert [is_own(name, "0123456789ab") for name in ("hello", "hello-a1b2", "x/0123456789ab:1")] == [False, True, True]
