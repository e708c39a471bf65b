"""Tables of objects of any kind: once, or kept up to date by a watch."""

from __future__ import annotations

import asyncio
from itertools import chain, repeat
from typing import TYPE_CHECKING, Unpack

from nbcontainer.clusters.columns import Decoder
from nbcontainer.clusters.connection import Cluster
from nbcontainer.clusters.discovery import POD, Resource, field_selector_of
from nbcontainer.clusters.further_columns import custom_columns
from nbcontainer.clusters.further_columns import label_columns as further_columns
from nbcontainer.clusters.managed_fields import METADATA_ALONE
from nbcontainer.clusters.missing import check_namespace, not_found
from nbcontainer.clusters.reflector import Away, Changed, Listed, list_all, read_here, reflect, version_of
from nbcontainer.clusters.sorting import is_of_metadata, rank_of
from nbcontainer.errors import Forbidden, NotFound
from nbcontainer.json_objects import JsonObject, object_of
from nbcontainer.model.tables import (
    Row,
    Table,
    TableChanged,
    TableEvent,
    TableLive,
    TableReset,
    TableState,
    apply_table,
    in_order,
)
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nbcontainer.model.table_request import TableRequest

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class Selection:
    """The objects of a table: a kind, a namespace or all, and what narrows them.

    Args:
        names: only these objects; several are filtered here, because the API can select only one.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource = POD,
        *,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        sort_by: str = "",
        label_columns: Sequence[str] = (),
        show_labels: bool = False,
        columns: str = "",
        names: tuple[str, ...] = (),
    ) -> None:
        self.resource = resource
        self.namespace = "" if all_namespaces or not resource.namespaced else cluster.namespace
        self.names = names
        self.everywhere = all_namespaces and resource.namespaced
        fields = [field_selector] if field_selector else []
        if len(names) == 1:
            fields.append(field_selector_of(names[0]))
        self.parameters: Mapping[str, str] = {
            **({"labelSelector": selector} if selector else {}),
            **({"fieldSelector": ",".join(fields)} if fields else {}),
        }
        for name in names:
            resource.path(self.namespace, name)  # refuses what cannot be a name: an empty one would select all objects
        self.path = resource.path(self.namespace)
        space = self.namespace or ("all namespaces" if self.everywhere else "")
        self.where = f"{cluster.context} · {space}" if space else cluster.context
        narrowed = f" with {selector}" if selector else ""
        self.title = resource.plural + narrowed
        self.narrowed = bool(selector or field_selector)
        self._words = ["get", resource.word, *names, *(["-A"] if self.everywhere else [])]
        self._words += ["-l", selector] if selector else []
        self._words += [f"--field-selector={field_selector}"] if field_selector else []
        self._words += [f"-L={name}" for name in label_columns] + ["--show-labels"] * show_labels
        self._words += [f"--sort-by={sort_by}"] * bool(sort_by) + [f"-o=custom-columns={columns}"] * bool(columns)
        self._commands = cluster.commands
        self._rank = rank_of(sort_by) if sort_by else None
        self._custom = custom_columns(columns) if columns else []
        self._further = further_columns(label_columns, show_labels=show_labels)
        # what the server sends of each object beside its cells
        whole = columns or (sort_by and not is_of_metadata(sort_by))
        self.included = {"includeObject": "Object"} if whole else METADATA_ALONE
        self.is_plain = not (self._rank or self._custom or self._further)

    def command_with(self, *, output: str = "") -> str:
        """The kubectl command that lists it."""
        words = [*self._words, *([f"-o={output}"] if output else [])]
        return self._commands.kubectl(*words, namespace=self.namespace)

    def table(self, state: TableState, follow: Callable[[TableState], object] | None = None) -> Table:
        """The table of a state."""
        return Table(state, self.command_with(), kind=self.resource.qualified_kind, follow=follow)

    def decoder(self) -> Decoder:
        """A decoder of this selection's pages."""
        return Decoder(
            self.resource.kind,
            with_namespace=self.everywhere,
            custom=self._custom,
            further=self._further,
            rank=self._rank,
        )

    def rows(self, decoder: Decoder, page: JsonObject) -> list[Row]:
        """The rows of one page."""
        return self.pick(decoder.rows(page, self.namespace))

    def reset(self, decoder: Decoder, pages: Iterable[list[Row]]) -> TableReset:
        """The event for the rows of all pages."""
        rows = [row for page in pages for row in page]
        if self._rank:
            rows = in_order(rows)
        keys = [row.key for row in rows]
        # not where the API server sorts otherwise, as flow schemas by their precedence
        by_key = bool(self._rank) or keys == sorted(keys)
        return TableReset(decoder.columns, tuple(rows), self.title, self.where, by_key=by_key)

    def pick(self, rows: list[Row]) -> list[Row]:
        """The rows with the requested names."""
        return [row for row in rows if row.name in self.names] if len(self.names) > 1 else rows


