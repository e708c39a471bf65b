"""The explanation of a kind or a field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.explanations import ExplainedField, Explanation
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import Grid, Line, Picture, Span
from nbcontainer.views.registry import draws

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block


@draws(Explanation)
def _explanation(found: Explanation) -> Picture:
    name = ".".join(filter(None, (found.kind, found.path)))
    served = f"{found.group}/{found.version}" if found.group else found.version
    kind = (Span(f"  {found.type}", Tone.DIM),) if found.type else ()
    head = (Span(name, bold=True), *kind, Span("  "), Span(served, Tone.DIM, chip=True))
    blocks: list[Block] = [Line(head, head=True)]
    blocks += [Line.of(line, wraps=True) for line in found.description.splitlines()]
    if found.choices:
        blocks.append(Line.of(Span("one of ", Tone.DIM), ", ".join(found.choices), wraps=True))
    if found.fields:
        blocks.append(Line.of(Span("Fields", Tone.DIM, bold=True)))
        rows = tuple(map(_row, found.fields))
        described = any(one.description for one in found.fields)
        blocks.append(Grid(rows, flexible=2 if described else None, indent=2, wraps=True, label=f"fields of {name}"))
    return Picture(tuple(blocks), label=f"explanation of {name}")


def _row(one: ExplainedField) -> tuple[Span, ...]:
    words = " ".join(one.description.split())
    words += f" One of {', '.join(one.choices)}." if one.choices and one.description else ""
    required = " required" if one.is_required else ""
    return Span(f"{'  ' * one.depth}{one.name}"), Span(f"{one.type}{required}", Tone.DIM), Span(words)
