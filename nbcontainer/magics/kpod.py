"""`%kpod`: pods; bare `%kpod` is the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer import api
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.verbs import declared
from nbcontainer.verbs.shared import ACTING, CLUSTER, NAMESPACE

if TYPE_CHECKING:
    from nbcontainer.api.cluster import Cluster

VERBS = Verbs(
    "kpod",
    "Pods of the cluster in use, or of Podman if there is none.",
    default="get",
    shared=(NAMESPACE, CLUSTER, *ACTING),
)


def cluster_of(call: Call) -> Cluster:
    """The cluster that a call uses."""
    return api.cluster.Cluster(call.context, call.values.namespace or "", call.impersonation)


VERBS.declare(declared("kpod"), cluster_of)
