"""An object of a cluster with what owns it and what it owns."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.drawn import Drawn
from nbcontainer.model.tables import Tone


@dataclass(frozen=True, slots=True)
class TreeObject:
    """An object in a tree.

    Attributes:
        kind: with its group: "deployment.apps".
        status: how it is, in the words of its table: ("Running", "1/1 ready").
        tone: what the status means.
        depth: how far it is below a root, which nothing owns.
        is_subject: whether it is the object that the tree was made for.
    """

    kind: str
    name: str
    namespace: str = ""
    status: tuple[str, ...] = ()
    tone: Tone = Tone.PLAIN
    depth: int = 0
    is_subject: bool = False


@dataclass(frozen=True)
class ObjectTree(Drawn):
    """An object, below its owners, with all that it owns.

    Attributes:
        objects: each before those that it owns.
        unread: the kinds that the user may not list: what is of them is missing.
        command: a kubectl command that lists the same objects.
    """

    kind: str
    name: str
    where: str = ""
    objects: tuple[TreeObject, ...] = ()
    unread: tuple[str, ...] = ()
    command: str = ""

    def __repr__(self) -> str:
        """Which object, and how many there are in all."""
        return f"ObjectTree({self.kind}/{self.name}: {len(self.objects)} objects)"
