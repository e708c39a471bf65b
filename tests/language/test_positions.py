"""Completion and help at many positions; the page's TypeScript is held to the same file (`frontend/tests`)."""

import json
import time
from pathlib import Path

import pytest

from nbcontainer.dockerfile import parse
from nbcontainer.language.cursor import Lines, parts
from nbcontainer.language.dockerfile import complete_dockerfile
from nbcontainer.language.dockerfile_help import help_words
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


def texts():
    finished = [position["text"].replace("|", "") for kind in ("completion", "hover") for position in POSITIONS[kind]]
    return [*(found.example for found in help_words().values()), *finished]


def test_lines_are_those_of_the_parser():
    compared = 0
    for text in texts():
        dockerfile = parse(text)
        if dockerfile.faults:
            continue
        lines = Lines()
        for line in text.split("\n"):
            lines.read(line)
        read = [parts(f"{statement.text} ")[0][0] for statement in lines.statements]
        assert read == [instruction.name for instruction in dockerfile.instructions], text
        assert lines.escape == dockerfile.escape, text
        compared += 1
    assert compared > len(texts()) / 2


# each takes minutes if anything is quadratic; the limit is far above what it takes
LARGE = {
    "blanks": "FROM x\nRUN a" + " " * 1_000_000 + "b $",
    "blanks in a directive": "# syntax=a" + " " * 1_000_000 + "b\nFROM x\nRU",
    "continued lines": "FROM x\nRUN a" + " hello \\\n" * 100_000 + " $",
    "words": "FROM x\nRUN " + "a " * 500_000 + "$",
    "quotes": "FROM x\nRUN " + "\"'" * 500_000 + "$",
    "heredocs": "FROM x\n" + "RUN <<EOF\nx\nEOF\n" * 60_000 + "RUN $",
    "stages": "".join(f"FROM s{n} AS s{n + 1}\nENV A{n}=$A{n - 1}x\n" for n in range(10_000)) + "RUN $",
    "variables": "FROM x\nENV A=1\n" + "ENV A=$A\n" * 100_000 + "RUN $",
    "doubling": "FROM x\nENV A=1234567890\n" + "ENV A=$A$A\n" * 1000 + "RUN $",
}


@pytest.mark.parametrize("what", LARGE)
def test_growth(what):
    text = LARGE[what]
    lines = text.split("\n")
    started = time.process_time()
    complete_dockerfile(text, len(lines), len(lines[-1]))
    meaning_at(text, len(lines), len(lines[-1]))
    assert time.process_time() - started < 20
