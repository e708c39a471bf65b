"""Finds what draws a state or a result; draws descriptions and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import views
from nbcontainer.model.results import Described, Description, NextCell, Objects, Report
from nbcontainer.model.tables import Table, Tone
from nbcontainer.settings import settings
from nbcontainer.views.kit import SIGNS, Grid, Line, Picture, Span
from nbcontainer.views.registry import PICTURES, VIEWS, draws, found
from nbcontainer.views.text import as_text

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block
    from nbcontainer.views.view import AnyView
    from nbcontainer.widgets.live import LiveWidget

MOST_YAML = 2_000  # lines of an object's YAML that are shown


def view_of(state: object, heading: str = "", title: str = "") -> AnyView:
    """The view of an operation, by the type of its state.

    Args:
        state: the state of an operation.
        heading: the verb that ran a command, if the state is a command's output.
        title: the command, as the user wrote it.
    """
    view = found(state, VIEWS)
    if view is None:
        raise TypeError(f"There is no view of a {type(state).__name__}.")
    made: AnyView = view()
    return made.titled(heading, title)


def picture_of(result: object) -> Picture:
    """The picture of a result: as declared for its class, or of the state that an operation ended with."""
    draw = found(result, PICTURES)
    if draw is not None:
        return draw(result)
    state = getattr(result, "state", None)
    if found(state, VIEWS) is not None:
        return view_of(state).render(state)
    return Picture((Line.of(repr(result)),))


def bundle_of(result: object) -> dict[str, str]:
    """The picture of a result as text and HTML, by MIME type."""
    picture = picture_of(result)
    return {"text/plain": as_text(picture), "text/html": views.html.as_html(picture)}


def widget_of(result: object) -> LiveWidget:
    """A widget of the result, to be put inside others; a table that can be followed stays live.

    Raises:
        NbcontainerError: the front end was not built.
    """
    if isinstance(result, Table):
        view = views.tables.TableView(wide=result.wide, verbs=result.verbs)
        name = f"watch of {result.state.title}"
        return views.notebook.embedded(
            name, result.state, result.follow, view, lease=settings.sleep_after, shown_by=result.shown_by
        )
    return views.notebook.still_widget(picture_of(result))


@draws(Described)
def _described(result: Described) -> Picture:
    return _description(result.description())


@draws(Objects)
def _objects(objects: Objects[Described]) -> Picture:
    pictures = [_described(each) for each in objects]
    return Picture(tuple(block for picture in pictures for block in picture.blocks), label="objects")


@draws(Description)
def _description(description: Description) -> Picture:
    head = [Span(f"{description.kind}/{description.name}", bold=True)]
    where = description.where or description.namespace
    if where:
        head += [Span("  "), Span(where, Tone.DIM, chip=True)]
    blocks: list[Block] = [Line(tuple(head), head=True)]
    for title, facts in description.sections:
        if title:
            blocks.append(Line.of(Span(title, Tone.DIM, bold=True)))
        rows = tuple(
            (Span("" if index else name, Tone.DIM), Span(line))
            for name, value in facts
            for index, line in enumerate(value.splitlines() or [""])
        )
        blocks.append(Grid(rows, flexible=1, indent=2 if title else 0, wraps=True))
    if description.events:
        blocks.append(Line.of(Span("Events", Tone.DIM, bold=True)))
        happened = tuple(
            tuple(Span(cell, Tone.WARNING if event[:1] == ("Warning",) and index == 0 else Tone.PLAIN)
                  for index, cell in enumerate(event))
            for event in description.events
        )  # fmt: skip
        blocks.append(Grid(happened, flexible=len(description.events[0]) - 1, indent=2, wraps=True))
    blocks += _yaml(description)
    return Picture(tuple(blocks), label=f"{description.kind} {description.name}")


@draws(NextCell)
def _next_cell(cell: NextCell) -> Picture:
    line = cell.source.partition("\n")[0]
    return Picture(
        (Line.of("The next cell is ", Span(line, code=True), ": change it, and run it."),), label="next cell"
    )


def _yaml(description: Description) -> list[Block]:
    """The object's YAML, folded; not where nothing can be opened."""
    lines = description.yaml.splitlines()
    if not lines:
        return []
    more = len(lines) - MOST_YAML
    shown = [*lines[:MOST_YAML], *([f"# … and {more:,} more lines"] if more > 0 else [])]
    kinds, name = views.blocks, f"{description.kind} {description.namespace}/{description.name}"
    code = kinds.Code(tuple(kinds.CodeLine(line) for line in shown), "yaml", label=f"YAML of {name}")
    return [kinds.Section(Line.of(Span("YAML", Tone.DIM, bold=True)), (code,), open=False, key=f"YAML of {name}")]


@draws(Report)
def _report(report: Report) -> Picture:
    blocks = []
    for remark in report.remarks:
        sign = SIGNS.get(remark.tone, "·")
        blocks.append(Line.of(Span(f"{sign} ", remark.tone), Span(remark.text, link=remark.link), wraps=True))
        if remark.cure:
            blocks.append(Line.of(Span(remark.cure, Tone.DIM), indent=2, wraps=True))
    return Picture(tuple(blocks), label="report")
