"""Objects in full, and their text as `kubectl get -o yaml` and the like print it."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbcontainer.drawn import Drawn
from nbcontainer.model.secrecy import Manifest, without_secrets


@dataclass(frozen=True, repr=False)
class Manifests(Drawn):
    """Objects as the API server has them.

    Attributes:
        objects: the objects; Secrets without their values, unless `show_secrets` was given.
        text: they, as the output format wants them, without the values of Secrets.
        language: of the text: "yaml", "json" or "".
        command: the call as a kubectl command.
        revealed: the text with the values of Secrets, "" if there are none or they were not asked for. It is shown,
            but not saved in a notebook.
    """

    objects: tuple[Manifest, ...] = field(metadata={"to_json": lambda given: tuple(map(without_secrets, given))})
    text: str
    language: str = ""
    command: str = ""
    revealed: str = field(default="", repr=False, compare=False, metadata={"to_json": lambda _: ""})

    def __str__(self) -> str:
        """The text."""
        return self.revealed or self.text

    def __repr__(self) -> str:
        """Which objects."""
        names = [f"{one.get('kind')}/{one.get('metadata', {}).get('name')}" for one in self.objects[:3]]
        more = [f"{len(self.objects) - len(names):,} more"] if len(self.objects) > len(names) else []
        return f"Manifests({', '.join([*names, *more])})"
