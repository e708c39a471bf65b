"""The blocks of a picture, which is how a state looks: one `render(state)` serves every surface.

`text`, `terminal`, `html` and `page` draw the same blocks. Each block has a key that is stable while the state changes,
so that the page is sent only the blocks that changed. All text in a picture is untrusted: each of them makes it
harmless.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import plain
from nbcontainer.views.quantities import format_age, format_seconds, format_whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcontainer.views.blocks import Action, Block

SIGNS = {Tone.GOOD: "✓", Tone.BAD: "✕", Tone.WARNING: "!", Tone.RUNNING: "◐", Tone.CACHED: "●", Tone.DIM: "○"}
CLOSED = " ▸"  # behind a node with children that are not shown


@dataclass(frozen=True, slots=True)
class Clock:
    """A duration that goes on until `until`: a page counts by itself, other surfaces draw the moment.

    Attributes:
        since: when it started, in seconds since the epoch.
        until: when it ended; None while it runs.
        style: "seconds" ("14.2 s", "2 min 05 s"), "whole" (the same without tenths, and nothing in the first second) or
            "age" (kubectl's: "4m12s", "2y270d").
        before: text before the duration, drawn only with it: "after ".
    """

    since: float
    until: float | None = None
    style: str = "seconds"
    before: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text with a meaning."""

    text: str
    tone: Tone = Tone.PLAIN
    bold: bool = False
    code: bool = False
    chip: bool = False
    """Whether it names where the picture belongs: an engine, a context. HTML draws a frame around it."""
    status: bool = False
    """Whether it says how things are going; the page says here, too, that the kernel no longer responds."""
    bar: tuple[float, float | None] | None = None
    """The start and end of a bar on the grid's axis; the end is None while it grows. HTML draws it, not the text."""
    clock: Clock | None = None
    """Drawn in place of the text."""
    action: Action | None = None
    """What a click does."""
    link: str = ""
    """A path from the notebook's folder. Static HTML links to it; a page's widget does not know that folder."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of spans; in a terminal that is too narrow it is cut, or with `wraps` continued on the next line.

    With `head` it is the heading of the picture, where the page has its Stop button and says whether it is live.
    """

    spans: tuple[Span, ...]
    indent: int = 0
    wraps: bool = False
    head: bool = False
    key: str = ""

    @classmethod
    def of(cls, *parts: str | Span, indent: int = 0, wraps: bool = False, head: bool = False, key: str = "") -> Line:
        """A line of strings and spans."""
        return cls(tuple(Span(part) if isinstance(part, str) else part for part in parts), indent, wraps, head, key)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows in columns, with a head if `columns` is not empty. `right` are the right-aligned columns.

    Attributes:
        flexible: the column that is cut, with an ellipsis, if there is not enough room, or with `wraps` continued on
            the next line. Columns without any text are only drawn in HTML, where they may contain bars.
        widths: the columns' widths if these are some rows of a longer grid.
        keys: one for each row, if rows come, go or change: the page is then sent only the rows that changed.
        axis: the start and end of the bars' axis; the end is None while it is the present. (0, 1) if it is a share.
        outputs: by the row's key, the output of a row. The page folds it below the row; other surfaces draw it below
            the grid, with its title.
        chart: whether the bars are what it shows: in HTML they get the room that there is.
        optional: the columns that a narrow page leaves out.
        group: the column whose texts the page draws as headings above their rows.
        label: describes the grid to a screen reader.
    """

    rows: tuple[tuple[Span, ...], ...]
    columns: tuple[str, ...] = ()
    right: frozenset[int] = frozenset()
    flexible: int | None = None
    indent: int = 0
    wraps: bool = False
    widths: tuple[int, ...] = ()
    key: str = ""
    keys: tuple[str, ...] = ()
    axis: tuple[float, float | None] = (0.0, 1.0)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    optional: frozenset[int] = frozenset()
    group: int | None = None
    chart: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """Lines of a program's output; their colours are kept.

    Attributes:
        count: how many lines the whole output has, if these are only its end. It also tells how many of them are new.
        open: where it belongs to a row, whether it is unfolded, until the user decides.
        preview: how many of the last lines are shown while it is not.
        title: what wrote it, for surfaces that draw the output of a row somewhere else.
        rest: the path of the file with all of the output.
        ending: drawn below the lines: why there are no more.
    """

    lines: tuple[str, ...]
    tone: Tone = Tone.PLAIN
    indent: int = 2
    key: str = ""
    count: int = 0
    open: bool = True
    preview: int = 0
    title: tuple[Span, ...] = ()
    rest: str = ""
    ending: str = ""

    @property
    def total(self) -> int:
        """How many lines the whole output has."""
        return max(self.count, len(self.lines))


@dataclass(frozen=True, slots=True)
class Picture:
    """Blocks, one below the other. `label` describes the picture to a screen reader."""

    blocks: tuple[Block, ...] = ()
    label: str = ""


def single_line(text: str) -> str:
    """`text`, made harmless, without line breaks."""
    return plain(text).replace("\n", "␊")


def text_of(span: Span) -> str:
    """The span's text, made harmless, on one line; of a clock, the time at this moment."""
    clock = span.clock
    if clock is None:
        return single_line(span.text)
    seconds = (time.time() if clock.until is None else clock.until) - clock.since
    match clock.style:
        case "age":
            took = format_age(seconds)
        case "whole":
            took = format_whole_seconds(seconds)
        case _:
            took = format_seconds(seconds)
    return f"{single_line(clock.before)}{took}" if took else ""


def separated(*parts: str | Span, tone: Tone = Tone.DIM) -> tuple[Span, ...]:
    """The parts that have a text, as spans with dots between them; strings get the tone."""
    spans = [Span(part, tone) if isinstance(part, str) else part for part in parts if part]
    return tuple(each for span in spans for each in (Span(" · ", tone), span) if span.text or span.clock)[1:]
