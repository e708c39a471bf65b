"""Where pods are: a Kubernetes cluster, or Podman. Both answer the same calls with the same columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbcontainer.errors import ClusterUnavailable, EngineUnavailable, Unsupported, UsageError
from nbcontainer.model.build import SourceMap
from nbcontainer.protection import Place, place_of_cluster, place_of_engine

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.engines.connection import Engine
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
        place: the cluster or the engine; its name is what `--context` names it by.
        where: context and namespace, or the engine, in words.
        table: the pods, once.
        watch: the pods, until stopped.
        create: creates one and waits until it runs.
        delete: deletes, and waits until they are gone.
        describe: all about one.
        containers: the names of one's containers.
        logs: logs, merged.
        execute: runs a command in one.
        events: what happened.
        apply: applies YAML.
    """

    place: Place
    where: str
    table: Callable[..., Table]
    watch: Callable[..., Operation[TableEvent, TableState, Table]]
    create: Callable[[PodRequest], Operation[PodStep, PodStart, PodChange]]
    delete: Callable[..., Operation[PodEnd, PodDeletion, PodChanges]]
    describe: Callable[[str], Description]
    containers: Callable[[str], list[str]]
    logs: Callable[[LogRequest], Operation[LogEvent, LogState, LogResult]]
    execute: Callable[[ExecRequest], Operation[LogEvent, LogState, ExecResult]]
    events: Callable[..., Table]
    apply: Callable[..., list[PodChange]]


def find_pods_home(context: str = "", namespace: str = "", *, starts: bool = True) -> PodsHome:
    """The cluster of the context; where there is no kubeconfig, Podman.

    Args:
        context: the kubeconfig's context; where there is no kubeconfig, a docker context, an address or "podman".
        namespace: the namespace, "" for the context's own.
        starts: whether an engine may be started for it.

    Raises:
        ClusterUnavailable: the context is not whole, or there is neither a cluster nor a Podman.
        Unsupported: a namespace is named, and there is only Podman; or the engine that is named has no pods.
    """
    from nbcontainer.clusters.connection import find_cluster  # noqa: PLC0415 - loads with the first call
    from nbcontainer.settings import settings  # noqa: PLC0415 - as above

    try:
        return _in_cluster(find_cluster(context, namespace))
    except ClusterUnavailable as missing:
        if settings.context or _has_contexts():
            raise
        engine = _podman_at_hand(context) if not starts else _named_engine(context) if context else _podman()
        if engine is None:
            raise ClusterUnavailable(
                missing.message, cure=f"{missing.cure} Or install Podman, whose pods need no cluster."
            ) from None
        if namespace:
            raise Unsupported("namespaces", engine.name, cure="Its pods are all in one place: leave -n out.") from None
        return _in_podman(engine)


def _has_contexts() -> bool:
    from nbcontainer.clusters.kubeconfig import contexts  # noqa: PLC0415 - loads with the first call

    return bool(contexts()[0])


def _named_engine(context: str) -> Engine | None:
    """The engine that a call names, where there is no kubeconfig; None where it names neither an engine nor a cluster.

    Raises:
        Unsupported: it has no pods.
    """
    from nbcontainer.engines.connection import find_engine  # noqa: PLC0415 - loads with the first call

    try:
        engine = find_engine(context)
    except UsageError:
        return None
    if not engine.capabilities.pods:
        raise Unsupported("pods", engine.name, cure="Podman has pods; so has a cluster, which a kubeconfig names.")
    return engine


def _podman_at_hand(context: str) -> Engine | None:
    """The engine that the call means, if it is there already and has pods."""
    from nbcontainer.engines.connection import engine_at_hand  # noqa: PLC0415 - loads with the first call

    found = (engine_at_hand(name) for name in ([context] if context else ["", "podman"]))
    return next((engine for engine in found if engine and engine.capabilities.pods), None)


def _podman() -> Engine | None:
    """The engine in use if it has pods, else the private Podman."""
    from nbcontainer.engines.connection import find_engine, find_podman  # noqa: PLC0415 - loads with the first call

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
    return PodsHome(
        place=place_of_cluster(cluster),
        where=cluster.where,
        table=_later("clusters.tables", "table", cluster),
        watch=_later("clusters.tables", "watch_table", cluster),
        create=_later("clusters.pods", "create", cluster),
        delete=_later("clusters.deletion", "delete", cluster),
        describe=_later("clusters.describe", "describe", cluster),
        containers=_later("clusters.pods", "containers", cluster),
        logs=_later("clusters.logs", "logs", cluster),
        execute=_later("clusters.exec", "execute", cluster),
        events=_later("clusters.events", "events", cluster),
        apply=_later("clusters.resources", "apply", cluster),
    )


def _in_podman(engine: Engine) -> PodsHome:
    """Podman's pods, for where there is no cluster."""
    return PodsHome(
        place=place_of_engine(engine),
        where=f"{engine.name} (no cluster)",
        table=_later("engines.pods", "table", engine),
        watch=_later("engines.pods", "watch_table", engine),
        create=_later("engines.pods", "create", engine),
        delete=_later("engines.pod_deletion", "delete", engine),
        describe=_later("engines.pods", "describe", engine),
        containers=_later("engines.pods", "containers", engine),
        logs=_later("engines.pods", "logs", engine),
        execute=_later("engines.pods", "execute", engine),
        events=_later("engines.pods", "events", engine),
        apply=partial(_play, engine),
    )


def _later(module: str, name: str, first: Cluster | Engine) -> Callable[..., Any]:
    """The function `name` of a module that loads with its first call, with its first argument given."""

    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(import_module(f"nbcontainer.{module}"), name)(first, *arguments, **options)

    return call


def _play(
    engine: Engine,
    text: str,
    *,
    dry_run: bool = False,
    force_conflicts: bool = False,
    source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
) -> list[PodChange]:
    """Play YAML, which Podman takes for pods; it knows no other kinds and no conflicts."""
    from nbcontainer.engines import pods  # noqa: PLC0415 - loads with the first call

    if dry_run or force_conflicts:
        raise Unsupported("server-side apply's dry run and conflicts", engine.name)
    return pods.apply(engine, text, source_map=source_map)
