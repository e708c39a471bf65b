"""What a kind or a field of it is, from the API server's own documentation."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.drawn import Drawn


@dataclass(frozen=True, slots=True)
class ExplainedField:
    """A field.

    Attributes:
        type: as in kubectl: "string", "[]Container", "map[string]string".
        choices: the values that it can have; none if any.
        depth: how far it is below the explained kind or field.
    """

    name: str
    type: str
    description: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Explanation(Drawn):
    """A kind, or a field of it, with the fields below it.

    Attributes:
        path: the field: "spec.strategy"; "" for the kind itself.
        type: the field's type.
        choices: the values that it can have; none if any.
    """

    kind: str
    group: str
    version: str
    path: str = ""
    type: str = ""
    description: str = ""
    choices: tuple[str, ...] = ()
    fields: tuple[ExplainedField, ...] = ()
    command: str = ""

    def __repr__(self) -> str:
        """What is explained."""
        return f"Explanation({'.'.join(filter(None, (self.kind, self.path)))})"
