"""Where pods are: a Kubernetes cluster, or Podman. Both are a `PodsBackend`, with the same columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, Unpack

from nbcontainer import clusters, engines
from nbcontainer.errors import ClusterUnavailable, EngineUnavailable, Unsupported, UsageError
from nbcontainer.model.impersonation import NOBODY_ELSE, Impersonation
from nbcontainer.protection import Place
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

    from nbcontainer.engines.connection import Engine
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


class PodsBackend(Protocol):
    """What can be done with pods and other objects, and where: a namespace of a cluster, or Podman, which has none.

    The implementations in `clusters` and `engines` document what each call raises.
    """

    @property
    def kind(self) -> Literal["engine", "cluster"]:
        """What it is."""

    @property
    def context(self) -> str:
        """The kubeconfig's or docker's context, "" where there is none."""

    @property
    def address(self) -> str:
        """The address of the API server, or of the engine."""

    @property
    def where(self) -> str:
        """Context and namespace, or the engine, in words."""

    def client(self, check: Callable[[], None]) -> ApiClient:
        """A client of the kubernetes package, where it is a cluster; `check` may refuse what is not only read."""

    def in_namespace(self, namespace: str) -> PodsBackend:
        """The same in another namespace ("" for the same)."""

    def command(self, kind: str, name: str) -> str:
        """The command that shows an object, for a terminal."""

    def tables(self, words: Sequence[str], **which: Unpack[TableRequest]) -> list[Table]:
        """A table for each kind that the words name, as in `kubectl get`."""

    def watch(
        self,
        words: Sequence[str],
        *,
        finish: Callable[[Table], Table] | None = None,
        **which: Unpack[TableRequest],
    ) -> TableWatch:
        """The tables of the kinds that the words name, until stopped; `finish` makes each resulting table."""

    def create(self, request: PodRequest) -> Operation[PodStep, PodStart, Change]:
        """Create a pod, and wait until it runs."""

    def delete(
        self, names: Sequence[str], *, force: bool = False, grace_period: int | None = None
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        """Delete pods, and wait until they are gone."""

    def describe(self, name: str) -> Description:
        """A pod's description, with its events."""

    def containers(self, name: str) -> list[str]:
        """The names of a pod's containers."""

    def logs(self, request: LogRequest) -> LogOperation[LogResult]:
        """Logs of pods, merged."""

    def execute(self, request: ExecRequest) -> LogOperation[ExecResult]:
        """Run a command in a pod's container."""

    def events(self, name: str = "", *, all_namespaces: bool = False) -> Table:
        """What happened to a pod, or to all of them."""


def place_of_pods(backend: PodsBackend) -> Place:
    """The place that a backend is, for protection."""
    return Place(backend.kind, backend.context, backend.address)


def find_pods_backend(
    context: str = "", namespace: str = "", *, impersonation: Impersonation = NOBODY_ELSE, starts: bool = True
) -> PodsBackend:
    """The cluster of the context; where there is no kubeconfig, Podman.

    Args:
        context: the kubeconfig's context; where there is no kubeconfig, a docker context, an address or "podman".
        namespace: the namespace, "" for the context's own.
        impersonation: whom its calls impersonate.
        starts: whether it may start an engine.

    Raises:
        ClusterUnavailable: the context is incomplete, or there is neither a cluster nor a Podman.
        Unsupported: a namespace or a user to impersonate is named, but there is only Podman; or the named engine has
            no pods.
    """
    try:
        return clusters.pods_backend.ClusterPods(clusters.connection.find_cluster(context, namespace, impersonation))
    except ClusterUnavailable as missing:
        if settings.context or clusters.kubeconfig.contexts()[0]:
            raise
        engine = _podman_at_hand(context) if not starts else _named_engine(context) if context else _podman()
        if engine is None:
            raise ClusterUnavailable(
                missing.message, cure=f"{missing.cure} Or install Podman, whose pods need no cluster."
            ) from None
    if impersonation.flags:
        raise Unsupported("impersonation", engine.name, cure="Podman has no users: name none.")
    return engines.pods_backend.PodmanPods(engine).in_namespace(namespace)


def _named_engine(context: str) -> Engine | None:
    """The engine that a call names, if there is no kubeconfig; None if it names neither an engine nor a cluster.

    Raises:
        Unsupported: it has no pods.
    """
    try:
        engine = engines.connection.find_engine(context)
    except UsageError:
        return None
    if not engine.capabilities.pods:
        raise Unsupported("pods", engine.name, cure="Use Podman, or a cluster from a kubeconfig.")
    return engine


def _podman_at_hand(context: str) -> Engine | None:
    """The engine that the call means, if it is running already and has pods."""
    found = (engines.connection.engine_at_hand(name) for name in ([context] if context else ["", "podman"]))
    return next((engine for engine in found if engine and engine.capabilities.pods), None)


def _podman() -> Engine | None:
    """The engine in use if it has pods, or else the private Podman."""
    try:
        engine = engines.connection.find_engine()
        if engine.capabilities.pods:
            return engine
    except EngineUnavailable:
        pass
    try:
        return engines.connection.find_podman()
    except EngineUnavailable:
        return None
