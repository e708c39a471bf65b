"""`%%kube`: a YAML cell, applied by the server."""

from __future__ import annotations

from nbcontainer.magics.calls import Verbs
from nbcontainer.magics.kpod import cluster_of
from nbcontainer.verbs import kube
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE

__all__ = ["VERBS"]

VERBS = Verbs("kube", "Objects of the cluster in use, written as YAML.", shared=(NAMESPACE, CLUSTER))
VERBS.declare(kube.VERBS, cluster_of)
