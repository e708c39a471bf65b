"""Draws results: each result of the API as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import model, views
from nbcontainer.model.tables import Table, Tables, Tone, Words
from nbcontainer.settings import NBContainer
from nbcontainer.views.ansi import settled
from nbcontainer.views.kit import SIGNS, Block, Grid, Line, Output, Picture, Span
from nbcontainer.views.quantities import before_these

if TYPE_CHECKING:
    from nbcontainer.model.changes import Change
    from nbcontainer.model.containers import RunResult
    from nbcontainer.model.pods import ExecResult
    from nbcontainer.model.results import Description, Report
    from nbcontainer.views.view import AnyView

__all__ = ["picture_of", "view_of"]

MOST_LINES = 2_000  # the most lines of an output in a picture
_ACTIONS = {
    "created": Tone.GOOD,
    "configured": Tone.RUNNING,
    "unchanged": Tone.DIM,
    "deleted": Tone.GOOD,
}


def view_of(state: object, heading: str = "", title: str = "") -> AnyView:
    """The view of an operation, by the type of its state.

    Args:
        state: the state of an operation.
        heading: the verb that ran a command, if the state is a command's output.
        title: the command, as the user wrote it.
    """
    match state:
        case model.build.BuildState():
            return views.build.BuildView()
        case model.images.TransferState():
            return views.images.TransferView()
        case model.logs.LogState():
            return views.logs.LogView(heading or "Logs", title)
        case model.tables.TableState():
            return views.tables.TableView()
        case model.pods.PodStart():
            return views.pods.PodStartView()
        case model.pods.PodDeletion():
            return views.pods.PodDeletionView()
    raise TypeError(f"There is no view of a {type(state).__name__}.")


def picture_of(result: object) -> Picture:  # noqa: C901, PLR0911, PLR0912 - one return for each kind of result
    """The picture of a result."""
    match result:
        case Table():
            return views.tables.TableView(wide=result.wide).render(result.state)
        case Tables():
            pictures = [picture_of(table) for table in result]
            nothing = Line.of(Span("There are none.", Tone.DIM))
            blocks = [block for picture in pictures for block in (*picture.blocks, Line.of(""))]
            return Picture(tuple(blocks[:-1]) or (nothing,), label="tables")
        case Words():
            return Picture(tuple(Line.of(Span(word, code=True)) for word in result), label="words")
        case model.build.BuildResult():
            return views.build.BuildView().render(result.state)
        case model.images.TransferResult():
            return views.images.TransferView().render(result.state)
        case model.logs.LogResult():
            return views.logs.LogView().render(result.state)
        case model.containers.RunResult() | model.pods.ExecResult():
            return _output(result)
        case model.changes.Change():
            return Picture((_change(result),), label="change")
        case model.changes.Changes():
            return Picture(tuple(_change(change) for change in result), label="changes")
        case model.results.Description():
            return _description(result)
        case model.results.Described():
            return _description(result.description())
        case model.results.Objects():
            pictures = [_description(each.description()) for each in result]
            return Picture(tuple(block for picture in pictures for block in picture.blocks), label="objects")
        case model.system.DiskUsage():
            return views.system.render(result)
        case model.results.Report():
            return _report(result)
        case NBContainer():
            return _settings(result)
    return Picture((Line.of(repr(result)),))


def _output(result: RunResult | ExecResult) -> Picture:
    every = result.output.removesuffix("\n").split("\n") if result.output else []
    lines = [settled(line) for line in every[-MOST_LINES:]]
    blocks: list[Block] = [Output(tuple(lines))] if lines else []
    spool = "" if result.notes else result.spool
    if isinstance(result, model.containers.RunResult) and (left_out := result.hidden_lines + len(every) - len(lines)):
        blocks.insert(0, Line.of(Span(before_these(left_out, "lines", spool), Tone.DIM), wraps=True))
    if isinstance(result, model.pods.ExecResult) and result.cut:
        blocks.insert(0, Line.of(Span(before_these(result.cut, "characters", spool), Tone.DIM), wraps=True))
    if isinstance(result, model.containers.RunResult) and result.exit_code is None:
        blocks.append(
            Line.of(Span("✓ ", Tone.GOOD), Span(result.name, bold=True), Span(f"  {result.id[:12]}", Tone.DIM))
        )
    elif not lines:
        blocks.append(Line.of(Span("exited with code 0 and no output", Tone.DIM)))
    blocks += [Line.of(Span(f"— {note} —", Tone.WARNING), wraps=True) for note in result.notes]
    return Picture(tuple(blocks), label="output")


def _change(change: Change) -> Line:
    tone = _ACTIONS.get(change.action, Tone.PLAIN)
    where = change.where or change.namespace
    parts = [
        Span(f"{SIGNS.get(tone, '·')} ", tone),
        Span(f"{change.kind.lower()}/{change.name} "),
        Span(change.action, tone, bold=True),
    ]
    if change.status:
        parts.append(Span(f" · {change.status}"))
    if where:
        parts += [Span("  "), Span(where, Tone.DIM, chip=True)]
    return Line(tuple(parts))


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
    return Picture(tuple(blocks), label=f"{description.kind} {description.name}")


def _report(report: Report) -> Picture:
    blocks = []
    for remark in report.remarks:
        sign = SIGNS.get(remark.tone, "·")
        blocks.append(Line.of(Span(f"{sign} ", remark.tone), Span(remark.text), wraps=True))
        if remark.cure:
            blocks.append(Line.of(Span(remark.cure, Tone.DIM), indent=2, wraps=True))
    return Picture(tuple(blocks), label="report")


def _settings(settings: NBContainer) -> Picture:
    rows = []
    for name, meaning in settings.meanings().items():
        value = settings.value(name)
        words = ", ".join(value) if isinstance(value, tuple) else str(value)
        shown = Span(words or "–", code=bool(words))
        rows.append((Span(name), shown, Span(meaning, Tone.DIM), Span(settings.origin(name))))
    hints = (
        "%nbcontainer settings NAME VALUE changes one for this session",
        "c.NBContainer.NAME = VALUE in ipython_config.py, or NBCONTAINER_NAME in the environment, sets one permanently",
    )
    grid = Grid(tuple(rows), ("Setting", "Value", "Meaning", "Set by"), flexible=2, wraps=True)
    return Picture((grid, *(Line.of(Span(hint, Tone.DIM)) for hint in hints)), label="settings")
