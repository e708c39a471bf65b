"""What was done to objects of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import overload

from nbcontainer.drawn import Drawn
from nbcontainer.model.secrecy import Manifest, without_secrets


@dataclass(frozen=True)
class Change(Drawn):
    """What was done to one object. `action` is "created", "configured", "unchanged" or "deleted"."""

    kind: str
    name: str
    namespace: str
    action: str
    status: str = ""
    uid: str = ""
    where: str = ""
    command: str = ""
    manifest: Manifest = field(default_factory=dict, repr=False, metadata={"to_json": without_secrets})

    def __repr__(self) -> str:
        """What was done to what."""
        return f"Change({self.kind.lower()}/{self.name} {self.action}{', ' if self.status else ''}{self.status})"

    @property
    def yaml(self) -> str:
        """The object as YAML, as it was sent, but with `{{name}}` for a value that a magic's line took from there."""
        from nbcontainer.kubernetes_yaml.writing import write_yaml  # noqa: PLC0415 - loads PyYAML, which is rarely used

        return write_yaml(dict(self.manifest))


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

    def __repr__(self) -> str:
        """Say it in one line."""
        return f"Changes({', '.join(f'{one.kind.lower()}/{one.name} {one.action}' for one in self)})"
