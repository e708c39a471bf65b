"""Where pods are: a Kubernetes cluster, or Podman. Both answer the same calls with the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from nbcontainer.errors import ClusterUnavailable, EngineUnavailable, Unsupported

if TYPE_CHECKING:
    from nbcontainer.cluster.connection import Cluster
    from nbcontainer.engine.connection import Engine
    from nbcontainer.model.logs import LogEvent, LogRequest, LogResult, LogState
    from nbcontainer.model.pods import Description, ExecRequest, ExecResult, PodChange, PodRequest, PodStart, PodStep
    from nbcontainer.model.tables import Table, TableEvent, TableState
    from nbcontainer.operation import Operation

__all__ = ["PodsHome", "find_pods_home"]


class PodsHome(Protocol):
    """What can be done with pods.

    Attributes:
        context: what `protected_contexts` is matched with.
        where: context and namespace, or the engine, in words.
    """

    context: str
    where: str

    def table(self, **where: Any) -> Table:
        """The pods, once."""

    def watch(self, **where: Any) -> Operation[TableEvent, TableState, Table]:
        """The pods, until stopped."""

    def create(self, request: PodRequest, *, command: str = "") -> Operation[PodStep, PodStart, PodChange]:
        """Create one and wait until it runs."""

    def delete(self, names: Sequence[str], *, force: bool = False, grace_period: int | None = None) -> list[PodChange]:
        """Delete, and wait until they are gone."""

    def describe(self, name: str) -> Description:
        """All about one."""

    def logs(self, request: LogRequest) -> Operation[LogEvent, LogState, LogResult]:
        """Logs, merged."""

    def execute(self, request: ExecRequest) -> Operation[LogEvent, LogState, ExecResult]:
        """Run a command in one."""

    def events(self, name: str = "", *, all_namespaces: bool = False) -> Table:
        """What happened."""

    def apply(
        self, text: str, *, dry_run: bool = False, force_conflicts: bool = False, first_line: int = 1
    ) -> list[PodChange]:
        """Apply YAML."""


def find_pods_home(context: str = "", namespace: str = "") -> PodsHome:
    """The cluster of the context; Podman where there is no kubeconfig and none was asked for.

    Raises:
        ClusterUnavailable: the context is not whole, or there is neither a cluster nor a Podman.
    """
    from nbcontainer.cluster.connection import find_cluster  # noqa: PLC0415 - loads with the first call
    from nbcontainer.settings import settings  # noqa: PLC0415 - as above

    try:
        return ClusterPods(find_cluster(context, namespace))
    except ClusterUnavailable as missing:
        if context or settings.context or _has_contexts():
            raise
        engine = _podman()
        if engine is None:
            raise ClusterUnavailable(
                missing.message, cure=f"{missing.cure} Or install Podman, whose pods need no cluster."
            ) from None
        return PodmanPods(engine)


def _has_contexts() -> bool:
    from nbcontainer.cluster.kubeconfig import contexts  # noqa: PLC0415 - loads with the first call

    return bool(contexts()[0])


def _podman() -> Engine | None:
    """The engine in use if it has pods, else the private Podman."""
    from nbcontainer.engine.connection import find_engine, find_podman  # noqa: PLC0415 - loads with the first call

    try:
        engine = find_engine()
        if engine.capabilities.pods:
            return engine
    except EngineUnavailable:
        pass
    try:
        return find_podman()
    except EngineUnavailable:
        return None


class ClusterPods:
    """Pods of a Kubernetes cluster, in one namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.context = cluster.context
        self.where = cluster.where

    def table(self, **where: Any) -> Table:
        """The pods, once."""
        from nbcontainer.cluster import tables  # noqa: PLC0415 - loads with the first call

        return tables.table(self._cluster, **where)

    def watch(self, **where: Any) -> Operation[TableEvent, TableState, Table]:
        """The pods, until stopped."""
        from nbcontainer.cluster import tables  # noqa: PLC0415 - loads with the first call

        return tables.watch_table(self._cluster, **where)

    def create(self, request: PodRequest, *, command: str = "") -> Operation[PodStep, PodStart, PodChange]:
        """Create one and wait until it runs."""
        from nbcontainer.cluster import pods  # noqa: PLC0415 - loads with the first call

        del command
        return pods.create(self._cluster, request)

    def delete(self, names: Sequence[str], *, force: bool = False, grace_period: int | None = None) -> list[PodChange]:
        """Delete, and wait until they are gone."""
        from nbcontainer.cluster import pods  # noqa: PLC0415 - loads with the first call

        return pods.delete(self._cluster, tuple(names), force=force, grace_period=grace_period)

    def describe(self, name: str) -> Description:
        """All about one."""
        from nbcontainer.cluster import describe  # noqa: PLC0415 - loads with the first call

        return describe.describe(self._cluster, name)

    def logs(self, request: LogRequest) -> Operation[LogEvent, LogState, LogResult]:
        """Logs, merged."""
        from nbcontainer.cluster import logs  # noqa: PLC0415 - loads with the first call

        return logs.logs(self._cluster, request)

    def execute(self, request: ExecRequest) -> Operation[LogEvent, LogState, ExecResult]:
        """Run a command in one."""
        from nbcontainer.cluster import exec as cluster_exec  # noqa: PLC0415 - loads with the first call

        return cluster_exec.execute(self._cluster, request)

    def events(self, name: str = "", *, all_namespaces: bool = False) -> Table:
        """What happened."""
        from nbcontainer.cluster import events  # noqa: PLC0415 - loads with the first call

        return events.events(self._cluster, name, all_namespaces=all_namespaces)

    def apply(
        self, text: str, *, dry_run: bool = False, force_conflicts: bool = False, first_line: int = 1
    ) -> list[PodChange]:
        """Apply YAML."""
        from nbcontainer.cluster import resources  # noqa: PLC0415 - loads with the first call

        return resources.apply(
            self._cluster, text, dry_run=dry_run, force_conflicts=force_conflicts, first_line=first_line
        )


