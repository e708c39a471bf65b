"""What the nouns of a handle have in common: `api/<noun>.py` has a class for each, `api/engine.py` a line.

    class Engine:
        volumes = cached_property(Volumes)

From that line come `nbc.volumes`, the verbs' `calls="volumes.create"`, and the names that completion offers.
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

    def __repr__(self) -> str:
        """How it is called."""
        return f"{self._engine!r}.{type(self).__name__.lower()}"

    def _at(self, engine: Connected) -> Self:
        """The same noun where `engine` was found: what came from there is there, whatever is in use by now."""
        return type(self)(self._engine.at(engine))

    def _table(
        self,
        engine: Connected,
        columns: Sequence[Column],
        rows: Iterable[Row],
        command: str,
        object_of: Callable[[Row], object],
    ) -> Table:
        """The table of what `engine` has; `object_of` makes a row's object."""
        reset = TableReset(tuple(columns), tuple(rows), f"{self.kind}s", engine.name)
        return Table(apply_table(TableState(), reset), command, object_of=object_of)


OfEngine = TypeVar("OfEngine", bound=EngineNoun)


def noun_of(noun: OfEngine | None, kind: str, name: str) -> OfEngine:
    """The noun by which an object does what it can.

    Raises:
        UsageError: the object was read from a record, and has none.
    """
    if noun is None:
        raise UsageError(f"This is a record of the {kind} {name}.", cure=f"nbc.{kind}s.get({name!r})")
    return noun


def nouns_of(handle: type) -> dict[str, type[Noun]]:
    """The nouns of a handle's class by their names: {"volumes": Volumes, …}."""
    made = {name: item.func for name, item in vars(handle).items() if isinstance(item, cached_property)}
    return {name: noun for name, noun in made.items() if isinstance(noun, type) and issubclass(noun, Noun)}
