"""Which context and namespace a notebook uses: `nbc.cluster().contexts.use("prod")`. No kubeconfig is changed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.nouns import Noun
from nbcontainer.errors import Forbidden
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import Table
from nbcontainer.protection import reads
from nbcontainer.settings import settings


class Contexts(Noun):
    """The contexts of the kubeconfig."""

    kind = "context"

    def __init__(self, cluster: ClusterHandle) -> None:
        self._cluster = cluster

    @reads
    def list(self) -> Table:
        """The contexts, with that in use, as `kubectl config get-contexts` shows them; sends nothing."""
        return clusters.contexts.contexts()

    @reads
    def use(self, name: str = "", *, namespace: str = "") -> Table | Report:
        """Use a context in this session, whatever the kubeconfig's current one is. The kubeconfig is not changed.

        Like `settings.context`, it does not name a protected context: each call that changes one must do that.

        Args:
            name: the context; "" to list them.
            namespace: a namespace to be used with it; "" for the context's own.

        Raises:
            ClusterUnavailable: there is no such context, or it is incomplete.
        """
        if not name:
            return self.list()
        clusters.connection.find_cluster(name, namespace)  # raises if it is not there: the setting stays as it was
        settings.context, settings.namespace = name, namespace
        found = clusters.connection.find_cluster(name)
        return _used(found.where, clusters.contexts.contexts().command)


class Namespaces(Noun):
    """The namespaces of the cluster in use."""

    def __init__(self, cluster: ClusterHandle) -> None:
        self._cluster = cluster

    @reads
    def list(self) -> Table:
        """The namespaces, and which one is in use; raises as `Cluster.get`."""
        cluster = self._cluster.connect_to_cluster("namespace")
        table = clusters.tables.table(cluster, clusters.discovery.NAMESPACE)
        return replace(table, state=replace(table.state, note=f"In use: {cluster.namespace}"))

    @reads
    def use(self, name: str = "") -> Table | Report:
        """Use a namespace in this session, and the context that the call names. The kubeconfig is not changed.

        Args:
            name: the namespace; "" to list them.

        Raises:
            NotFound: there is no such namespace; the error suggests a similar one.
            ClusterUnavailable: the API server does not answer.
        """
        if not name:
            return self.list()
        cluster = self._cluster.connect_to_cluster("namespace").in_namespace(name)
        command = cluster.commands.kubectl("get", "namespaces", name, namespace="")
        with suppress(Forbidden):  # a user of one namespace may not look up namespaces
            clusters.tables.table(cluster, clusters.discovery.NAMESPACE, names=(name,))
        if self._cluster.context:
            settings.context = cluster.context
        settings.namespace = name
        return _used(cluster.where, command)


def _used(where: str, command: str) -> Report:
    return Report((Remark(f"{where} is in use in this session. The kubeconfig stays as it is."),), command)


class ContextVerbs(ClusterHandle):
    """What chooses the cluster and the namespace."""

    contexts = cached_property(Contexts)
    namespaces = cached_property(Namespaces)
