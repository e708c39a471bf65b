"""An object of a cluster with what owns it and what it owns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nbcontainer.drawn import Drawn
from nbcontainer.model.tables import Tone


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """An object in a tree.

    Attributes:
        kind: with its group: "deployment.apps".
        status: how it is, in the words of its table: ("1/1", "Running").
        tone: what the status means.
        is_root: whether it is the object that the tree was made for.
        children: the objects that it owns.
    """

    kind: str
    name: str
    namespace: str = ""
    status: tuple[str, ...] = ()
    tone: Tone = Tone.PLAIN
    is_root: bool = False
    children: tuple[ObjectNode, ...] = ()


@dataclass(frozen=True)
class ObjectTree(Drawn):
    """An object, below its owners, with all that it owns.

    Attributes:
        roots: the owners that have no owner themselves; or the object itself.
        unread: the kinds that the user may not list: what is of them is missing.
        command: a kubectl command that lists the same objects.
    """

    kind: str
    name: str
    where: str = ""
    roots: tuple[ObjectNode, ...] = ()
    unread: tuple[str, ...] = ()
    command: str = ""

    def __repr__(self) -> str:
        """Which object, and how many there are in all."""
        return f"ObjectTree({self.kind}/{self.name}: {len(list(self.nodes()))} objects)"

    def nodes(self) -> Iterator[ObjectNode]:
        """All objects, each before those that it owns."""
        waiting = list(reversed(self.roots))
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)
