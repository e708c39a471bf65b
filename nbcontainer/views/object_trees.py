"""An object with its owners and dependents, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.object_trees import ObjectTree, TreeObject
from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Node, Tree
from nbcontainer.views.kit import SIGNS, Line, Picture, Span
from nbcontainer.views.registry import draws

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Block


@draws(ObjectTree)
def _tree(tree: ObjectTree) -> Picture:
    chip = (Span("  "), Span(tree.where, Tone.DIM, chip=True)) if tree.where else ()
    head = Line((Span(f"{tree.kind}/{tree.name}", bold=True), *chip), head=True)
    nodes = _nodes(list(tree.objects), "")
    blocks: list[Block] = [head, Tree(nodes, key="tree", label=f"Owners and dependents of {tree.kind}/{tree.name}")]
    if tree.unread:
        said = f"Not searched, because they may not be listed: {', '.join(tree.unread)}."
        blocks.append(Line.of(Span(said, Tone.DIM), wraps=True))
    return Picture(tuple(blocks), label=f"tree of {tree.kind} {tree.name}")


def _nodes(objects: list[TreeObject], path: str, depth: int = 0) -> tuple[Node, ...]:
    """The first objects of this depth, each with those below it; they are taken out of the list."""
    found: list[Node] = []
    while objects and objects[0].depth == depth:
        one = objects.pop(0)
        key = f"{path}/{one.kind} {one.namespace} {one.name}"
        found.append(Node(key, _spans(one), _nodes(objects, key, depth + 1), open=True))
    return tuple(found)


def _spans(one: TreeObject) -> tuple[Span, ...]:
    name = (Span(f"{one.kind}/", Tone.DIM), Span(one.name, bold=one.is_subject))
    if not one.status:
        return name
    sign = SIGNS.get(one.tone, "")
    return (*name, Span(f"  {sign}{' ' if sign else ''}", one.tone), Span(" · ".join(one.status), one.tone))
