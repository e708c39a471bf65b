"""The lesson on registries, executed with its solutions: its cells show what its text says."""

import re

import nbformat
import pytest

from tests.notebooks.lessons import execute_lesson, read, with_solutions

LAYERS = 3
LEFT = "[image.name for image in nbc.images.list() if me in str(image.cells)]"


def shown(cells, source):
    """What the cells with this source show, one text for each."""
    found = [cell.outputs for cell in cells if cell.source == source]
    assert found, source
    return ["\n".join(map(_text, outputs)) for outputs in found]


def _text(output):
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.get("text") or output.data["text/plain"]


@pytest.mark.timeout(600)
def test_registries(home, tmp_path, monkeypatch):
    variables = {name: value for name, value in home.items() if not name.startswith("QUICKSTART")}  # it starts its own
    lesson = [*with_solutions(read("registries").cells), nbformat.v4.new_code_cell(LEFT)]
    notebook = execute_lesson(lesson, tmp_path, monkeypatch, variables)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]

    def only(source):
        (text,) = shown(cells, source)
        return text

    assert "listening on" in only("%docker logs -f --duration 2s {{box}}")
    assert "127.0.0.1:" in only("%docker ps -f name={{box}}")
    details = only("nbc.images.get(image)")
    assert re.search(r"^ *(?:Tags +)?page-[0-9a-f]{12}:1$", details, re.MULTILINE)
    assert re.search(r"^ *(?:Tags +)?127\.0\.0\.1:\d+/[0-9a-f]{12}/page:1$", details, re.MULTILINE)
    _check_digests(cells, only)
    _check_failures(only, shown(cells, "%docker login {{private}} -u alice --password-from password"))
    refused, pushed = shown(cells, "%docker push {{private_image}}")
    assert "Run `%docker login 127.0.0.1:" in refused
    assert "✓ pushed" in pushed
    assert "Run `%docker login 127.0.0.1:" in only("%docker pull {{private_image}}")
    assert only("%docker rm -f -v -y registry-{{me}} private-{{me}}").count("removed") == 2
    assert only(LEFT) == "[]"


def _check_digests(cells, only):
    """Tags move, digests do not; of two layers in three, nothing is sent again."""
    assert only("second.digest == first.digest") == "False"
    assert "first" in only("%docker run --rm {{repository}}@{{first.digest}}")
    second, again = shown(cells, "%docker run --rm {{image}}")  # the latter in the solution of an exercise
    assert ("second" in second, "first" in again) == (True, True)
    last = next(cell for cell in cells if cell.source.endswith("\nlayers_of(first.digest)"))
    first, second = (eval(text) for text in (_text(last.outputs[0]), only("layers_of(second.digest)")))
    assert len(first) == len(second) == LAYERS
    assert list(first)[: LAYERS - 1] == list(second)[: LAYERS - 1]
    assert 8_000_000 < sum(first.values()) < 20_000_000
    assert only("stable.digest == second.digest") == only("again.digest == first.digest") == "True"
    common = eval(only("layers_of(third.digest).keys() & layers_of(fourth.digest).keys()"))
    assert common == {next(iter(first))}


def _check_failures(only, logins):
    # Docker Hub refuses it, or cannot be reached
    assert re.search(
        r"^(PushFailed|AuthFailed|Forbidden): The push of page-", only("%docker push page-{{me}}:1"), re.MULTILINE
    )
    assert "NotFound: There is no image" in only("%docker push {{registry}}/{{me}}/pgae:1")
    assert "is running, and try again" in only("%docker push 127.0.0.1:1/{{me}}/page:1")
    wrong, right = logins
    assert wrong.startswith("AuthFailed: ")
    assert "nothing was stored" in wrong
    assert "Logged in" in right
