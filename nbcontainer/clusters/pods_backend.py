"""The pods of a cluster's namespace, as a `PodsBackend`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Unpack

from nbcontainer import clusters

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.kubernetes_client import ClusterClient
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.changes import Change, Changes
    from nbcontainer.model.deletion import Deletion, ObjectEnd
    from nbcontainer.model.logs import LogRequest, LogResult
    from nbcontainer.model.pods import ExecRequest, ExecResult, PodRequest, PodStart, PodStep
    from nbcontainer.model.results import Description
    from nbcontainer.model.table_request import TableRequest
    from nbcontainer.model.tables import Table
    from nbcontainer.operation import Operation
    from nbcontainer.operation.watches import TableWatch


@dataclass(frozen=True)
class ClusterPods:
    """Pods of a Kubernetes cluster, in one namespace. The modules that do the work are imported by the first call."""

    cluster: Cluster

    @property
    def kind(self) -> Literal["cluster"]:
        """A cluster."""
        return "cluster"

    @property
    def context(self) -> str:
        """The kubeconfig's context."""
        return self.cluster.context

    @property
    def address(self) -> str:
        """The API server's address."""
        return self.cluster.server

    @property
    def where(self) -> str:
        """Context and namespace."""
        return self.cluster.where

    def client(self, check: Callable[[], None]) -> ClusterClient:
        """A client of the kubernetes package, which calls `check` before each request that may change something."""
        return self.cluster.client(check)

    def in_namespace(self, namespace: str) -> ClusterPods:
        """The same in another namespace ("" for the same)."""
        return ClusterPods(self.cluster.in_namespace(namespace))

    def command(self, kind: str, name: str) -> str:
        """The command that shows an object, for a terminal."""
        return self.cluster.commands.kubectl("get", kind, name)

    def tables(self, words: Sequence[str], **which: Unpack[TableRequest]) -> list[Table]:
        """A table for each kind that the words name; raises the errors of `clusters.objects.tables`."""
        return clusters.objects.tables(self.cluster, words, **which)

    def watch(
        self,
        words: Sequence[str],
        *,
        finish: Callable[[Table], Table] | None = None,
        **which: Unpack[TableRequest],
    ) -> TableWatch:
        """The tables of the kinds that the words name, until stopped; raises the errors of `clusters.objects.watch`."""
        return clusters.objects.watch(self.cluster, words, finish=finish, **which)

    def create(self, request: PodRequest) -> Operation[PodStep, PodStart, Change]:
        """Create a pod, and wait until it runs; raises the errors of `clusters.pods.create`."""
        return clusters.pods.create(self.cluster, request)

    def delete(
        self, names: Sequence[str], *, force: bool = False, grace_period: int | None = None
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        """Delete pods, and wait until they are gone; raises the errors of `clusters.deletion.delete`."""
        return clusters.deletion.delete(self.cluster, names, force=force, grace_period=grace_period)

    def describe(self, name: str) -> Description:
        """A pod's description, with its events; raises the errors of `clusters.describe.describe`."""
        return clusters.describe.describe(self.cluster, name)

    def containers(self, name: str) -> list[str]:
        """The names of a pod's containers; raises the errors of `clusters.pods.containers`."""
        return clusters.pods.containers(self.cluster, name)

    def logs(self, request: LogRequest) -> LogOperation[LogResult]:
        """Logs of pods, merged; raises the errors of `clusters.logs.logs`."""
        return clusters.logs.logs(self.cluster, request)

    def execute(self, request: ExecRequest) -> LogOperation[ExecResult]:
        """Run a command in a pod's container; raises the errors of `clusters.exec.execute`."""
        return clusters.exec.execute(self.cluster, request)

    def events(self, name: str = "", *, all_namespaces: bool = False) -> Table:
        """What happened to a pod, or to all of them; raises the errors of `clusters.events.events`."""
        return clusters.events.events(self.cluster, name, all_namespaces=all_namespaces)
