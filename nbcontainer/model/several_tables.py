"""The tables of several kinds, watched together."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.model.tables import TableEvent, TableState, apply_table


@dataclass(frozen=True, slots=True)
class OneTable:
    """What happened to one of the tables.

    Attributes:
        place: which one, from 0.
        event: what happened.
    """

    place: int
    event: TableEvent


@dataclass(frozen=True, slots=True)
class SeveralTables:
    """The state of several tables, in the order in which their kinds were named."""

    tables: tuple[TableState, ...]


def apply_one_table(state: SeveralTables, event: OneTable) -> SeveralTables:
    """Fold one event into the state of its table."""
    tables = list(state.tables)
    tables[event.place] = apply_table(tables[event.place], event.event)
    return SeveralTables(tuple(tables))
