"""The kinds that a cluster serves, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import all_resources
from nbcontainer.model.tables import Column, Row, Table, TableState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster

COLUMNS = (
    Column("NAME"),
    Column("SHORTNAMES"),
    Column("APIVERSION"),
    Column("NAMESPACED"),
    Column("KIND"),
    Column("VERBS", wide=True),
    Column("CATEGORIES", wide=True),
)


def api_resources(
    cluster: Cluster,
    *,
    group: str | None = None,
    namespaced: bool | None = None,
    verbs: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> Table:
    """All kinds, by group and name.

    Args:
        cluster: the cluster.
        group: only those of a group, "" for the core one.
        namespaced: only those whose objects are in namespaces, or only the others.
        verbs: only those that can be called with all of these verbs.
        categories: only those in all of these categories, such as "all".

    Raises:
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    found = [
        one
        for one in cluster.run(all_resources(cluster, fresh=True))
        if group in (None, one.group)
        and namespaced in (None, one.namespaced)
        and set(verbs) <= set(one.verbs)
        and set(categories) <= set(one.categories)
    ]
    rows = {}
    for one in sorted(found, key=lambda each: (each.group, each.plural)):
        key = f"{one.plural}.{one.group}"
        shorts, can, within = ",".join(one.short_names), ",".join(one.verbs), ",".join(one.categories)
        cells = (one.plural, shorts, one.api_version, str(one.namespaced).lower(), one.kind, can, within)
        rows[key] = Row(key, cells, name=one.plural)
    words = ["api-resources", *([f"--api-group={group}"] if group is not None else [])]
    words += [f"--namespaced={str(namespaced).lower()}"] if namespaced is not None else []
    words += [f"--verbs={','.join(verbs)}"] if verbs else []
    words += [f"--categories={','.join(categories)}"] if categories else []
    state = TableState("kinds", cluster.context, columns=COLUMNS, rows=rows)
    return Table(state, cluster.commands.kubectl(*words, namespace=""))
