"""Draws a picture as HTML: no script, no network, only inline styles, since some viewers drop style sheets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from itertools import zip_longest

from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import StyledText, styled
from nbcontainer.views.blocks import Block, Curve, Node, Plot, Progress, Section, Tree
from nbcontainer.views.flat import flat_blocks
from nbcontainer.views.kit import CLOSED, SIGNS, Grid, Line, Output, Picture, Span, single_line, text_of
from nbcontainer.views.layout import laid_out

# these are made for areas or for one theme; mixed with the text colour, they have enough contrast for text
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
# JupyterLab leaves 20 pixels free to the right of HTML but not of widgets: align both at the same edge
_FRAME = (
    f"margin: 2px calc(var(--jp-cell-padding, 0px) * -4) 2px 0; border: {_LINE}; border-radius: 6px; "
    "padding: 5px 12px; overflow-x: auto; font-size: 13px; line-height: 1.45"
)
_HEAD = f"margin: 0 -12px 5px; padding: 0 12px 5px; border-bottom: {_LINE}; white-space: pre-wrap"
_CHIP = f"border: {_LINE}; border-radius: 10px; padding: 0 8px; font-size: 11px; opacity: 0.75; white-space: nowrap"
_BAR = (
    "forced-color-adjust: none; display: inline-block; width: 130px; height: 8px; border-radius: 2px; "
    "overflow: hidden; vertical-align: middle"
)

_MARKER = "1.15em"  # the width of the marker before an element that folds
_BRANCH = f"margin-left: 0.5em; padding-left: calc({_MARKER} - 0.5em); border-left: {_LINE}"
_LEGEND = "display: flex; flex-wrap: wrap; gap: 0 18px; margin: 4px 0 10px; font-variant-numeric: tabular-nums"
_AXES = "display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 8px; font-size: 11px"
_UPWARD = (
    "display: flex; flex-direction: column-reverse; justify-content: space-between; margin: -0.7em 0; "
    "text-align: right; opacity: 0.68"
)
_CURVES = "width: 100%; height: 140px; overflow: visible"
_TICK = "position: absolute; white-space: nowrap"
DASHES = ("", "6 4", "1.5 4", "10 3 2 3")  # of curves, which differ by more than their colour


def as_html(picture: Picture) -> str:
    """The picture as a self-contained fragment of HTML."""
    parts = _blocks(laid_out(picture).blocks)
    label = f' role="group" aria-label="{escape(single_line(picture.label))}"' if picture.label else ""
    reached = ' tabindex="0"' if "<table" in parts else ""  # a table may be too wide, and is then scrolled by keyboard
    return f'<div{label}{reached} style="{_FRAME}">{parts}</div>'


def _blocks(blocks: Sequence[Block]) -> str:
    return "".join(_block(block, after) for block, after in zip_longest(blocks, blocks[1:]))


def _block(block: Block, after: Block | None) -> str:  # noqa: PLR0911 - one return for each kind
    match block:
        case Line():
            # what a heading stands above is set apart from it
            return _line(block, apart=block.head and after is not None and not (isinstance(after, Line) and after.head))
        case Grid() if not block.outputs:
            return _grid(block)
        case Output():
            return _output(block)
        case Progress():
            return _progress(block)
        case Tree():
            return _tree(block)
        case Plot():
            return _plot(block)
        case Section():
            title = "".join(map(_span, block.title.spans))
            opened = " open" if block.open else ""
            return (
                f'<details{opened} style="margin: 2px 0"><summary style="cursor: pointer">{title}</summary>'
                f'<div style="padding-left: 2ch">{_blocks(block.blocks)}</div></details>'
            )
        case _:
            return _blocks(tuple(flat_blocks((block,))))


def _line(line: Line, *, apart: bool) -> str:
    style = "white-space: pre-wrap"
    if apart:
        style = _HEAD
    elif line.wraps:  # continuation lines are aligned with the words, not with the sign before them
        style += f"; padding-left: {line.indent + 2}ch; text-indent: -2ch"
    elif line.indent:
        style += f"; padding-left: {line.indent}ch"
    return f'<div style="{style}">{"".join(map(_span, line.spans))}</div>'


def _progress(progress: Progress) -> str:
    share = progress.share
    text = progress.text or ("" if share is None else f"{share:.0%}")
    bar = "" if share is None else _bar((0.0, share), progress.tone, (0.0, 1.0))
    return f'<div style="white-space: pre-wrap">{bar}{"  " if bar and text else ""}{_span(Span(text, Tone.DIM))}</div>'


def _tone(tone: Tone) -> str:
    """The style of text with this meaning."""
    if tone is Tone.DIM:
        return "opacity: 0.68"
    colour, share = _COLOURS[tone]
    return f"color: color-mix(in srgb, {colour} {share}%, currentcolor)"


def _span(span: Span, axis: tuple[float, float | None] = (0.0, 1.0)) -> str:
    if span.bar is not None:
        return _bar(span.bar, span.tone, axis)
    styles = [_tone(span.tone)] if span.tone in _COLOURS and not span.chip else []
    if span.bold:
        styles.append("font-weight: 600")
    if span.code:
        styles.append(_CODE)
    if span.chip:
        styles.append(_CHIP)
    text = escape(text_of(span).strip() if span.chip else text_of(span))
    if span.link:
        text = f'<a href="{escape(span.link)}">{text}</a>'
    return f'<span style="{"; ".join(styles)}">{text}</span>' if styles else text


def _bar(bar: tuple[float, float | None], tone: Tone, axis: tuple[float, float | None]) -> str:
    """A bar on the axis that all rows share."""
    first = axis[0]
    last = time.time() if axis[1] is None else axis[1]
    length = max(last - first, 1e-9)
    start, end = (max(0.0, min(1.0, 1.0 if place is None else (place - first) / length)) for place in bar)
    colour = _COLOURS[tone][0] or "rgba(127, 127, 127, 0.5)" if tone in _COLOURS else "rgba(127, 127, 127, 0.5)"
    filled = (
        f'<span style="display: block; height: 8px; min-width: 2px; margin-left: {min(start, 0.985):.1%}; '
        f'width: {max(0.0, end - start):.1%}; border-radius: 2px; background: {colour}"></span>'
    )
    return f'<span aria-hidden="true" style="{_BAR}; background: {_FAINT}">{filled if end > start else ""}</span>'


def _grid(grid: Grid) -> str:
    def style(index: int) -> str:
        cell = f"{_CELL};vertical-align:top" if grid.wraps else _CELL
        if index == grid.flexible and (grid.wraps or not grid.columns) and not grid.chart:
            return f"{cell};text-align:left;{_WRAPPED if grid.wraps else _CUT}"
        return f"{cell};text-align:{'right' if index in grid.right else 'left'}"

    def cells(row: Sequence[Span]) -> str:
        return "".join(
            f'<td style="{style(index)}">{_span(span, grid.axis)}</td>'
            for index, span in enumerate(row)
            if index in drawn
        )

    def head(index: int, name: str) -> str:
        tag = "th" if name else "td"  # the heading of a column of signs is empty
        return f'<{tag} style="{style(index)};font-size:11px">{_span(Span(name, Tone.DIM, bold=True))}</{tag}>'

    drawn = {
        index
        for row in grid.rows
        for index, span in enumerate(row)
        if span.text or span.clock or span.bar or grid.columns
    }
    heads = "".join(head(index, name) for index, name in enumerate(grid.columns) if index in drawn)
    label = f'aria-label="{escape(single_line(grid.label))}" ' if grid.label else ""
    width = "width: 100%; " if not grid.chart and (grid.columns or grid.flexible is not None) else ""
    return (
        f'<table {label}style="{width}table-layout: auto; border-collapse: collapse; border: 0; '
        f"margin: 2px 0 2px {grid.indent}ch; "
        'font-size: 13px; font-variant-numeric: tabular-nums">'
        + (f"<thead><tr>{heads}</tr></thead>" if heads else "")
        + "<tbody>"
        + "".join(f'<tr style="background: transparent">{cells(row)}</tr>' for row in grid.rows)
        + "</tbody></table>"
    )


def _tree(tree: Tree) -> str:
    """Each node as an element that folds. Trees may be deep: without recursion."""
    parts: list[str] = []
    waiting: list[Node | str] = [*reversed(tree.nodes)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        text = "".join(map(_span, node.spans))
        if node.children:
            opened = " open" if node.open else ""
            parts.append(f'<details{opened}><summary style="cursor: pointer">{text}</summary><div style="{_BRANCH}">')
            waiting += ["</div></details>", *reversed(node.children)]
        else:
            more = _span(Span(CLOSED, Tone.DIM)) if node.children is None else ""
            parts.append(f'<div style="padding-left: {_MARKER}">{text}{more}</div>')
    label = f' role="group" aria-label="{escape(single_line(tree.label))}"' if tree.label else ""
    return f'<div{label} style="white-space: pre-wrap; overflow-wrap: anywhere">{"".join(parts)}</div>'


def _plot(plot: Plot) -> str:
    """Curves in a box of any width, with their scales beside it, and the values in a table that folds."""
    if not plot.across:
        return _grid(plot.table)
    steps = "".join(f"M0 {round(1000 - place * 1000)}H1000" for place, _ in plot.upward)
    curves = "".join(
        f'<path d="{path}" vector-effect="non-scaling-stroke" style="{_stroke(curve.tone, index, width)}"></path>'
        for index, curve in enumerate(plot.curves)
        for path, width in ((curve.path, 1.5), (curve.dots, 5))
        if path
    )
    upward = "".join(f"<span>{escape(text)}</span>" for _, text in plot.upward)
    across = "".join(
        f'<span style="{_TICK}; left: {place:.1%}; transform: translateX(-{place:.0%})">{escape(text)}</span>'
        for place, text in plot.across
    )
    note = f'<div style="opacity: 0.68">{escape(plot.note)}</div>' if plot.note else ""
    return (
        f'<div style="{_LEGEND}">{"".join(_key(curve, index) for index, curve in enumerate(plot.curves))}</div>'
        f'<div aria-hidden="true" style="{_AXES}"><div style="{_UPWARD}">{upward}</div>'
        f'<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" style="{_CURVES}"><path d="{steps}" '
        f'vector-effect="non-scaling-stroke" style="stroke: currentcolor; opacity: 0.16"></path>{curves}</svg>'
        f'<span></span><div style="position: relative; height: 1.5em; opacity: 0.68">{across}</div></div>'
        f'<details><summary style="cursor: pointer; opacity: 0.68">values</summary>{_grid(plot.table)}{note}</details>'
    )


def _key(curve: Curve, index: int) -> str:
    """How a curve is drawn, its name, and its last value."""
    sign = SIGNS.get(curve.tone, "")
    name = _span(Span(f"{sign} {curve.name}".strip(), curve.tone))
    return (
        f'<span><svg aria-hidden="true" viewBox="0 0 24 8" style="width: 24px; height: 8px"><path d="M1 4H23" '
        f'style="{_stroke(curve.tone, index)}"></path></svg> {name} {_span(Span(curve.latest, bold=True))}</span>'
    )


def _stroke(tone: Tone, index: int, width: float = 1.5) -> str:
    """A curve's style: its tone, or the accent for the first; the others differ by their dashes."""
    colour = _COLOURS[tone][0] if tone in _COLOURS else _COLOURS[Tone.RUNNING][0] if index == 0 else ""
    dashes = DASHES[index % len(DASHES)]
    return (
        f"fill: none; stroke: {colour or 'currentcolor'}; stroke-width: {width}; stroke-linecap: round; "
        f"stroke-linejoin: round{f'; stroke-dasharray: {dashes}' if dashes else ''}"
    )


def _output(block: Output) -> str:
    edge = _COLOURS[block.tone][0] if block.tone in _COLOURS else ""
    lines = "\n".join("".join(_run(run) for run in styled(line)) for line in block.lines)
    return (
        f'<pre style="{_CODE}; line-height: 1.5; margin: 2px 0 6px {block.indent}ch; padding: 4px 10px; '
        "white-space: pre-wrap; overflow-wrap: anywhere; "
        f'background: {_FAINT}; border-left: 2px solid {edge or "rgba(127, 127, 127, 0.6)"}">{lines}</pre>'
    )


def _run(run: StyledText) -> str:
    styles = []
    if run.colour is not None:
        styles.append(f"color: color-mix(in srgb, {_ANSI_COLOURS[run.colour % 8]} 60%, currentcolor)")
    if run.bold:
        styles.append("font-weight: 600")
    if run.dim:
        styles.append("opacity: 0.7")
    text = escape(run.text.replace("\n", "␊"))
    return f'<span style="{"; ".join(styles)}">{text}</span>' if styles else text
