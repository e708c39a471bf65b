"""Lines that overwrite themselves look as a terminal shows them: pyte, and for wide characters tmux, as recorded."""

import re
import time

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.model.overwritten import settled
from nbcontainer.views.ansi import plain

WIDTH = 400
TEXTS = ["abc", "é", "e\u0301", "xy z", "1234567890"]
MOVES = ["\r", "\b", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[3D", "\x1b[2C", "\x1b[5G", "\x1b[G"]
STYLES = ["\x1b[31m", "\x1b[0m", "\x1b[1;32m", "\x1b[39m", "\x1b[22m", "\x1b[m", "\x1b[44m", "\x1b[49m"]
STYLES += ["\x1b[7m", "\x1b[27m", "\x1b[38;5;9m", "\x1b[38;2;1;2;3m"]
OTHERS = ["\x1b]0;title\x07"]


def in_terminal(line):
    """The cells that a terminal shows; a blank's colour does not matter."""
    screen = pyte.Screen(WIDTH, 2)
    pyte.Stream(screen).feed(line)
    row = [screen.buffer[0][column] for column in range(WIDTH)]
    return [(cell.data, cell.fg, cell.bg, cell.bold, cell.reverse) if cell.data.strip() else " " for cell in row]


@given(st.lists(st.sampled_from(TEXTS + MOVES + STYLES + OTHERS), max_size=14).map("".join))
def test_a_line_looks_as_in_a_terminal(line):
    assert in_terminal(settled(line)) == in_terminal(line)
    assert not re.search(r"[\r\x08]|\x1b\[[0-9;]*[^0-9;m]", settled(line))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("日本語\ra", "a 本語"),
        ("日本語\rab", "ab本語"),
        ("日本語\r\x1b[2Ca", "日a 語"),
        ("abc\r日", "日c"),
        ("abcd\r\x1b[1C日本", "a日本"),
        ("e\u0301x\ra", "ax"),
        ("a\tb\rx", "x       b"),
        ("  10%\r 100%\r", " 100%"),
        ("as Windows ends it\r", "as Windows ends it"),
        ("|\b/\b-\b\\", "\\"),
        ("loading\r\x1b[Kdone", "done"),
        ("\x1b[2K\x1b[1Gdone", "done"),
    ],
)
def test_what_tmux_shows(line, shown):
    assert plain(settled(line)) == shown


def test_styles_stay_with_their_characters():
    assert settled("\x1b[32mok\x1b[0m  10%\r\x1b[4C 99%") == "\x1b[32mok\x1b[0m   99%"
    assert settled("\x1b[1;41mgone\x1b[0m\r\x1b[36mnew\x1b[0m") == "\x1b[36mnew\x1b[0m\x1b[1;41me\x1b[0m"


def test_each_line_of_a_text_stands_for_itself():
    assert settled("one\rtwo\nthree\n10%\r20%") == "two\nthree\n20%"
    assert settled("\x1b[31mno cursor moves\x1b[0m") == "\x1b[31mno cursor moves\x1b[0m"


HOSTILE = [
    "\r",
    "x\r",
    "\x1b[999999999Cx",
    "\x1b[1K",
    "x\x1b[1K\r",
    "\x1b[999C\x1b[1K\r",
    "\u0301",
    "\x1b[31m",
    "\x1b[",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_line_costs_little(piece):
    line = "y" * 2_000 + "\r" + piece * (64_000 // len(piece))
    started = time.process_time()
    assert len(settled(line)) < 100_000
    assert time.process_time() - started < 2
