"""Every kind of block in the drawers that Python has: what they say, and that hostile text does nothing."""

import io
import json
import re
from html.parser import HTMLParser
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from nbcontainer.views.blocks import Block, Plot
from nbcontainer.views.html import as_html
from nbcontainer.views.kit import Picture
from nbcontainer.views.page import whole
from nbcontainer.views.terminal import as_rich, fitted
from nbcontainer.views.text import as_text, text_lines
from tests.views import gallery
from tests.views.random_blocks import any_blocks, texts

TAGS = {"div", "span", "table", "thead", "tbody", "tr", "th", "td", "pre", "details", "summary", "svg", "path"}
ATTRIBUTES = {"style", "role", "aria-label", "aria-hidden", "open", "viewbox", "preserveaspectratio", "d"}
ATTRIBUTES |= {"vector-effect", "tabindex"}
# controls, and what reorders, hides or cannot be encoded
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
pictures = st.builds(Picture, st.lists(any_blocks, max_size=4).map(tuple), label=texts)


class Reader(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = set(), {}, "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= dict(attrs)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def in_terminal(picture, width):
    console = Console(file=io.StringIO(), width=width, height=24, color_system=None, legacy_windows=False)
    console.print(as_rich(picture))
    return console.file.getvalue()


@settings(deadline=None, max_examples=50)
@given(pictures)
def test_html_is_well_formed_and_contains_only_what_we_write(picture):
    html = as_html(picture)
    reader = Reader(html)
    assert reader.open == []
    assert reader.tags <= TAGS
    assert set(reader.attributes) <= ATTRIBUTES
    assert not FORBIDDEN.search(html)


@settings(deadline=None, max_examples=50)
@given(pictures)
def test_text_has_no_control_characters(picture):
    assert not FORBIDDEN.search(as_text(picture))


@settings(deadline=None, max_examples=50)
@given(pictures, st.sampled_from([20, 40, 80]))
def test_a_terminal_is_never_too_narrow(picture, width):
    shown = in_terminal(picture, width)
    assert not FORBIDDEN.search(shown.replace("\n", ""))
    assert all(cell_len(line) <= width for line in shown.splitlines())
    assert not FORBIDDEN.search("".join(text_lines(picture, width)))


@settings(deadline=None, max_examples=50)
@given(pictures, st.integers(2, 30))
def test_a_terminal_of_few_rows_shows_as_much_as_fits(picture, rows):
    in_terminal(fitted(picture, rows), 80)


@settings(deadline=None, max_examples=50)
@given(pictures)
def test_the_page_is_sent_json(picture):
    json.dumps(whole(picture), allow_nan=False).encode()


@settings(deadline=None, max_examples=50)
@given(pictures)
def test_terminal_and_text_say_the_same(picture):
    def words(text):
        return sorted(re.sub(r"\s+|␍", "", text))  # a terminal shows the first half of a CR LF, too

    wide = in_terminal(picture, 2_000)
    assert words(wide) == words(as_text(picture))


def test_the_gallery_has_every_kind_of_block_and_fits_into_a_terminal():
    def kinds(blocks):
        for block in blocks:
            yield type(block)
            yield from kinds(getattr(block, "blocks", ()))

    pictures = gallery.pictures()
    shown = {kind for picture in pictures.values() for kind in kinds(picture.blocks)}
    assert shown == set(get_args(Block)) - {Plot}  # a plot is what a chart becomes
    for name, picture in (pictures | gallery.recorded()).items():
        for width in (40, 80):
            assert max(map(cell_len, in_terminal(picture, width).splitlines())) <= width, name
