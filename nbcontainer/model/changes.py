"""What was done to objects of any kind."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import overload

from nbcontainer import kubernetes_yaml
from nbcontainer.drawn import Drawn
from nbcontainer.model.secrecy import Manifest, without_secrets


@dataclass(frozen=True)
class Change(Drawn):
    """What was done to one object.

    Attributes:
        action: "created", "configured", "unchanged", "deleted", "pruned", "patched", "edited", "labeled" …
        status: more about it: "dry run".
        manifest: the object as it was sent.
        before, after: the object in the cluster, without what changes by itself and without the values of Secrets;
            both empty if it was not compared, one of them if it did not exist then.
    """

    kind: str
    name: str
    namespace: str
    action: str
    status: str = ""
    uid: str = ""
    where: str = ""
    command: str = ""
    manifest: Manifest = field(default_factory=dict, repr=False, metadata={"to_json": without_secrets})
    before: Manifest = field(default_factory=dict, repr=False, metadata={"to_json": without_secrets})
    after: Manifest = field(default_factory=dict, repr=False, metadata={"to_json": without_secrets})

    def __repr__(self) -> str:
        """What was done to what."""
        return f"Change({self.kind.lower()}/{self.name} {self.action}{', ' if self.status else ''}{self.status})"

    @property
    def yaml(self) -> str:
        """The object as YAML, as it was sent, but with `{{name}}` for a value that a magic's line took from there."""
        return kubernetes_yaml.writing.write_yaml(dict(self.manifest))

    @cached_property
    def states(self) -> tuple[str, str]:
        """The object before and after as YAML, "" where it does not exist or was not compared."""
        write_yaml = kubernetes_yaml.writing.write_yaml
        before, after = (write_yaml(dict(one)) if one else "" for one in (self.before, self.after))
        return before, after

    @cached_property
    def diff(self) -> str:
        """How the object differs from before, as `diff -u` writes it; "" if it does not."""
        if self.before == self.after:
            return ""
        before, after = (text.splitlines() for text in self.states)
        name = "/".join(filter(None, (self.kind.lower(), self.namespace, self.name)))
        return "\n".join(difflib.unified_diff(before, after, f"before/{name}", f"after/{name}", lineterm=""))


class Changes(Sequence[Change], Drawn):
    """What one call did to several objects, in order.

    It is not a tuple, because a tuple cannot be weakly referenced: we keep weak references to the results that were
    drawn while they ran, so that they are not drawn twice.
    """

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._changes = tuple(changes)

    def __len__(self) -> int:
        """How many objects there were."""
        return len(self._changes)

    @overload
    def __getitem__(self, index: int) -> Change: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Change, ...]: ...

    def __getitem__(self, index: int | slice) -> Change | tuple[Change, ...]:
        """What was done to one object, or to a slice of them."""
        return self._changes[index]

    @property
    def command(self) -> str:
        """The same as docker or kubectl commands."""
        return " && ".join(dict.fromkeys(one.command for one in self if one.command))

    @property
    def diff(self) -> str:
        """How the objects differ from before, as `diff -u` writes it; "" if nothing was changed."""
        return "\n".join(filter(None, (one.diff for one in self)))

    def __repr__(self) -> str:
        """Say it in one line."""
        return f"Changes({', '.join(f'{one.kind.lower()}/{one.name} {one.action}' for one in self)})"


@dataclass(frozen=True, slots=True)
class ChangeDone:
    """One of several changes has been made: its place among them, and what was done."""

    index: int
    change: Change


@dataclass(frozen=True, slots=True)
class ChangesUnderWay:
    """Changes that are being made, one after another: those that wait have the status "waiting"."""

    where: str = ""
    changes: tuple[Change, ...] = ()


def apply_change(state: ChangesUnderWay, event: ChangeDone) -> ChangesUnderWay:
    """Fold one change."""
    index = event.index
    return replace(state, changes=(*state.changes[:index], event.change, *state.changes[index + 1 :]))
