"""Where pods are: a Kubernetes cluster, or Podman. Both answer the same calls with the same columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nbcontainer.errors import ClusterUnavailable, EngineUnavailable, Unsupported

if TYPE_CHECKING:
    from nbcontainer.cluster.connection import Cluster
    from nbcontainer.engine.connection import Engine
    from nbcontainer.model.logs import LogEvent, LogRequest, LogResult, LogState
    from nbcontainer.model.pods import (
        Description,
        ExecRequest,
        ExecResult,
        PodChange,
        PodChanges,
        PodDeletion,
        PodEnd,
        PodRequest,
        PodStart,
        PodStep,
    )
    from nbcontainer.model.tables import Table, TableEvent, TableState
    from nbcontainer.operation import Operation

__all__ = ["PodsHome", "find_pods_home"]


@dataclass(frozen=True)
class PodsHome:
    """What can be done with pods, and where.

    Attributes:
        context: what `protected_contexts` is matched with.
        where: context and namespace, or the engine, in words.
        table: the pods, once.
        watch: the pods, until stopped.
        create: creates one and waits until it runs.
        delete: deletes, and waits until they are gone.
        describe: all about one.
        logs: logs, merged.
        execute: runs a command in one.
        events: what happened.
        apply: applies YAML.
    """

    context: str
    where: str
    table: Callable[..., Table]
    watch: Callable[..., Operation[TableEvent, TableState, Table]]
    create: Callable[[PodRequest], Operation[PodStep, PodStart, PodChange]]
    delete: Callable[..., Operation[PodEnd, PodDeletion, PodChanges]]
    describe: Callable[[str], Description]
    logs: Callable[[LogRequest], Operation[LogEvent, LogState, LogResult]]
    execute: Callable[[ExecRequest], Operation[LogEvent, LogState, ExecResult]]
    events: Callable[..., Table]
    apply: Callable[..., list[PodChange]]


def find_pods_home(context: str = "", namespace: str = "") -> PodsHome:
    """The cluster of the context; Podman where there is no kubeconfig and none was asked for.

    Raises:
        ClusterUnavailable: the context is not whole, or there is neither a cluster nor a Podman.
    """
    from nbcontainer.cluster.connection import find_cluster  # noqa: PLC0415 - loads with the first call
    from nbcontainer.settings import settings  # noqa: PLC0415 - as above

    try:
        return _in_cluster(find_cluster(context, namespace))
    except ClusterUnavailable as missing:
        if context or settings.context or _has_contexts():
            raise
        engine = _podman()
        if engine is None:
            raise ClusterUnavailable(
                missing.message, cure=f"{missing.cure} Or install Podman, whose pods need no cluster."
            ) from None
        return _in_podman(engine)


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


def _in_cluster(cluster: Cluster) -> PodsHome:
    """Pods of a Kubernetes cluster, in one namespace."""
    from nbcontainer.cluster import deletion, describe, events, exec, logs, pods, resources, tables  # noqa: A004, PLC0415 - they load with the first call; our module exec has the verb's name

    return PodsHome(
        context=cluster.context,
        where=cluster.where,
        table=partial(tables.table, cluster),
        watch=partial(tables.watch_table, cluster),
        create=partial(pods.create, cluster),
        delete=partial(deletion.delete, cluster),
        describe=partial(describe.describe, cluster),
        logs=partial(logs.logs, cluster),
        execute=partial(exec.execute, cluster),
        events=partial(events.events, cluster),
        apply=partial(resources.apply, cluster),
    )


def _in_podman(engine: Engine) -> PodsHome:
    """Podman's pods, for where there is no cluster."""
    from nbcontainer.engine import pod_deletion, pods  # noqa: PLC0415 - they load with the first call

    return PodsHome(
        context="podman",
        where=f"{engine.name} (no cluster)",
        table=partial(pods.table, engine),
        watch=partial(pods.watch_table, engine),
        create=partial(pods.create, engine),
        delete=partial(pod_deletion.delete, engine),
        describe=partial(pods.describe, engine),
        logs=partial(pods.logs, engine),
        execute=partial(pods.execute, engine),
        events=partial(pods.events, engine),
        apply=partial(_play, engine),
    )


def _play(
    engine: Engine, text: str, *, dry_run: bool = False, force_conflicts: bool = False, first_line: int = 1
) -> list[PodChange]:
    """Play YAML, which Podman takes for pods; it knows no other kinds and no conflicts."""
    from nbcontainer.engine import pods  # noqa: PLC0415 - loads with the first call

    if dry_run or force_conflicts:
        raise Unsupported("server-side apply's dry run and conflicts", engine.name)
    return pods.apply(engine, text, first_line=first_line)
