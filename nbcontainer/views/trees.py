"""Trees, as lines: for text and terminals, where nothing can be opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbcontainer.model.tables import Tone
from nbcontainer.views.blocks import Tree
from nbcontainer.views.kit import CLOSED, Line, Span

if TYPE_CHECKING:
    from nbcontainer.views.blocks import Node


def tree_lines(tree: Tree) -> Iterator[Line]:
    """Each node that is visible, below its parent. Trees may be deep: without recursion."""
    waiting: list[tuple[Node, str, str]] = [(node, "", "") for node in reversed(tree.nodes)]
    while waiting:
        node, branch, below = waiting.pop()
        closed = node.children is None or (node.children and not node.open)
        guide = (Span(branch, Tone.DIM),) if branch else ()
        yield Line((*guide, *node.spans, *((Span(CLOSED, Tone.DIM),) if closed else ())))
        children = node.children or () if node.open else ()
        last = len(children) - 1
        for index in range(last, -1, -1):
            ends = index == last
            waiting.append((children[index], below + ("└ " if ends else "├ "), below + ("  " if ends else "│ ")))
