"""What the nouns of a handle have in common: each has a class in `api/<noun>.py` and a line in `api/engine.py`.

    class Engine:
        volumes = cached_property(Volumes)

That line provides `nbc.volumes`, the verbs' `calls="volumes.create"`, and the names that completion offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from nbcontainer.errors import UsageError
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, apply_table
from nbcontainer.protection import reads

if TYPE_CHECKING:
    from nbcontainer.api.engine import Engine
    from nbcontainer.engines.connection import Engine as Connected

__all__ = ["EngineNoun", "Noun", "noun_of", "nouns_of"]


class Noun:
    """One kind of object, and what can be done with it.

    Attributes:
        kind: the `completes` of arguments that take its names: "volume".
    """

    kind: ClassVar[str] = ""

    @reads
    def names(self) -> Sequence[str]:
        """The existing names, for completion."""
        return ()


class EngineNoun(Noun):
    """One kind of object of an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __repr__(self) -> str:
        """The call that returns it."""
        return f"{self._engine!r}.{type(self).__name__.lower()}"

    def _at(self, engine: Connected) -> Self:
        """The same noun, fixed to `engine`: objects stay on their engine even if another one is in use now."""
        return type(self)(self._engine.at(engine))

    def _table(
        self,
        engine: Connected,
        columns: Sequence[Column],
        rows: Iterable[Row],
        command: str,
        object_of: Callable[[Row], object],
    ) -> Table:
        """A table of the objects on `engine`; `object_of` makes the object of a row."""
        reset = TableReset(tuple(columns), tuple(rows), f"{self.kind}s", engine.name)
        return Table(apply_table(TableState(), reset), command, object_of=object_of)


OfEngine = TypeVar("OfEngine", bound=EngineNoun)


def noun_of(noun: OfEngine | None, kind: str, name: str) -> OfEngine:
    """The noun through which an object's methods work.

    Raises:
        UsageError: the object was read from a record, and has none.
    """
    if noun is None:
        raise UsageError(f"This is a record of the {kind} {name}.", cure=f"nbc.{kind}s.get({name!r})")
    return noun


def nouns_of(handle: type) -> dict[str, type[Noun]]:
    """The nouns of a handle's class, by name: {"volumes": Volumes, …}."""
    made = {name: item.func for name, item in vars(handle).items() if isinstance(item, cached_property)}
    return {name: noun for name, noun in made.items() if isinstance(noun, type) and issubclass(noun, Noun)}
