"""The index: every lesson is in it, and its cell says what the machine has."""

import re

from tests.notebooks.lessons import execute, lessons, read


def test_the_index_has_every_lesson_once():
    text = "\n".join(cell.source for cell in read("index").cells if cell.cell_type == "markdown")
    row = r"^\| \d+\. \[[^]]+\]\((\w+)\.ipynb\) \|.*\| (\d+) minutes(?:, and the exercises)? \|$"
    rows = re.findall(row, text, re.MULTILINE)
    assert sorted(name for name, _ in rows) == lessons()
    assert sorted(re.findall(r"\]\((\w+)\.ipynb\)", text)) == lessons()  # no other links


def test_index(home, tmp_path, monkeypatch):
    notebook = execute(read("index").cells, tmp_path, monkeypatch, **home)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    (report,) = (output.data["text/plain"] for output in outputs)
    assert ("Docker Engine" if "/docker/" in home["DOCKER_HOST"] else "Podman") in report
