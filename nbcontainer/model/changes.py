"""What was done to objects, of whatever kind."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbcontainer.model.secrecy import Manifest, without_secrets

__all__ = ["Change", "Changes"]


@dataclass(frozen=True)
class Change:
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
        """The object as YAML, as it was sent."""
        from nbcontainer.kubernetes_yaml.writing import write_yaml  # noqa: PLC0415 - seldom asked for

        return write_yaml(dict(self.manifest))


class Changes(tuple[Change, ...]):
    """What one call did to several objects, in order."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say it in one line."""
        return f"Changes({', '.join(f'{one.kind.lower()}/{one.name} {one.action}' for one in self)})"