def table(
    cluster: Cluster, resource: Resource = POD, *, names: tuple[str, ...] = (), **which: Unpack[TableRequest]
) -> Table:
    """The objects of a kind, once. Waits for the API server; Ctrl-C ends the wait.

    Raises:
        NotFound: one of `names` does not exist, or the namespace.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    selection = Selection(cluster, resource, names=names, **which)
    can_follow = resource.can("watch")
    decoder = selection.decoder()
    parameters = {**selection.parameters, **selection.included}

    def read(page: JsonObject) -> tuple[str, list[Row]]:
        return version_of([page]), selection.rows(decoder, page)

    try:
        pages = read_here(cluster, selection.path, parameters, TABLE, read)
    except Forbidden:
        if not names or which.get("all_namespaces"):
            raise
        # the user may be allowed to get them by name alone
        pages = [read(_one(cluster, selection, name)) for name in names]
        can_follow = False
    reset = selection.reset(decoder, (rows for _, rows in pages))
    found = {row.name for row in reset.rows}
    missing = [name for name in selection.names if name not in found]
    if missing:
        raise not_found(cluster, missing, resource)
    if not reset.rows and selection.namespace:
        check_namespace(cluster)
    versions = chain([pages[0][0]], repeat(""))  # the API server soon forgets one: it is used only once

    def follow(state: TableState) -> Operation[TableEvent, TableState, Table]:
        return _watch(cluster, selection, state, decoder, next(versions))

    return selection.table(apply_table(TableState(), reset), follow if can_follow else None)


def _one(cluster: Cluster, selection: Selection, name: str) -> JsonObject:
    """The table of one object."""
    path = selection.resource.path(selection.namespace, name)
    try:
        return cluster.call("GET", path, parameters=selection.included, accept=TABLE)
    except NotFound:
        raise not_found(cluster, [name], selection.resource) from None


def watch_table(
    cluster: Cluster,
    resource: Resource = POD,
    *,
    names: tuple[str, ...] = (),
    finish: Callable[[Table], Table] | None = None,
    **which: Unpack[TableRequest],
) -> Operation[TableEvent, TableState, Table]:
    """The objects of a kind, kept up to date until it is stopped; `finish` makes its result from the last table.

    While the API server cannot be reached, it emits `TableLive(False, "reconnecting: …")` and retries. It ends by
    itself only with an error: the API server cannot be reached at the start, or refuses.
    """
    selection = Selection(cluster, resource, names=names, **which)
    state = TableState(title=selection.title, where=selection.where)
    return _watch(cluster, selection, state, finish=finish)


def _watch(
    cluster: Cluster,
    selection: Selection,
    state: TableState,
    decoder: Decoder | None = None,
    version: str = "",
    *,
    finish: Callable[[Table], Table] | None = None,
) -> Operation[TableEvent, TableState, Table]:
    """Keep `state` up to date.

    Args:
        cluster: the cluster.
        selection: what is watched.
        state: the state before the first event.
        decoder: that of the list which `state` comes from; None if nothing was listed yet.
        version: the resourceVersion of that list; "" to list again.
        finish: as in `watch_table`.
    """

    def conclude(last: TableState) -> Table:
        table = selection.table(last)
        return finish(table) if finish else table

    operation: Operation[TableEvent, TableState, Table] = Operation(
        f"watch of {selection.title} in {selection.where}",
        state,
        apply_table,
        endless=True,
        conclude=lambda last, _: conclude(last),
    )
    return operation.start_task(lambda progress: follow_selection(cluster, selection, progress.emit, decoder, version))


async def follow_selection(
    cluster: Cluster,
    selection: Selection,
    emit: Callable[[TableEvent], None],
    known: Decoder | None = None,
    version: str = "",
) -> None:
    """Emit what happens to a table, until it is cancelled; `known` and `version` are as `_watch` has them.

    Raises:
        ApiError, ClusterUnavailable: as in `reflect`.
    """
    decoder, live = known or selection.decoder(), bool(version)
    if selection.namespace and selection.is_plain and not known:
        # for the first display: a Table without objects takes a tenth of the time, and lacks only labels and exact ages
        pages = await list_all(cluster, selection.path, {**selection.parameters, "includeObject": "None"}, TABLE)
        reset = selection.reset(decoder, (selection.rows(decoder, page) for page in pages))
        if not reset.rows:
            await asyncio.to_thread(check_namespace, cluster)
        emit(reset)
    if live:
        emit(TableLive(live=True))
    parameters = {**selection.parameters, **selection.included}
    try:
        async for news in reflect(cluster, selection.path, parameters, TABLE, version=version, listed=bool(known)):
            match news:
                case Listed():
                    rows = [selection.rows(decoder, page) for page in news.pages]
                    emit(selection.reset(decoder, rows))
                    if not live and not news.polled:
                        emit(TableLive(live=True))
                    live = not news.polled
                case Changed():
                    emit(_changes(selection, decoder, news.events))
                case Away():
                    live = False
                    emit(TableLive(live=False, note=news.note))
            await asyncio.sleep(0)  # in a flood of changes, let other operations run
    finally:
        emit(TableLive(live=False))


def _changes(selection: Selection, decoder: Decoder, events: list[JsonObject]) -> TableChanged:
    """The net change of some events: a row that changed twice is included once."""
    rows: dict[str, Row] = {}
    gone: set[str] = set()
    for event in events:
        page = object_of(event, "object")
        if event["type"] == "DELETED":
            for key in decoder.keys(page, selection.namespace):
                rows.pop(key, None)
                gone.add(key)
            continue
        for row in selection.pick(decoder.rows(page, selection.namespace)):
            rows[row.key] = row
            gone.discard(row.key)
    return TableChanged(tuple(rows.values()), tuple(gone))
