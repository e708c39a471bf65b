"""A picture of a state: what the terminal, text/plain and text/html draw alike.

A view's `render(state)` builds a `Picture` of a few kinds of block; three functions draw it. All text in a picture
may be hostile: each of them makes it harmless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import plain, styled

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

__all__ = [
    "Block",
    "Grid",
    "Line",
    "Output",
    "Picture",
    "Span",
    "as_html",
    "as_rich",
    "as_text",
    "cell_width",
    "grid_widths",
    "in_cells",
    "single_line",
]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text with a meaning."""

    text: str
    tone: Tone = Tone.PLAIN
    bold: bool = False
    code: bool = False
    chip: bool = False
    """It says where the picture belongs: an engine, a context. HTML draws a frame around it."""
    bar: tuple[float, float] | None = None
    """Where a bar begins and ends, 0…1; HTML draws it in place of the text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of spans; in a terminal that is too narrow it is cut, or with `wraps` goes on below.

    With `head` it is the heading of the picture.
    """

    spans: tuple[Span, ...]
    indent: int = 0
    wraps: bool = False
    head: bool = False

    @classmethod
    def of(cls, *parts: str | Span, indent: int = 0, wraps: bool = False) -> Line:
        """A line of strings and spans."""
        return cls(tuple(Span(part) if isinstance(part, str) else part for part in parts), indent, wraps)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows in columns, with a head if `columns` names any. `right` are the columns aligned right.

    `flexible` is the column that is cut, with an ellipsis, where there is too little room, or with `wraps` goes on
    below. Columns without any text are drawn in HTML alone, where they may hold bars. `widths` are the columns' widths
    where these are some rows of a longer grid.
    """

    rows: tuple[tuple[Span, ...], ...]
    columns: tuple[str, ...] = ()
    right: frozenset[int] = frozenset()
    flexible: int | None = None
    indent: int = 0
    wraps: bool = False
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """Lines that a program wrote; their colours are kept."""

    lines: tuple[str, ...]
    tone: Tone = Tone.PLAIN
    indent: int = 2


Block = Line | Grid | Output


@dataclass(frozen=True, slots=True)
class Picture:
    """Blocks, one under the other. `label` names the whole for a screen reader."""

    blocks: tuple[Block, ...] = ()
    label: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


_ONE_CELL = re.compile("[\\x20-\\x7e–…·✓✕●○◐◌│■␊]*")  # ASCII, and the signs of our own
TERMINAL_CELLS = 80  # of a line that fits into most terminals


def cell_width(text: str) -> int:
    """How many terminal cells `text` takes."""
    if _ONE_CELL.fullmatch(text):
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - rich loads with the first picture

    return cell_len(text)


def single_line(text: str) -> str:
    """`text`, made harmless, without line breaks."""
    return plain(text).replace("\n", "␊")


def grid_widths(grid: Grid) -> list[int]:
    """How many cells each column takes."""
    if grid.widths:
        return list(grid.widths)
    rows = [*grid.rows, tuple(Span(name) for name in grid.columns)]
    count = max((len(row) for row in rows), default=0)
    return [
        max((cell_width(single_line(row[i].text)) for row in rows if i < len(row)), default=0) for i in range(count)
    ]


def in_cells(line: Line) -> list[Line]:
    """The line, indented; a heading that is too long for most terminals has its chips on a line of their own."""
    indent = (Span(" " * line.indent),) if line.indent else ()
    width = line.indent + sum(cell_width(single_line(span.text)) for span in line.spans)
    chips = tuple(span for span in line.spans if span.chip)
    if not (line.head and chips) or width <= TERMINAL_CELLS:
        return [Line((*indent, *line.spans))]
    apart = tuple(part for chip in chips for part in (Span(" · ", Tone.DIM), chip))[1:]
    return [Line((*indent, *(span for span in line.spans if not span.chip))), Line((*indent, *apart))]


# --- text/plain


def as_text(picture: Picture) -> str:
    """The picture as plain lines."""
    lines: list[str] = []
    for block in picture.blocks:
        match block:
            case Line():
                lines += ["".join(single_line(span.text) for span in line.spans) for line in in_cells(block)]
            case Grid():
                lines += _grid_text(block)
            case Output():
                lines += [" " * block.indent + "│ " + single_line(line) for line in block.lines]
    return "\n".join(line.rstrip() for line in lines)


def _with_text(grid: Grid) -> Grid:
    """The grid without the columns that have no text."""
    widths = grid_widths(grid)
    kept = [index for index, width in enumerate(widths) if width]
    return replace(
        grid,
        rows=tuple(tuple(row[index] for index in kept if index < len(row)) for row in grid.rows),
        columns=tuple(grid.columns[index] for index in kept if index < len(grid.columns)),
        right=frozenset(place for place, index in enumerate(kept) if index in grid.right),
        flexible=kept.index(grid.flexible) if grid.flexible in kept else None,
        widths=tuple(widths[index] for index in kept) if grid.widths else (),
    )


def _grid_text(grid: Grid) -> list[str]:
    grid = _with_text(grid)
    widths = grid_widths(grid)
    rows = [tuple(Span(name) for name in grid.columns), *grid.rows] if grid.columns else list(grid.rows)
    lines = []
    for row in rows:
        cells = []
        for index, span in enumerate(row):
            text = single_line(span.text)
            gap = " " * (widths[index] - cell_width(text))
            cells.append(gap + text if index in grid.right else text + gap)
        lines.append(" " * grid.indent + "  ".join(cells))
    return lines


# --- the terminal

NARROW = 12  # cells that each wide column keeps in a terminal that is too narrow

_RICH_STYLES = {
    Tone.PLAIN: "",
    Tone.DIM: "dim",
    Tone.GOOD: "green",
    Tone.RUNNING: "blue",
    Tone.CACHED: "magenta",
    Tone.WARNING: "yellow",
    Tone.BAD: "red",
}
_RICH_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def as_rich(picture: Picture) -> RenderableType:
    """The picture for a `rich` console."""
    from rich.console import Group  # noqa: PLC0415 - rich loads with the first picture

    blocks: list[RenderableType] = []
    for block in picture.blocks:
        match block:
            case Line():
                blocks += (
                    [_rich_wrapped(block)] if block.wraps else [_rich_line(each.spans) for each in in_cells(block)]
                )
            case Grid():
                blocks.append(_rich_grid(block))
            case Output():
                blocks += [_rich_output(line, block) for line in block.lines]
    return Group(*blocks)


def _rich_line(spans: Sequence[Span]) -> Text:
    from rich.text import Text  # noqa: PLC0415 - as above

    text = Text(overflow="ellipsis", no_wrap=True, end="\n")
    for span in spans:
        style = _RICH_STYLES[span.tone] + (" bold" if span.bold else "")
        text.append(single_line(span.text), style=style.strip() or None)
    return text


def _rich_wrapped(line: Line) -> RenderableType:
    """A line that goes on below, at its own indent."""
    from rich.padding import Padding  # noqa: PLC0415 - as above

    text = _rich_line(line.spans)
    text.no_wrap, text.overflow = False, "fold"
    return Padding(text, (0, 0, 0, line.indent)) if line.indent else text


def _rich_grid(grid: Grid) -> RenderableType:
    from rich.padding import Padding  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above

    grid = _with_text(grid)
    table = Table(box=None, show_header=bool(grid.columns), header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for index, width in enumerate(grid_widths(grid)):
        # rich narrows columns that may wrap, the widest first; its lines do not wrap all the same
        flexible = index == grid.flexible or width > NARROW
        table.add_column(
            grid.columns[index] if index < len(grid.columns) else "",
            justify="right" if index in grid.right else "left",
            no_wrap=not flexible,
            overflow="ellipsis",
            min_width=min(width, NARROW if grid.flexible != index else 1) if flexible else width,
        )
    for number, row in enumerate(grid.rows):
        cells = [_rich_line((span,)) for span in row]
        if grid.wraps and grid.flexible is not None and grid.flexible < len(cells):
            cells[grid.flexible].no_wrap, cells[grid.flexible].overflow = False, "fold"
        if number == 0 and grid.widths:  # the first row holds the columns open
            for cell, width in zip(cells, grid.widths, strict=False):
                if cell.cell_len < width:
                    cell.pad_right(width - cell.cell_len)
                    cell.overflow = "crop"
        table.add_row(*cells)
    return Padding(table, (0, 0, 0, grid.indent)) if grid.indent else table


def _rich_output(line: str, block: Output) -> Text:
    from rich.text import Text  # noqa: PLC0415 - as above

    text = Text(" " * block.indent, no_wrap=True, overflow="ellipsis")
    text.append("│ ", style=_RICH_STYLES[block.tone] or "dim")
    for run in styled(line):
        colour = "" if run.colour is None else ("bright_" if run.colour > 7 else "") + _RICH_COLOURS[run.colour % 8]  # noqa: PLR2004
        style = " ".join(word for word in (colour, "bold" if run.bold else "", "dim" if run.dim else "") if word)
        text.append(run.text.replace("\n", "␊"), style=style or None)
    return text


# --- text/html: no script, no network, inline styles only, since some viewers drop style sheets

# made for areas or for one theme, these have the contrast of text when mixed with the text's own colour
_COLOURS = {
    Tone.DIM: ("", 0),
    Tone.GOOD: ("var(--jp-success-color1, #2da44e)", 72),
    Tone.RUNNING: ("var(--jp-brand-color1, #2f81f7)", 84),
    Tone.CACHED: ("#a371f7", 76),
    Tone.WARNING: ("var(--jp-warn-color1, #d68f00)", 62),
    Tone.BAD: ("var(--jp-error-color1, #e5484d)", 84),
}
_ANSI_COLOURS = ("#3e424d", "#e75c58", "#00a250", "#b98a1f", "#208ffb", "#d160c4", "#2aa5a8", "#8a8a8a")
_CODE = "font-family: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, monospace); font-size: 12px"
_CELL = "padding:1px 14px 1px 0;border:0;white-space:pre"
_CUT = "width: 100%; max-width: 0; overflow: hidden; text-overflow: ellipsis"
_WRAPPED = "width: 100%; white-space: pre-wrap; overflow-wrap: anywhere; text-align: left"
_FAINT = "rgba(127, 127, 127, 0.13)"
_LINE = "1px solid rgba(127, 127, 127, 0.32)"
# JupyterLab leaves 20 pixels free at the right of HTML, and none of a widget: both shall end at the same edge
_FRAME = (
    f"margin: 2px calc(var(--jp-cell-padding, 0px) * -4) 2px 0; border: {_LINE}; border-radius: 6px; "
    "padding: 5px 12px; overflow-x: auto; font-size: 13px; line-height: 1.45"
)
_HEAD = f"margin: 0 -12px 5px; padding: 0 12px 5px; border-bottom: {_LINE}; white-space: pre-wrap"
_CHIP = f"border: {_LINE}; border-radius: 10px; padding: 0 8px; font-size: 11px; opacity: 0.75; white-space: nowrap"
_BAR = "display: inline-block; width: 130px; height: 8px; border-radius: 2px; overflow: hidden; vertical-align: middle"


def as_html(picture: Picture) -> str:
    """The picture as a self-contained fragment of HTML."""
    parts = []
    for place, block in enumerate(picture.blocks):
        match block:
            case Line():
                style = "white-space: pre-wrap"
                if block.head and place + 1 < len(picture.blocks):
                    style = _HEAD
                elif block.wraps:  # what goes on below stands under the words, not under the sign before them
                    style += f"; padding-left: {block.indent + 2}ch; text-indent: -2ch"
                elif block.indent:
                    style += f"; padding-left: {block.indent}ch"
                parts.append(f'<div style="{style}">{"".join(map(_html_span, block.spans))}</div>')
            case Grid():
                parts.append(_html_grid(block))
            case Output():
                parts.append(_html_output(block))
    label = f' role="group" aria-label="{escape(single_line(picture.label))}"' if picture.label else ""
    return f'<div{label} style="{_FRAME}">{"".join(parts)}</div>'


def _html_tone(tone: Tone) -> str:
    """The style of text with this meaning."""
    if tone is Tone.DIM:
        return "opacity: 0.68"
    colour, share = _COLOURS[tone]
    return f"color: color-mix(in srgb, {colour} {share}%, currentcolor)"


def _html_span(span: Span) -> str:
    if span.bar is not None:
        return _html_bar(span.bar, span.tone)
    styles = [_html_tone(span.tone)] if span.tone in _COLOURS and not span.chip else []
    if span.bold:
        styles.append("font-weight: 600")
    if span.code:
        styles.append(_CODE)
    if span.chip:
        styles.append(_CHIP)
    text = escape(single_line(span.text).strip() if span.chip else single_line(span.text))
    return f'<span style="{"; ".join(styles)}">{text}</span>' if styles else text


def _html_bar(bar: tuple[float, float], tone: Tone) -> str:
    """A bar on the axis that all rows share."""
    start, end = (max(0.0, min(1.0, place)) for place in bar)
    colour = _COLOURS[tone][0] or "rgba(127, 127, 127, 0.5)" if tone in _COLOURS else "rgba(127, 127, 127, 0.5)"
    filled = (
        f'<span style="display: block; height: 8px; min-width: 2px; margin-left: {min(start, 0.985):.1%}; '
        f'width: {max(0.0, end - start):.1%}; border-radius: 2px; background: {colour}"></span>'
    )
    return f'<span aria-hidden="true" style="{_BAR}; background: {_FAINT}">{filled if end > start else ""}</span>'


def _html_grid(grid: Grid) -> str:
    def style(index: int) -> str:
        cell = f"{_CELL};vertical-align:top" if grid.wraps else _CELL
        if index == grid.flexible and (grid.wraps or not grid.columns):
            return f"{cell};text-align:left;{_WRAPPED if grid.wraps else _CUT}"
        return f"{cell};text-align:{'right' if index in grid.right else 'left'}"

    def cells(row: Sequence[Span], tag: str) -> str:
        return "".join(
            f'<{tag} style="{style(index)}">{_html_span(span)}</{tag}>'
            for index, span in enumerate(row)
            if index in drawn
        )

    drawn = {index for row in grid.rows for index, span in enumerate(row) if span.text or span.bar or grid.columns}
    head = [Span(name, Tone.DIM, bold=True) for name in grid.columns]
    width = "width: 100%; " if grid.columns or grid.flexible is not None else ""
    return (
        f'<table style="{width}table-layout: auto; border-collapse: collapse; border: 0; '
        f"margin: 2px 0 2px {grid.indent}ch; "
        'font-size: 13px; font-variant-numeric: tabular-nums">'
        + (f"<thead><tr>{cells(head, 'th')}</tr></thead>" if head else "")
        + "<tbody>"
        + "".join(f'<tr style="background: transparent">{cells(row, "td")}</tr>' for row in grid.rows)
        + "</tbody></table>"
    )


def _html_output(block: Output) -> str:
    edge = _COLOURS[block.tone][0] if block.tone in _COLOURS else ""
    lines = "\n".join("".join(_html_run(run) for run in styled(line)) for line in block.lines)
    return (
        f'<pre style="{_CODE}; line-height: 1.5; margin: 2px 0 6px {block.indent}ch; padding: 4px 10px; '
        "overflow-x: auto; "
        f'background: {_FAINT}; border-left: 2px solid {edge or "rgba(127, 127, 127, 0.6)"}">{lines}</pre>'
    )


def _html_run(run: Any) -> str:
    styles = []
    if run.colour is not None:
        styles.append(f"color: color-mix(in srgb, {_ANSI_COLOURS[run.colour % 8]} 76%, currentcolor)")
    if run.bold:
        styles.append("font-weight: 600")
    if run.dim:
        styles.append("opacity: 0.7")
    text = escape(run.text.replace("\n", "␊"))
    return f'<span style="{"; ".join(styles)}">{text}</span>' if styles else text
