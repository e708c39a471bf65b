"""What objects own: by the owner references of everything that the cluster has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import Resource, all_resources
from nbcontainer.clusters.managed_fields import METADATA_ALONE
from nbcontainer.clusters.reflector import list_all
from nbcontainer.errors import NbcontainerError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcontainer.clusters.connection import Cluster

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
LEFT_OUT = {"events", "componentstatuses"}  # events are about objects, not parts of them
STATUS_COLUMNS = ("Status", "Phase", "State", "Ready", "Completions", "Type")


@dataclass(frozen=True)
class Found:
    """An object with what its table says about it.

    Attributes:
        words: its status in words: {"Ready": "1/1", "Status": "Running"}.
        owners: the uids of its owners.
    """

    resource: Resource
    name: str
    namespace: str
    uid: str
    words: tuple[tuple[str, str], ...] = ()
    owners: tuple[str, ...] = ()
    owner_references: tuple[JsonObject, ...] = ()
    is_terminating: bool = False

    @property
    def shown(self) -> str:
        """Kind and name: "deployment.apps/web"."""
        return f"{self.resource.qualified_kind}/{self.name}"


@dataclass(frozen=True)
class Everything:
    """All objects that could be listed, and the kinds that could not."""

    objects: tuple[Found, ...]
    unread: tuple[str, ...] = ()

    def below(self, uids: Iterable[str]) -> list[Found]:
        """All objects that these own, and those own, in turn; each once."""
        by_owner: dict[str, list[Found]] = {}
        for one in self.objects:
            for owner in one.owners:
                by_owner.setdefault(owner, []).append(one)
        seen, waiting, found = set(uids), list(uids), list[Found]()
        while waiting:
            for one in by_owner.get(waiting.pop(0), ()):
                if one.uid not in seen:
                    seen.add(one.uid)
                    waiting.append(one.uid)
                    found.append(one)
        return found


async def everything(cluster: Cluster, namespace: str = "") -> Everything:
    """All objects of a namespace, or "" for those of the whole cluster, of every kind that can be listed."""
    resources = [
        one
        for one in await all_resources(cluster)
        if one.plural not in LEFT_OUT and one.can("list") and one.can("delete") and (one.namespaced or not namespace)
    ]
    unread: list[str] = []

    async def read(resource: Resource) -> list[Found]:
        try:
            return tables_found(resource, await list_all(cluster, resource.path(namespace), METADATA_ALONE, TABLE))
        except NbcontainerError:  # not allowed, or an aggregated API that is down
            unread.append(resource.word)
            return []

    found: dict[str, Found] = {}  # the same object may be served by several groups
    for objects in await asyncio.gather(*map(read, resources)):
        for one in objects:
            found.setdefault(one.uid, one)
    return Everything(tuple(found.values()), tuple(sorted(unread)))


def tables_found(resource: Resource, pages: Sequence[JsonObject]) -> list[Found]:
    """The objects in a Table of the API server."""
    columns = [text_of(one, "name") for one in entries_of(pages[0], "columnDefinitions")] if pages else []
    return [_found(resource, columns, row) for page in pages for row in entries_of(page, "rows")]


def _found(resource: Resource, columns: Sequence[str], row: JsonObject) -> Found:
    metadata = object_of(row, "object", "metadata")
    cells = row.get("cells")
    by_name = dict(zip(columns, cells if isinstance(cells, list) else (), strict=False))
    words = [(name, str(by_name[name])) for name in STATUS_COLUMNS if by_name.get(name) not in (None, "", "<none>")]
    if "Desired" in by_name:  # of ReplicaSets and DaemonSets, whose Ready is only a number
        words = [(name, f"{text}/{by_name['Desired']}" if name == "Ready" else text) for name, text in words]
    references = entries_of(metadata, "ownerReferences")
    return Found(
        resource,
        text_of(metadata, "name"),
        text_of(metadata, "namespace"),
        text_of(metadata, "uid"),
        tuple(words),
        tuple(text_of(one, "uid") for one in references),
        tuple(references),
        "deletionTimestamp" in metadata,
    )
