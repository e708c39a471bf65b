"""The picture of an engine's disk usage in all four drawers."""

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from nbcontainer.model.system import BUILD_CACHE, CONTAINERS, IMAGES, VOLUMES, DiskUsage, Stored, Usage
from nbcontainer.verbs.lines import magic_line
from nbcontainer.views import page
from nbcontainer.views.html import as_html
from nbcontainer.views.system import MOST_OBJECTS, render
from nbcontainer.views.terminal import as_rich
from nbcontainer.views.text import as_text

ROWS = [
    (IMAGES, "635", "12", "5.68 GB", "3.2 GB (56%)"),
    (CONTAINERS, "14", "3", "90 MB", "20 MB (22%)"),
    (VOLUMES, "4", "4", "1.2 GB", "0 B (0%)"),
    (BUILD_CACHE, "18,420", "0", "0 B", "0 B"),
]
IMAGES_SHOWN = tuple(Stored(f"image-{at}", 1000 - at, 10, created=1.0) for at in range(MOST_OBJECTS + 5))
USAGE = DiskUsage(
    "Docker Engine 28.5.2",
    (
        Usage(IMAGES, 635, 12, 5_684_000_000, 3_200_000_000),
        Usage(CONTAINERS, 14, 3, 90_000_000, 20_000_000),
        Usage(VOLUMES, 4, 4, 1_200_000_000, 0),
        Usage(BUILD_CACHE, 18_420, 0, 0, 0),
    ),
    note="A remark.",
)
VERBOSE = DiskUsage("Podman", (Usage(IMAGES, 55, 0, 10, 10, IMAGES_SHOWN), *USAGE.usages[1:]), called="far away")


def in_terminal(picture):
    """What a terminal of 80 columns shows."""
    file = io.StringIO()
    Console(file=file, width=80, force_terminal=False).print(as_rich(picture))
    return file.getvalue()


class Texts(HTMLParser):
    """The texts of a fragment of HTML."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.tags = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("draw", [as_text, in_terminal])
def test_lines(draw):
    lines = [re.split(r"\s{2,}", line.strip()) for line in draw(render(USAGE)).splitlines() if line.strip()]
    assert lines[0] == ["disk usage", "Docker Engine 28.5.2", "6.97 GB, of which 3.22 GB can be freed"]
    bars = [tuple(line) for line in lines if len(line) > 1 and set(line[1]) <= set("━╌")]
    assert [(kind, size) for kind, _, size in bars] == [(row[0], row[3]) for row in ROWS]
    assert [bar.count("━") for _, bar, _ in bars] == [19, 1, 4, 0]
    table = lines.index(["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]) + 1
    assert [tuple(line) for line in lines[table : table + 4]] == ROWS
    assert [line[0] for line in lines[-2:]] == ["A remark.", "%docker network prune"]  # each volume is in use


def test_html():
    found = Texts(as_html(render(USAGE)))
    assert {"script", "link", "img"}.isdisjoint(tag for tag, _ in found.tags)
    cells = [text for text in found.texts if text.strip()]
    for row in ROWS:
        at = cells.index(row[1])
        assert tuple(cells[at - 1 : at + 4]) == row
    assert any("width" in attributes.get("style", "") and "%" in attributes["style"] for _, attributes in found.tags)


def test_the_page():
    blocks = page.whole(render(USAGE))["blocks"]
    assert [block["key"] for block in blocks] == ["heading", "chart", "table", "note", "actions"]
    assert [block["kind"] for block in blocks] == ["line", "grid", "grid", "line", "actions"]
    assert blocks[2]["keys"] == [row[0] for row in ROWS]
    other = DiskUsage(USAGE.where, (*USAGE.usages[:3], Usage(BUILD_CACHE, 18_421, 0, 0, 0)), note=USAGE.note)
    row = [BUILD_CACHE, "18,421", "0", "0 B", {"text": "0 B", "tone": "dim"}]
    changed = {"blocks": [{"key": "table", "rows": {BUILD_CACHE: row}}]}
    assert page.changes(render(USAGE), render(other)) == changed


def test_each_object():
    text = as_text(render(VERBOSE))
    assert f"image-{MOST_OBJECTS - 1} " in text
    assert f"image-{MOST_OBJECTS} " not in text
    assert "… and 5 smaller ones" in text


def test_the_buttons_act_on_the_same_engine():
    (actions,) = [block.actions for block in render(VERBOSE).blocks if block.key == "actions"]
    lines = [magic_line(action.magic, action.verb, action.values) for action in actions]
    assert lines == ["%docker network prune '--context=far away'"]
    assert all(action.changes for action in actions)
