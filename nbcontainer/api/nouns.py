"""What the nouns of a handle have in common: `api/<noun>.py` has a class for each, `api/engine.py` a line.

    class Engine:
        volumes = cached_property(Volumes)

From that line come `nbc.volumes`, the verbs' `calls="volumes.create"`, and the names that completion offers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from nbcontainer.protection import reads

if TYPE_CHECKING:
    from nbcontainer.api.engine import Engine

__all__ = ["EngineNoun", "Noun", "nouns_of"]


class Noun:
    """One kind of object, and what can be done with it.

    Attributes:
        kind: what an argument says that `completes` its names: "volume".
    """

    kind: ClassVar[str] = ""

    @reads
    def names(self) -> Sequence[str]:
        """The names that there are, for completion."""
        return ()


class EngineNoun(Noun):
    """One kind of object of an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine


def nouns_of(handle: type) -> dict[str, type[Noun]]:
    """The nouns of a handle's class by their names: {"volumes": Volumes, …}."""
    made = {name: item.func for name, item in vars(handle).items() if isinstance(item, cached_property)}
    return {name: noun for name, noun in made.items() if isinstance(noun, type) and issubclass(noun, Noun)}
