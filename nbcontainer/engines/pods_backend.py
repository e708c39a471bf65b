"""Podman's pods, with the interface that both kinds of backend share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Unpack

from nbcontainer import engines
from nbcontainer.errors import Unsupported

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.changes import Change, Changes
    from nbcontainer.model.deletion import Deletion, ObjectEnd
    from nbcontainer.model.logs import LogRequest, LogResult
    from nbcontainer.model.pods import ExecRequest, ExecResult, PodRequest, PodStart, PodStep
    from nbcontainer.model.results import Description
    from nbcontainer.model.source_map import SourceMap
    from nbcontainer.model.table_request import TableRequest
    from nbcontainer.model.tables import Table, TableEvent, TableState
    from nbcontainer.operation import Operation

POD_WORDS = ("pods", "pod", "po")


@dataclass(frozen=True)
class PodmanPods:
    """Podman's pods, for use without a cluster. They have no namespaces: `all_namespaces` changes nothing."""

    engine: Engine

    @property
    def kind(self) -> Literal["engine"]:
        """The kind of backend."""
        return "engine"

    @property
    def context(self) -> str:
        """The docker context, "podman" for the private Podman, "" where there is only an address."""
        return self.engine.context

    @property
    def address(self) -> str:
        """The engine's address."""
        return self.engine.address

    @property
    def where(self) -> str:
        """The engine, in words."""
        return f"{self.engine.name} (no cluster)"

    def client(self, check: Callable[[], None]) -> NoReturn:  # noqa: ARG002 - as of every backend
        """Not available.

        Raises:
            Unsupported: always.
        """
        cure = f"It has docker's: nbc.engine({self.context!r}).client"
        raise Unsupported("the kubernetes package's client", self.engine.name, cure=cure)

    def in_namespace(self, namespace: str) -> PodmanPods:
        """The same pods, which have no namespaces.

        Raises:
            Unsupported: a namespace is named.
        """
        if namespace:
            raise Unsupported("namespaces", self.engine.name, cure="Its pods are all in one place: name no namespace.")
        return self

    def command(self, kind: str, name: str) -> str:
        """The command that shows a pod in a terminal."""
        return self.engine.commands.podman(kind, "inspect", name)

    def tables(self, words: Sequence[str], **which: Unpack[TableRequest]) -> list[Table]:
        """The pods, once; raises as `engines.pods.table`.

        Raises:
            Unsupported: the words name another kind.
        """
        return [replace(engines.pods.table(self.engine, self._names(words), **which), kind="pod")]

    def manifests(self, words: Sequence[str], **which: Unpack[TableRequest]) -> list[dict[str, Any]]:
        """The pods as Kubernetes objects; raises as `tables` and `engines.pod_manifests.manifests`."""
        return engines.pod_manifests.manifests(self.engine, self._names(words), **which)

    def watch(
        self,
        words: Sequence[str],
        *,
        finish: Callable[[Table], Table] | None = None,
        **which: Unpack[TableRequest],
    ) -> Operation[TableEvent, TableState, Table]:
        """The pods, until stopped; raises as `tables`."""
        return engines.pods.watch_table(self.engine, self._names(words), finish=finish, **which)

    def _names(self, words: Sequence[str]) -> list[str]:
        """The pods that the words of `kubectl get` name: ("pods", "web"), ("pod/web",)."""
        each = [word.partition("/") for word in words]
        kinds = [kind for kind, slash, _ in each if slash] or words[0].split(",")
        for kind in kinds:
            if kind.lower() not in POD_WORDS:
                raise Unsupported(
                    f"objects of the kind {kind!r}", self.where, cure="Without a cluster there are only Podman's pods."
                )
        return [name for _, slash, name in each if slash] or list(words[1:])

    def create(self, request: PodRequest) -> Operation[PodStep, PodStart, Change]:
        """Create a pod, and wait until it runs; raises as `engines.pod_creation.create`."""
        return engines.pod_creation.create(self.engine, request)

    def delete(
        self, names: Sequence[str], *, force: bool = False, grace_period: int | None = None
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        """Delete pods, and wait until they are gone; raises as `engines.pod_deletion.delete`."""
        return engines.pod_deletion.delete(self.engine, names, force=force, grace_period=grace_period)

    def describe(self, name: str) -> Description:
        """All about a pod, with its events; raises as `engines.pods.describe`."""
        return engines.pods.describe(self.engine, name)

    def containers(self, name: str) -> list[str]:
        """The names of a pod's containers; raises as `engines.pods.containers`."""
        return engines.pods.containers(self.engine, name)

    def logs(self, request: LogRequest) -> LogOperation[LogResult]:
        """Logs of pods, merged; raises as `engines.pods.logs`."""
        return engines.pods.logs(self.engine, request)

    def execute(self, request: ExecRequest) -> LogOperation[ExecResult]:
        """Run a command in a pod's container; raises as `engines.pods.execute`."""
        return engines.pods.execute(self.engine, request)

    def events(self, name: str = "", *, all_namespaces: bool = False) -> Table:
        """What happened to a pod, or to all of them, in the last hour."""
        del all_namespaces
        return engines.pods.events(self.engine, name)

    def apply(
        self, text: str, *, namespace: str, dry_run: bool, force_conflicts: bool, source_map: SourceMap
    ) -> list[Change]:
        """Play YAML, of which Podman takes pods and Deployments; raises as `engines.pod_creation.apply`.

        Raises:
            Unsupported: a dry run or conflicts, which Podman does not have.
        """
        if dry_run or force_conflicts:
            raise Unsupported("server-side apply's dry run and conflicts", self.engine.name)
        return engines.pod_creation.apply(self.in_namespace(namespace).engine, text, source_map=source_map)
