"""Every lesson, executed with its solutions on both kinds of machine; and what all lessons have in common."""

import pytest

from nbcontainer import errors
from tests.notebooks.lessons import EXERCISE, FAILS, NOTEBOOKS, execute, lessons, read, solutions, with_solutions
from tests.notebooks.names import check_names, created, is_own, state_cell

WITH_EXERCISES = [name for name in lessons() if name != "quickstart"]  # which test_quickstart.py executes


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_lesson(name, home, tmp_path, monkeypatch):
    """Cells succeed, or fail with an error of ours where their tag says so; nothing gets in another reader's way."""
    cells = [*with_solutions(read(name).cells), state_cell()]
    notebook = execute(cells, tmp_path, monkeypatch, **home)
    for cell in notebook.cells:
        outputs = cell.get("outputs", ())
        failed = [output.ename for output in outputs if output.output_type == "error"]
        assert len(failed) == (FAILS in cell.metadata.get("tags", ())), (cell.source, failed)
        assert all(issubclass(getattr(errors, each, str), errors.NbcontainerError) for each in failed), cell.source
        assert not [output for output in outputs if output.get("name") == "stderr"], cell.source
    check_names(notebook.cells)


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


def test_the_names_that_magics_create_are_found():
    code = "%docker run -d --name web-{{mine}} -p 80 busybox\nx = %docker tag a b:1\n%docker run busybox\n%docker ps"
    assert created(code, {"mine": "m"}) == ["web-m", "b:1"]
    assert created("%%dockerfile -t a:1 -t a:2\nFROM busybox", {}) == ["a:1", "a:2"]
    assert created("%docker psuh a:1", {}) == []
    assert [is_own(name, "0123456789ab") for name in ("hello", "hello-a1b2", "x/0123456789ab:1")] == [False, True, True]
