"""`%kpod`: pods; bare `%kpod` is the table."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer import api, views
from nbcontainer.magics.calls import Call, Verbs, refuse_endless
from nbcontainer.model.tables import RowVerb
from nbcontainer.verbs import kpod
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE

if TYPE_CHECKING:
    from nbcontainer.api.cluster import Cluster

__all__ = ["VERBS", "cluster_of"]

VERBS = Verbs(
    "kpod",
    "Pods of the cluster in use, or of Podman if there is none.",
    default="get",
    shared=(NAMESPACE, CLUSTER),
)


def cluster_of(call: Call) -> Cluster:
    """The cluster that a call is for."""
    return api.cluster.cluster(call.context, call.values.namespace or "")


@VERBS.add(kpod.GET)
def get(call: Call) -> object:
    """List them; watch them where that was asked for."""
    refuse_endless(call)
    values = call.values
    names, named = call.verb.bind(values)
    pods, wide = cluster_of(call).pods, values.output == "wide"
    if values.watch:
        operation = pods.watch(*names, **named, duration=values.timeout or 0.0)
        return views.surfaces.show(operation, views.tables.TableView(wide=wide))
    table = pods.list(*names, **named)
    if values.output == "name":
        print("\n".join(f"pod/{name}" for name in table.names))  # noqa: T201 - as kubectl does
        return None
    return replace(table, wide=wide, verbs=_row_verbs(table.context, table.server))


def _row_verbs(context: str, server: str) -> tuple[RowVerb, ...]:
    """What the table's rows offer in a page: these very magics, in a cell below, for the place that the table is of."""
    there = f" --table-context={shlex.quote(context)} --table-server={shlex.quote(server)}"
    if not there.isprintable() or "{" in there:  # a name with a line break or a {{…}} would become code in that cell
        return ()
    return (
        RowVerb("l", "logs", f"%kpod logs {{rows}}{there}", many=True),
        RowVerb("d", "describe", f"%kpod describe {{rows}}{there}"),
        RowVerb("x", "exec", f"%kpod exec {{rows}}{there} -- ls /", runs=False),
        RowVerb("Delete", "delete", f"%kpod delete {{rows}}{there}", many=True),
    )


VERBS.declare(kpod.VERBS, cluster_of)
