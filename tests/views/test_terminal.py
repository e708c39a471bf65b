"""Pictures in a real terminal: a pseudo-terminal, with pyte for what the user sees on screen and in the scrollback."""

import os
import sys
import termios
from pathlib import Path

import pexpect
import pyte
import pytest

from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Grid, Line, Output, Picture, Span
from nbcontainer.views.terminal import fitted
from nbcontainer.views.text import as_text

REPOSITORY = Path(__file__).parents[2]


class Seen:
    """A program in a terminal of so many columns and rows."""

    def __init__(self, columns, rows, *arguments, **variables):
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm-256color", **variables}
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.program = pexpect.spawn(
            sys.executable, [str(Path(__file__).with_name("drawing.py")), *arguments],
            env=environment, timeout=60, dimensions=(rows, columns),
        )  # fmt: skip

    def read_until(self, text):
        self.program.expect_exact(text)
        self._take(self.program.before + self.program.after)

    def read_to_the_end(self):
        self.program.expect(pexpect.EOF)
        self._take(self.program.before)
        return self.lines

    def _take(self, data):
        self.raw += data
        self.stream.feed(data)

    @property
    def lines(self):
        """The scrollback and the screen, without trailing blank lines."""
        above = ["".join(row[at].data for at in range(self.screen.columns)).rstrip() for row in self.screen.history.top]
        lines = above + [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 8), (45, 6), (120, 40)])
def test_a_picture_is_drawn_once_however_small_the_terminal(columns, rows):
    first, *picture, last = Seen(columns, rows, "4").read_to_the_end()
    assert (first, last) == ("before", "after")
    assert "✓ built" in picture[0]
    for words in ("FROM busybox", "WORKDIR", "RUN printf", "RUN dd", "COPY <<-EOF"):
        assert sum(words in line for line in picture) == 1, picture
    assert len(picture) == 9
    assert all("building" not in line and "… " not in line[:2] for line in picture)


def test_ctrl_c_and_keys_leave_one_picture():
    seen = Seen(60, 8, "4", "hang")
    seen.read_until("compiling web")
    seen.program.send("\r\r")  # an impatient user
    seen.read_until("compiling web")
    seen.program.sendintr()
    lines = seen.read_to_the_end()
    assert lines[0] == "before"
    assert lines[-2:] == ["The build was stopped.", "after"]
    assert sum("demo/good:1.4" in line for line in lines) == 1, lines


def test_the_terminal_is_left_as_it_was():
    seen = Seen(80, 24, "20", "hang")
    before = termios.tcgetattr(seen.program.child_fd)
    seen.read_until("compiling")
    assert not termios.tcgetattr(seen.program.child_fd)[3] & termios.ECHO
    seen.program.sendintr()
    seen.read_until("after")
    assert termios.tcgetattr(seen.program.child_fd) == before
    assert b"\x1b[?25l" in seen.raw  # the cursor was hidden
    assert seen.raw.rindex(b"\x1b[?25h") > seen.raw.rindex(b"\x1b[?25l")


def test_no_color_is_respected():
    seen = Seen(80, 24, "20", NO_COLOR="1")
    seen.read_to_the_end()
    assert b"\x1b[3" not in seen.raw


def grid(states):
    tones = {"done": Tone.GOOD, "running": Tone.RUNNING, "waiting": Tone.DIM}
    return Grid(tuple((Span("x", tones[state]), Span(f"step {at}")) for at, state in enumerate(states)))


def test_a_grid_shows_what_runs_and_says_how_much_is_out_of_sight():
    steps = grid(["done"] * 20 + ["running"] * 2 + ["waiting"] * 20)
    picture = fitted(Picture((Line.of("head"), steps, Output(tuple("abcdefgh")))), 12)
    assert as_text(picture).splitlines() == [
        "head", "… 17 above", *[f"x  step {at}" for at in range(17, 24)], "… 18 below", "  │ g", "  │ h",
    ]  # fmt: skip


def test_a_table_shows_its_first_rows_and_a_log_its_last():
    rows = tuple((Span(str(at), Tone.RUNNING),) for at in range(100))
    table = fitted(Picture((Line.of("pods"), Grid(rows, columns=("NAME",)))), 6)
    assert as_text(table).splitlines() == ["pods", "NAME", "0", "1", "… 98 below"]
    rows = (*rows, (Span("waits", Tone.WARNING),), (Span("fails", Tone.BAD),))
    table = fitted(Picture((Line.of("pods"), Grid(rows, columns=("NAME",)))), 7)
    assert as_text(table).splitlines() == ["pods", "NAME", "fails", "waits", "0", "… 99 below"]
    log = fitted(Picture((Line.of("log"), Output(tuple(map(str, range(100)))))), 4)
    assert as_text(log).splitlines() == ["log", "  │ 97", "  │ 98", "  │ 99"]


def test_a_grid_that_fits_is_unchanged_whatever_the_height():
    picture = Picture((Line.of("head"), grid(["done"] * 5)))
    assert fitted(picture, 6) is picture
    for rows in range(6):
        assert len(as_text(fitted(picture, rows)).splitlines()) <= rows
