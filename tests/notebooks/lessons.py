"""The lessons: their cells with the solutions of their exercises, and how to execute them.

A solution is in the text of its exercise, folded: `<details>`, with one fenced block for each cell. A block, or a cell,
that shows a failure is marked `raises-exception`: a block after its language, a cell by a tag.
"""

import os
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from nbcontainer import errors
from tests.notebooks.names import check_names, state_cell

REPOSITORY = Path(__file__).parents[2]
NOTEBOOKS = REPOSITORY / "notebooks"
INDEX = "index"
EXERCISE = re.compile(r"^### Exercise (\d+)\b", re.MULTILINE)
SOLUTION = re.compile(r"^<details>\n<summary>Solution</summary>\n\n(.*?)\n\n</details>$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
FAILS = "raises-exception"


def read(name):
    """A notebook as it is committed."""
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def lessons():
    """The names of all notebooks except the index."""
    return sorted({path.stem for path in NOTEBOOKS.glob("*.ipynb")} - {INDEX})


def solutions(text):
    """The cells of the solutions in a Markdown cell."""
    cells = []
    for solution in SOLUTION.findall(text):
        for language, code in BLOCK.findall(solution):
            tags = [FAILS] if FAILS in language.split() else []
            cells.append(nbformat.v4.new_code_cell(code.rstrip("\n"), metadata={"tags": tags, "solution": True}))
    return cells


def with_solutions(cells):
    """The cells with each exercise solved.

    A block takes the place of the later cell that begins with the same line, as when a reader writes it there; any
    other, and a manifest, follows the block before it, the first one its exercise.
    """
    solved = list(cells)
    for exercise in (cell for cell in cells if cell.cell_type == "markdown"):
        place = next(index for index, cell in enumerate(solved) if cell is exercise)
        for block in solutions(exercise.source):
            later = (index for index in range(place + 1, len(solved)) if _is_replaced(solved[index], block))
            if (found := next(later, None)) is not None:
                place, solved[found] = found, block
            else:
                place += 1
                solved.insert(place, block)
    return solved


def _is_replaced(cell, block):
    if _first_line(cell) == "%%kube apply":  # all manifests begin like this
        return False
    return "solution" not in cell.metadata and _first_line(cell) == _first_line(block)


def _first_line(cell):
    return cell.source.partition("\n")[0]


def execute(cells, folder, monkeypatch, **variables):
    """Run code cells in a fresh kernel; one that fails ends it, unless its tag says that it fails."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def execute_lesson(cells, folder, monkeypatch, variables):
    """Execute a lesson; check what all lessons promise.

    Cells succeed, or fail with an error of ours where their tag says so; nothing gets in another reader's way.
    """
    notebook = execute([*cells, state_cell()], folder, monkeypatch, **variables)
    for cell in notebook.cells:
        outputs = cell.get("outputs", ())
        failed = [output.ename for output in outputs if output.output_type == "error"]
        assert len(failed) == (FAILS in cell.metadata.get("tags", ())), (cell.source, failed)
        assert all(issubclass(getattr(errors, each, str), errors.NbcontainerError) for each in failed), cell.source
        assert not [output for output in outputs if output.get("name") == "stderr"], cell.source
    check_names(notebook.cells)
    return notebook


def said(notebook, start):
    """The text/plain of the cell that starts with `start`, after a check that it has HTML, too."""
    cell = next(cell for cell in notebook.cells if cell.source.startswith(start))
    data = [output["data"] for output in cell.outputs if "data" in output]
    assert data, cell
    assert all("text/html" in bundle for bundle in data), start
    return "\n".join(bundle["text/plain"] for bundle in data)
