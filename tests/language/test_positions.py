"""Completion and help at many positions; the page's TypeScript is held to the same file (`frontend/tests`)."""

import json
from pathlib import Path

import pytest

from nbcontainer.language.dockerfile import complete_dockerfile
from nbcontainer.language.hover import meaning_at

POSITIONS = json.loads(Path(__file__).with_name("positions.json").read_text(encoding="utf-8"))
IMAGES, PATHS = ["busybox:1", "golang:1.26"], ["src/", "src/a.py", "srv.py", "x"]


def cursor_of(marked):
    """The text, and the cursor's line and column."""
    before, after = marked.split("|")
    lines = before.split("\n")
    return before + after, len(lines), len(lines[-1])


def each(kind):
    return [pytest.param(position, id=position["what"]) for position in POSITIONS[kind]]


@pytest.mark.parametrize("position", each("completion"))
def test_completion(position):
    text, line, column = cursor_of(position["text"])
    asked = set()

    def images():
        asked.add("images")
        return IMAGES

    def paths(prefix):
        asked.add("paths")
        return [path for path in PATHS if path.startswith(prefix)]

    found = complete_dockerfile(text, line, column, images=images, paths=paths)
    items = [item.text for item in found.items if item.text not in (*IMAGES, *PATHS)]
    if "offers" in position:
        assert items == position["offers"]
    assert set(position.get("includes", ())) <= set(items)
    assert not set(position.get("excludes", ())) & set(items)
    if "start" in position:
        assert found.start == position["start"]
    if "names" in position:
        assert position["names"] in asked
    fragment = text.split("\n")[line - 1][found.start : column]
    assert all(item.text.casefold().startswith(fragment.casefold()) for item in found.items)


@pytest.mark.parametrize("position", each("hover"))
def test_help(position):
    found = meaning_at(*cursor_of(position["text"]))
    assert (found.word if found else "") == position["word"]
    assert (found.text if found else "") == position["says"]
