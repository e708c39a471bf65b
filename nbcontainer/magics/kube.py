"""`%kube`: objects of any kind."""

from __future__ import annotations

from nbcontainer.magics.calls import Verbs
from nbcontainer.magics.kpod import cluster_of
from nbcontainer.verbs import declared
from nbcontainer.verbs.shared import ACTING, CLUSTER, NAMESPACE

VERBS = Verbs("kube", "Objects of any kind in the cluster in use.", shared=(NAMESPACE, CLUSTER, *ACTING))
VERBS.declare(declared("kube"), cluster_of)
