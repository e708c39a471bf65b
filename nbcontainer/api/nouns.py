"""What the nouns of a handle have in common: each has a class in `api/<noun>.py` and a line in `api/engine.py`.

    class Engine:
        volumes = cached_property(Volumes)

That line provides `nbc.volumes`, the verbs' `calls="volumes.create"`, and the names that completion offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from nbcontainer import existence
from nbcontainer.errors import Conflict, Forbidden, NotFound, UsageError
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, Tone, apply_table
from nbcontainer.protection import changes, reads

if TYPE_CHECKING:
    from nbcontainer.api.cluster_handle import ClusterHandle
    from nbcontainer.api.engine import Engine
    from nbcontainer.engines.connection import Engine as Connected


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


class ClusterNoun(Noun):
    """What can be done in a cluster, in one word before the verb: `nbc.cluster().rollout.undo(…)`."""

    def __init__(self, cluster: ClusterHandle) -> None:
        self._cluster = cluster

    def __repr__(self) -> str:
        """The call that returns it."""
        return f"{self._cluster!r}.{self.kind.replace('-', '_')}"


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

    @changes
    def _remove(
        self,
        engine: Connected,
        removals: Sequence[tuple[str, Callable[[], object]]],
        missing: Sequence[str],
        command: str,
        *,
        pruned: bool = False,
    ) -> Report:
        """Carry out a plan: each object's name with the call that removes it, and the names that do not exist."""
        self._engine.guard(engine)
        remarks = []
        for name, remove in removals:
            try:
                remove()
            except (NotFound, Conflict, Forbidden) as error:
                if not pruned:
                    raise
                remarks.append(Remark(error.message, Tone.DIM))  # removed or used since the plan was made
            else:
                remarks.append(Remark(f"{name} removed"))
        remarks += [Remark(existence.none_called(self.kind, name, engine.name), Tone.DIM) for name in missing]
        return Report(tuple(remarks), command)

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


Sections = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def sections_of(facts: Iterable[tuple[str, str]], **more: Mapping[str, str]) -> Sections:
    """The sections of a description: facts without a title, and tables by their titles; what is empty is left out."""
    sections = [("", tuple((name, value) for name, value in facts if value))]
    return (*sections, *((title, tuple(values.items())) for title, values in more.items() if values))


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
    items = [item for each in reversed(handle.__mro__) for item in vars(each).items()]
    made = {name: item.func for name, item in items if isinstance(item, cached_property)}
    return {name: noun for name, noun in made.items() if isinstance(noun, type) and issubclass(noun, Noun)}


def filter_words(filters: Iterable[str]) -> list[str]:
    """Filters as words of a docker command."""
    return [word for text in filters for word in ("--filter", text)]
