"""The tables of several kinds, each kept up to date by a watch of its own."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer.clusters.tables import Selection, follow_selection
from nbcontainer.model.several_tables import OneTable, SeveralTables, apply_one_table
from nbcontainer.model.tables import Table, Tables, TableState
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.tables import TableEvent
    from nbcontainer.operation import Progress


def watch_tables(
    cluster: Cluster, selections: Sequence[Selection], finish: Callable[[Table], Table] | None = None
) -> Operation[OneTable, SeveralTables, Tables]:
    """Several tables, until it is stopped; `finish` makes each resulting table from the last one.

    It ends by itself with the error of the first of them that fails, as a watch of one kind does.
    """

    def conclude(last: SeveralTables) -> Tables:
        made = (one.table(state) for one, state in zip(selections, last.tables, strict=True))
        return Tables(finish(table) if finish else table for table in made if table)

    async def work(progress: Progress[OneTable]) -> None:
        def emit(place: int, event: TableEvent) -> None:
            progress.emit(OneTable(place, event))

        parts = [
            asyncio.ensure_future(follow_selection(cluster, one, partial(emit, place)))
            for place, one in enumerate(selections)
        ]
        try:
            await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()

    names = ", ".join(one.title for one in selections)
    operation: Operation[OneTable, SeveralTables, Tables] = Operation(
        f"watch of {names} in {selections[0].where}",
        SeveralTables(tuple(TableState(title=one.title, where=one.where) for one in selections)),
        apply_one_table,
        endless=True,
        conclude=lambda last, _: conclude(last),
    )
    return operation.start_task(work)
