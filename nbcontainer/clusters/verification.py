"""The warning about an API server whose certificate is not checked, shown once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from nbcontainer.errors import InsecureConnection

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster

_warned: set[tuple[str, str]] = set()  # contexts with their servers


def warn_if_unverified(cluster: Cluster) -> None:
    """Warn, once for each context, if the kubeconfig says not to check the API server's certificate."""
    access = cluster.link.access
    place = cluster.context, cluster.server
    if not (access.insecure and access.is_tls) or place in _warned:
        return
    _warned.add(place)
    warnings.warn(
        f"The certificate of {cluster.server} is not checked, as insecure-skip-tls-verify in context "
        f"{cluster.context!r} says: whoever answers there gets the credentials. "
        "certificate-authority-data with the cluster's certificate authority makes it safe.",
        InsecureConnection,
        stacklevel=2,
    )
