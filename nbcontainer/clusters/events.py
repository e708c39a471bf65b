"""Events in a namespace or of one object, newest last: once, or kept up to date."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nbcontainer.clusters.columns import epoch, status_tone
from nbcontainer.clusters.discovery import EVENT, field_selector
from nbcontainer.clusters.missing import check_namespace
from nbcontainer.clusters.reflector import Away, Changed, Listed, list_all, reflect
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.tables import (
    Column,
    Row,
    Table,
    TableChanged,
    TableEvent,
    TableLive,
    TableReset,
    TableState,
    Tone,
    apply_table,
)
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.discovery import Resource
    from nbcontainer.operation import Progress

COLUMNS = (
    Column("LAST SEEN", "age"),
    Column("TYPE", "status"),
    Column("REASON"),
    Column("OBJECT"),
    Column("MESSAGE"),
    Column("COUNT", "number", wide=True),
    Column("FIRST SEEN", "age", wide=True),
    Column("SOURCE", wide=True),
)


class _Which:
    """Which objects' events."""

    def __init__(
        self, cluster: Cluster, kind: str, name: str, *, all_namespaces: bool, types: Sequence[str] = ()
    ) -> None:
        self.everywhere = all_namespaces
        self.path = EVENT.path("" if all_namespaces else cluster.namespace)
        fields = {"involvedObject.kind": kind, "involvedObject.name": name}
        wanted = list(dict.fromkeys(types))
        fields["type"] = wanted[0] if len(wanted) == 1 else ""  # there are two types: both of them are all
        given = {field: value for field, value in fields.items() if value}
        self.parameters = {"fieldSelector": field_selector(given)} if given else {}
        self.where = f"{cluster.context} · {'all namespaces' if all_namespaces else cluster.namespace}"
        self.title = f"events of {kind.lower()} {name}" if name else f"events of {kind.lower()}s" if kind else "events"
        words = ["events", *(["-A"] if all_namespaces else [])]
        words += [f"--for={kind.lower() or 'pod'}/{name}"] if name else []
        words += [f"--types={','.join(wanted)}"] if wanted else []
        self.command = cluster.commands.kubectl(*words, namespace="" if all_namespaces else None)

    def reset(self, rows: list[Row]) -> TableReset:
        space = (Column("NAMESPACE"),) if self.everywhere else ()
        return TableReset((*space, *COLUMNS), tuple(rows), self.title, self.where)

    def row(self, event: JsonObject) -> Row:
        return event_row(event, with_namespace=self.everywhere)

    def rows(self, pages: list[JsonObject]) -> list[Row]:
        return [self.row(event) for event in _of_pages(pages)]


