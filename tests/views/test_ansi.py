"""Untrusted text is harmless and visible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.views.ansi import plain, styled


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[H\x1b[?25lgone", "gone"),
        ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        ("cut off \x1b[3", "cut off 3"),
        ("\x1b", ""),
        ("bell\x07", "bell\u2407"),
        ("back\x08space", "back\u2408space"),
        ("a\x00b", "a\u2400b"),
        ("abc\u202etxt.exe", "abc⟨U+202E⟩txt.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("\x7f", "\u2421"),
        ("\x9b31m", "\\x9b31m"),
        ("tab\there", "tab    here"),
        ("über 日本", "über 日本"),
    ],
)
def test_plain(hostile, shown):
    assert plain(hostile) == shown


def test_styled_keeps_only_colour_and_weight():
    runs = styled("a\x1b[1;31mb\x1b[22mc\x1b[39md\x1b[92me\x1b[0mf")
    assert [(r.text, r.colour, r.bold) for r in runs] == [
        ("a", None, False),
        ("b", 1, True),
        ("c", 1, False),
        ("d", None, False),
        ("e", 10, False),
        ("f", None, False),
    ]


def test_styled_steps_over_the_numbers_of_palette_and_true_colours():
    runs = styled("\x1b[38;5;2mgreen\x1b[38;2;1;31;4mrest\x1b[48;5;1;4munder")
    assert [(r.text, r.colour) for r in runs] == [("green", 2), ("rest", 2), ("under", 2)]


@given(st.text())
def test_no_escape_and_no_control_character_survives(text):
    for shown in (plain(text), "".join(run.text for run in styled(text))):
        assert not any((ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in shown)
        assert "\u202e" not in shown
