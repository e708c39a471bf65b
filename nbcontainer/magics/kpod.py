"""`%kpod`: pods; bare `%kpod` is the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import api
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.verbs import kpod
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE

if TYPE_CHECKING:
    from nbcontainer.api.cluster import Cluster

VERBS = Verbs(
    "kpod",
    "Pods of the cluster in use, or of Podman if there is none.",
    default="get",
    shared=(NAMESPACE, CLUSTER),
)


def cluster_of(call: Call) -> Cluster:
    """The cluster that a call uses."""
    return api.cluster.cluster(call.context, getattr(call.values, "namespace", "") or "")


VERBS.declare(kpod.VERBS, cluster_of)
