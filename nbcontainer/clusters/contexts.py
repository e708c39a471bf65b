"""The contexts of the kubeconfig as a table."""

from __future__ import annotations

from nbcontainer.clusters.connection import find_cluster
from nbcontainer.clusters.kubeconfig_files import merge, paths
from nbcontainer.errors import ClusterUnavailable
from nbcontainer.model.commands import ClusterCommands
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, apply_table
from nbcontainer.settings import settings

COLUMNS = (
    Column("CURRENT"),
    Column("NAME"),
    Column("CLUSTER"),
    Column("AUTHINFO"),
    Column("NAMESPACE"),
    Column("SERVER", wide=True),
)


def contexts() -> Table:
    """The contexts, as `kubectl config get-contexts` shows them; the current one is that which calls use now."""
    known = merge(paths())
    try:
        used = find_cluster()
    except ClusterUnavailable:
        if not known.contexts:
            raise
        used = None
    rows = []
    for name, found in sorted(known.contexts.items()):
        entry, server = found.entry, known.clusters.get(found.entry.cluster)
        is_current = used is not None and name == used.context
        namespace = used.namespace if used is not None and is_current else entry.namespace
        address = server.entry.server if server is not None else ""
        cells = ("*" if is_current else "", name, entry.cluster, entry.user, namespace, address)
        rows.append(Row(name, cells, name=name, kind="Context"))
    note = "Chosen for this session; the kubeconfig has another." if _is_chosen(known.current) else ""
    reset = TableReset(COLUMNS, tuple(rows), "contexts", "kubeconfig", note)
    commands = ClusterCommands("", "", used.kubeconfig if used is not None else "")
    return Table(apply_table(TableState(), reset), commands.kubectl("config", "get-contexts"))


def _is_chosen(current: str) -> bool:
    return bool(settings.context and settings.context != current)