class PodmanPods:
    """Podman's pods, for where there is no cluster."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.context = "podman"
        self.where = f"{engine.name} (no cluster)"

    def table(self, **where: Any) -> Table:
        """The pods, once."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        return pods.table(self._engine, **where)

    def watch(self, **where: Any) -> Operation[TableEvent, TableState, Table]:
        """The pods, until stopped."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        return pods.watch_table(self._engine, **where)

    def create(self, request: PodRequest, *, command: str = "") -> Operation[PodStep, PodStart, PodChange]:
        """Create one and wait until it runs."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        del command
        return pods.create(self._engine, request)

    def delete(self, names: Sequence[str], *, force: bool = False, grace_period: int | None = None) -> list[PodChange]:
        """Delete, and wait until they are gone."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        return pods.delete(self._engine, tuple(names), force=force, grace_period=grace_period)

    def describe(self, name: str) -> Description:
        """All about one."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        return pods.describe(self._engine, name)

    def logs(self, request: LogRequest) -> Operation[LogEvent, LogState, LogResult]:
        """Logs, merged."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        return pods.logs(self._engine, request)

    def execute(self, request: ExecRequest) -> Operation[LogEvent, LogState, ExecResult]:
        """Run a command in one."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        return pods.execute(self._engine, request)

    def events(self, name: str = "", *, all_namespaces: bool = False) -> Table:
        """What happened."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        return pods.events(self._engine, name, all_namespaces=all_namespaces)

    def apply(
        self, text: str, *, dry_run: bool = False, force_conflicts: bool = False, first_line: int = 1
    ) -> list[PodChange]:
        """Play YAML, which Podman takes for pods; it knows no other kinds and no conflicts."""
        from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

        if dry_run or force_conflicts:
            raise Unsupported("server-side apply's dry run and conflicts", self._engine.name)
        return pods.apply(self._engine, text, first_line=first_line)