def events(
    cluster: Cluster, name: str = "", *, kind: str = "Pod", all_namespaces: bool = False, types: Sequence[str] = ()
) -> Table:
    """The events in a namespace, or of one object, newest last; as in kubectl, of earlier objects of its name, too.

    Args:
        cluster: the cluster, in the events' namespace.
        all_namespaces: those of all namespaces.
        name: only this object's; "" for all of the kind.
        kind: the objects' kind; "" for all kinds.
        types: only events of these types: "Normal", "Warning".

    Raises:
        NotFound: there is no such namespace.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    return cluster.run(_fetch_events(cluster, name, kind=kind, all_namespaces=all_namespaces, types=types))


async def _fetch_events(cluster: Cluster, name: str, *, kind: str, all_namespaces: bool, types: Sequence[str]) -> Table:
    which = _Which(cluster, kind, name, all_namespaces=all_namespaces, types=types)
    reset = which.reset(which.rows(await list_all(cluster, which.path, which.parameters)))
    if not reset.rows and not all_namespaces:
        await asyncio.to_thread(check_namespace, cluster)
    return Table(
        apply_table(TableState(), reset),
        which.command,
        follow=lambda state: _watch(cluster, which, state, listed=True),
    )


async def events_about(cluster: Cluster, resource: Resource, name: str) -> list[JsonObject]:
    """The events of all objects of this kind that have or had this name, newest last; raises as `events`."""
    which = _Which(cluster, resource.kind, name, all_namespaces=not resource.namespaced)
    return _of_pages(await list_all(cluster, which.path, which.parameters))


def is_about(event: JsonObject, found: JsonObject) -> bool:
    """Whether an event is about this very object, and not an earlier one of the same name.

    A node's kubelet gives the node's name as its uid. An event that has no uid is about any object of that name.
    """
    metadata = object_of(found, "metadata")
    about = text_of(event, "involvedObject", "uid")
    return not about or about in {text_of(metadata, "uid"), text_of(metadata, "name")}


def watch_events(
    cluster: Cluster, name: str = "", *, kind: str = "Pod", all_namespaces: bool = False, types: Sequence[str] = ()
) -> Operation[TableEvent, TableState, Table]:
    """The same, kept up to date until it is stopped."""
    which = _Which(cluster, kind, name, all_namespaces=all_namespaces, types=types)
    return _watch(cluster, which, TableState(title=which.title, where=which.where))


def _watch(
    cluster: Cluster, which: _Which, state: TableState, *, listed: bool = False
) -> Operation[TableEvent, TableState, Table]:
    """Keep `state` up to date; `listed` says whether it comes from a list."""
    operation: Operation[TableEvent, TableState, Table] = Operation(
        f"watch of {which.title}",
        state,
        apply_table,
        endless=True,
        conclude=lambda last, _: Table(last, which.command),
    )
    return operation.start_task(lambda progress: _follow(cluster, which, progress, listed=listed))


async def _follow(cluster: Cluster, which: _Which, progress: Progress[TableEvent], *, listed: bool) -> None:
    rows: dict[str, Row] = {}
    try:
        async for news in reflect(cluster, which.path, which.parameters, listed=listed):
            match news:
                case Listed():
                    rows = {row.key: row for row in which.rows(news.pages)}
                    progress.emit(which.reset(list(rows.values())))
                    if not news.polled:
                        progress.emit(TableLive(live=True))
                case Changed():
                    progress.emit(_change(which, rows, news.events))
                case Away():
                    progress.emit(TableLive(live=False, note=news.note))
    finally:
        progress.emit(TableLive(live=False))


def _change(which: _Which, rows: dict[str, Row], changes: list[JsonObject]) -> TableEvent:
    """The change; it is a whole new table if a known event occurred again, because it moves to the end."""
    added: dict[str, Row] = {}
    gone, moved = set[str](), False
    for change in changes:
        row = which.row(object_of(change, "object"))
        moved = moved or (row.key in rows and change["type"] != "DELETED")
        rows.pop(row.key, None)
        if change["type"] == "DELETED":
            gone.add(row.key)
            added.pop(row.key, None)
        else:
            rows[row.key] = added[row.key] = row
            gone.discard(row.key)
    return which.reset(list(rows.values())) if moved else TableChanged(tuple(added.values()), tuple(gone))


def event_row(event: JsonObject, *, with_namespace: bool = False) -> Row:
    """One event as a row of `COLUMNS`."""
    metadata, about = object_of(event, "metadata"), object_of(event, "involvedObject")
    kind, name = text_of(event, "type"), text_of(metadata, "name")
    namespace = text_of(metadata, "namespace")
    began = text_of(event, "firstTimestamp") or text_of(event, "eventTime") or text_of(metadata, "creationTimestamp")
    cells = (
        _last_seen(event) or None,
        kind,
        text_of(event, "reason"),
        f"{text_of(about, 'kind').lower()}/{text_of(about, 'name')}",
        text_of(event, "message").strip(),
        number_of(event, "series", "count") or number_of(event, "count") or 1,
        epoch(began),
        text_of(event, "source", "component") or text_of(event, "reportingComponent"),
    )
    return Row(
        key=text_of(metadata, "uid") or f"{namespace}/{name}",
        cells=(namespace, *cells) if with_namespace else cells,
        tone=Tone.WARNING if kind == "Warning" else status_tone(kind),
        name=name,
        namespace=namespace,
        kind="Event",
    )


def in_order(events: Iterable[JsonObject]) -> list[JsonObject]:
    """Events, newest last."""
    return sorted(events, key=_last_seen)


def _of_pages(pages: list[JsonObject]) -> list[JsonObject]:
    return in_order(event for page in pages for event in entries_of(page, "items"))


def _last_seen(event: JsonObject) -> float:
    series = text_of(event, "series", "lastObservedTime")
    newest = series or text_of(event, "lastTimestamp") or text_of(event, "eventTime")
    return epoch(newest) or epoch(text_of(event, "metadata", "creationTimestamp")) or time.time()
