"""The handle of a cluster: `nbc.cluster()`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Unpack

from nbcontainer.api.cluster_apply import ApplyVerbs
from nbcontainer.api.cluster_contexts import ContextVerbs
from nbcontainer.api.cluster_create import CreateVerbs
from nbcontainer.api.cluster_debug import DebugVerbs
from nbcontainer.api.cluster_events import EventVerbs
from nbcontainer.api.cluster_expose import ExposeVerbs
from nbcontainer.api.cluster_logs import LogVerbs
from nbcontainer.api.cluster_manifests import ManifestVerbs
from nbcontainer.api.cluster_nodes import NodeVerbs
from nbcontainer.api.cluster_objects import ObjectVerbs
from nbcontainer.api.cluster_patch import PatchVerbs
from nbcontainer.api.cluster_questions import QuestionVerbs
from nbcontainer.api.cluster_run import RunVerbs
from nbcontainer.api.cluster_streams import StreamVerbs
from nbcontainer.api.cluster_workloads import WorkloadVerbs
from nbcontainer.api.objects import ApiObject
from nbcontainer.api.pod import Pod
from nbcontainer.api.pods import Pods
from nbcontainer.call_arguments import checks
from nbcontainer.model.impersonation import Impersonation
from nbcontainer.model.table_request import TableRequest
from nbcontainer.model.tables import Table, Tables
from nbcontainer.pods_backend import place_of_pods
from nbcontainer.protection import changes, guard_later, reads

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

    from nbcontainer.model.tables import Row
    from nbcontainer.operation.watches import TableWatch
    from nbcontainer.pods_backend import PodsBackend


@checks
def cluster(
    context: str = "", namespace: str = "", *, as_user: str = "", as_groups: Sequence[str] = (), as_uid: str = ""
) -> Cluster:
    """A Kubernetes cluster and what is in it: `nbc.cluster("prod", namespace="shop").pods.list()`.

    Args:
        context: the kubeconfig's context; "" for the current one. Without a kubeconfig, pods are Podman's, and this is
            a docker context, an address or "podman".
        namespace: "" for the context's own.
        as_user: the user whom its calls impersonate, as by kubectl's `--as`; "" for the one in the kubeconfig, if any.
        as_groups: the groups whom they impersonate, as by `--as-group`.
        as_uid: the uid that they impersonate, as by `--as-uid`.
    """
    return Cluster(context, namespace, Impersonation(as_user, tuple(as_groups), as_uid))


class Cluster(
    ApplyVerbs,
    ContextVerbs,
    CreateVerbs,
    DebugVerbs,
    EventVerbs,
    ExposeVerbs,
    LogVerbs,
    ManifestVerbs,
    NodeVerbs,
    ObjectVerbs,
    PatchVerbs,
    QuestionVerbs,
    RunVerbs,
    StreamVerbs,
    WorkloadVerbs,
):
    """A Kubernetes cluster and a namespace, or Podman if there is no cluster. Each call looks it up again."""

    pods = cached_property(Pods)

    @property
    @changes
    def client(self) -> ApiClient:
        """The kubernetes package's client for it: `CoreV1Api(nbc.cluster().client).list_namespaced_pod("shop")`.

        It reaches the cluster the same way nbcontainer does, as the same user. Its calls raise the package's own errors
        if the API server refuses, and `ClusterUnavailable` if the connection breaks or hangs. Any call may change
        something, so a protected cluster must be named; if it is protected only later, each request other than GET and
        HEAD raises `Protected`. Objects that it creates do not get the notebook's label. Pass the namespace to each
        call.

        Raises:
            ClusterUnavailable: as for `connect`.
            Unsupported: there is only Podman; also raised by the client for calls meant for `kubernetes.stream`.
            Protected: the cluster is protected and not named.
        """
        found = self.connect()
        return found.client(guard_later(place_of_pods(found), self.context))

    @reads
    def get(
        self,
        kind: str,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        sort_by: str = "",
        label_columns: Sequence[str] = (),
        show_labels: bool = False,
        columns: str = "",
    ) -> Table | Tables:
        """The table of the objects of any kind, as `kubectl get` shows it: `nbc.cluster().get("deployments", "web")`.

        `table["web"]` is an `ApiObject`, or a `Pod`. In a notebook, a displayed table stays live.

        Args:
            kind: a kind in any of kubectl's spellings: "deployments", "deploy", "pods.metrics.k8s.io", custom resources
                too. Several, or a category such as "all", give `Tables`: "deploy,svc". Or one object: "deploy/web".
            *names: only these objects. After a "deploy/web", each has its kind too.
            all_namespaces: objects in all namespaces.
            selector: a label selector, such as "app=web".
            field_selector: a field selector, such as "metadata.name=web".
            sort_by: a JSONPath of what the rows are sorted by, such as ".metadata.creationTimestamp" or
                ".status.containerStatuses[0].restartCount".
            label_columns: labels that get a column of their own.
            show_labels: whether to add a column with all labels.
            columns: the columns instead of the server's, such as "NAME:.metadata.name,NODE:.spec.nodeName".

        Raises:
            UsageError: the cluster has no such kind; the error suggests a similar one.
            NotFound: one of `names` does not exist, or the namespace.
            Forbidden: the user may not list them.
            Unsupported: the API server cannot list this kind; or there is only Podman, which has pods alone.
            ClusterUnavailable: the API server does not answer.
        """
        found = self.tables(
            (kind, *names),
            all_namespaces=all_namespaces,
            selector=selector,
            field_selector=field_selector,
            sort_by=sort_by,
            label_columns=label_columns,
            show_labels=show_labels,
            columns=columns,
        )
        return found[0] if len(found) == 1 else found

    @reads
    def watch(
        self,
        kind: str,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        sort_by: str = "",
        label_columns: Sequence[str] = (),
        show_labels: bool = False,
        columns: str = "",
        duration: float = 0.0,
    ) -> TableWatch:
        """The table of a kind, kept up to date until it is stopped; takes the arguments of `get`.

        Of several kinds, the state has a table for each, `state.tables`, and the result is `Tables`.

        Args:
            kind: as for `get`.
            *names: only these objects.
            all_namespaces: objects in all namespaces.
            selector: a label selector.
            field_selector: a field selector.
            sort_by: as for `get`.
            label_columns: as for `get`.
            show_labels: as for `get`.
            columns: as for `get`.
            duration: seconds after which to stop watching; 0 for never.

        Raises (also from `result()`):
            UsageError: the cluster has no such kind.
            Unsupported: the API server cannot watch this kind.
        """
        backend = self.connect()
        operation = backend.watch(
            (kind, *names),
            all_namespaces=all_namespaces,
            selector=selector,
            field_selector=field_selector,
            sort_by=sort_by,
            label_columns=label_columns,
            show_labels=show_labels,
            columns=columns,
            finish=partial(self._with_objects, backend),
        )
        operation.stop_after(duration)
        return operation

    @reads
    def tables(self, words: Sequence[str], **which: Unpack[TableRequest]) -> Tables:
        """A table for each kind that the words name, as in `kubectl get`; raises as `get`."""
        backend = self.connect()
        found = backend.tables(words, **which)
        return Tables(self._with_objects(backend, table) for table in found)

    def _with_objects(self, backend: PodsBackend, table: Table) -> Table:
        """A table that knows its cluster or engine, and has an object for each row."""
        place = place_of_pods(backend)
        return replace(
            table,
            object_of=partial(self._object, backend, table),
            context=place.name,
            server=place.server,
            in_cluster=place.kind == "cluster",
        )

    def _object(self, backend: PodsBackend, table: Table, row: Row) -> ApiObject:
        columns = [column.name.lower() for column in table.state.columns]
        there = backend.in_namespace(row.namespace)
        facts = dict(zip(columns, row.cells, strict=False))
        shown = (row.name, row.namespace, facts, row.labels, there.where, there.command(table.kind, row.name))
        cluster = self.at(there)
        if table.kind == "pod":
            return Pod(*shown, _cluster=cluster, _word=table.kind, _pods=cluster.pods)
        return ApiObject(*shown, row.kind, cluster, table.kind)
