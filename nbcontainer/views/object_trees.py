"""An object with its owners and dependents, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.model.object_trees import ObjectNode, ObjectTree
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
    nodes = tuple(_node(root, "") for root in tree.roots)
    blocks: list[Block] = [head, Tree(nodes, key="tree", label=f"Owners and dependents of {tree.kind}/{tree.name}")]
    if tree.unread:
        said = f"Not searched, because they may not be listed: {', '.join(tree.unread)}."
        blocks.append(Line.of(Span(said, Tone.DIM), wraps=True))
    return Picture(tuple(blocks), label=f"tree of {tree.kind} {tree.name}")


def _node(node: ObjectNode, path: str) -> Node:
    key = f"{path}/{node.kind} {node.namespace} {node.name}"
    sign = SIGNS.get(node.tone, "")
    spans = (
        Span(f"{node.kind}/", Tone.DIM),
        Span(node.name, bold=node.is_root),
        Span(f"  {sign} ".rstrip() + " ", node.tone) if node.status else Span(""),
        Span(" · ".join(node.status), node.tone),
    )
    return Node(key, spans, tuple(_node(child, key) for child in node.children), open=True)
