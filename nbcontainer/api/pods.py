"""Pods of a cluster, or of Podman; methods have kubectl's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from nbcontainer import existence, model
from nbcontainer.api.cluster_logs import ReadsLogs
from nbcontainer.api.cluster_objects import LINES_OF_A_TIMELINE
from nbcontainer.api.nouns import Noun
from nbcontainer.api.plans import Plan, several
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.requests import bytes_from, command_words, grace_period_of, refuse_negative, request_of
from nbcontainer.model.results import Description, Objects
from nbcontainer.model.tables import Table
from nbcontainer.pods_backend import place_of_pods
from nbcontainer.protection import changes, reads

if TYPE_CHECKING:
    from nbcontainer.api.cluster import Cluster
    from nbcontainer.api.pod import Pod
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.changes import Change, Changes
    from nbcontainer.model.deletion import Deletion, ObjectEnd
    from nbcontainer.model.manifests import Manifests
    from nbcontainer.model.pods import ExecResult, PodStart, PodStep
    from nbcontainer.model.tables import TableEvent, TableState
    from nbcontainer.model.timelines import Timeline
    from nbcontainer.model.why import Diagnosis
    from nbcontainer.operation import Operation
    from nbcontainer.pods_backend import PodsBackend


class Pods(Noun, ReadsLogs):
    """The pods in a namespace of a cluster, or of Podman."""

    kind = "pod"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __repr__(self) -> str:
        """The call that returns it."""
        return f"{self._cluster!r}.pods"

    @reads
    def names(self) -> Sequence[str]:
        """The names of all pods."""
        return self.list().names

    @reads
    def list(
        self,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        sort_by: str = "",
        label_columns: Sequence[str] = (),
        show_labels: bool = False,
        columns: str = "",
    ) -> Table:
        """The table of pods; `table["web-1"]` is a `Pod`.

        Args:
            *names: only these pods.
            all_namespaces: pods in all namespaces.
            selector: a label selector, such as "app=web".
            field_selector: a field selector, such as "status.phase=Running".
            sort_by: a JSONPath of what the rows are sorted by, such as ".metadata.creationTimestamp" or
                ".status.containerStatuses[0].restartCount".
            label_columns: labels that get a column of their own.
            show_labels: whether to add a column with all labels.
            columns: the columns instead of the server's, such as "NAME:.metadata.name,NODE:.spec.nodeName".

        Raises:
            NotFound: one of `names` does not exist.
            ClusterUnavailable: the API server does not answer.
        """
        (table,) = self._cluster.tables(
            ("pods", *names),
            all_namespaces=all_namespaces,
            selector=selector,
            field_selector=field_selector,
            sort_by=sort_by,
            label_columns=label_columns,
            show_labels=show_labels,
            columns=columns,
        )
        return table

    @reads
    def manifests(
        self,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        sort_by: str = "",
        output: str = "yaml",
        show_secrets: bool = False,
    ) -> Manifests:
        """Pods in full; takes the arguments of `Cluster.manifests`, and raises the same errors."""
        return self._cluster.manifests(
            "pods",
            *names,
            all_namespaces=all_namespaces,
            selector=selector,
            field_selector=field_selector,
            sort_by=sort_by,
            output=output,
            show_secrets=show_secrets,
        )

    @reads
    def watch(
        self,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        sort_by: str = "",
        label_columns: Sequence[str] = (),
        show_labels: bool = False,
        columns: str = "",
        duration: float = 0.0,
    ) -> Operation[TableEvent, TableState, Table]:
        """The same table, kept up to date until it is stopped.

        Args:
            *names: only these pods.
            all_namespaces: pods in all namespaces.
            selector: a label selector.
            field_selector: a field selector.
            sort_by: as for `list`.
            label_columns: as for `list`.
            show_labels: as for `list`.
            columns: as for `list`.
            duration: seconds after which to stop watching; 0 for never.
        """
        watch = self._cluster.watch(
            "pods",
            *names,
            all_namespaces=all_namespaces,
            selector=selector,
            field_selector=field_selector,
            sort_by=sort_by,
            label_columns=label_columns,
            show_labels=show_labels,
            columns=columns,
            duration=duration,
        )
        return cast("Operation[TableEvent, TableState, Table]", watch)  # of one kind

    @reads
    def get(self, name: str) -> Pod:
        """One pod.

        Raises:
            NotFound: there is no such pod; the error suggests a similar name.
        """
        pod: Pod = self.list(name)[name]
        return pod

    @changes
    def create(
        self,
        name: str,
        image: str,
        *,
        command: Sequence[str] | str = (),
        entrypoint: bool = False,
        environment: Mapping[str, str] | None = None,
        ports: Sequence[int] = (),
        labels: Mapping[str, str] | None = None,
        pull_policy: str = "",
        restart: str = "Always",
        wait: bool = True,
        timeout: float = 60.0,
    ) -> Operation[PodStep, PodStart, Change]:
        """Create a pod with one container, and wait until it runs: `nbc.pods.create("web", "web:1", ports=[8080])`.

        Args:
            name: the name of the pod and of its container.
            image: the container's image.
            command: what the container runs instead of the image's own command; a text is split as a shell does.
            entrypoint: whether `command` also replaces the image's entrypoint, which would otherwise run it.
            environment: the container's environment variables.
            ports: the container's ports.
            labels: additional labels; the notebook's own is always set.
            pull_policy: "Always", "IfNotPresent", "Never" or "" for the cluster's default.
            restart: the restart policy: "Always", "OnFailure" or "Never".
            wait: whether to wait until it runs, or cannot run.
            timeout: seconds after which it fails if the pod does not run; 0 for never.

        Raises (from `result()`):
            Conflict: a pod with this name exists already.
            ApiError: it cannot run; `reason` says why, and the pod is not removed.
            CommandFailed: its container exited with a non-zero code.
        """
        refuse_negative(timeout=timeout)
        command = command_words(command)
        labels = {**(labels or {}), NOTEBOOK_LABEL: notebook_id()}
        return self._cluster.connect().create(request_of(model.pods.PodRequest, locals()))

    @changes
    def delete(
        self,
        *names: str,
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        force: bool = False,
        grace_period: int | None = None,
        now: bool = False,
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        """Delete pods, and wait until they are gone.

        Args:
            *names: their names.
            selector: pods with these labels, instead of names.
            all: all pods in the namespace, instead of names.
            force: kill them immediately.
            grace_period: seconds to shut down gracefully; None for each pod's own setting.
            now: give each pod one second.

        Raises (also from `result()`):
            NotFound: one of `names` does not exist, and nothing is deleted; or no pods were found.
            UsageError: not exactly one of `names`, `selector` and `all` is given.
            ApiError: some deletions were refused; the error says which pods were deleted nevertheless.
        """
        return self.plan_delete(
            *names, selector=selector, all=all, force=force, grace_period=grace_period, now=now
        ).do()

    @changes
    def plan_delete(
        self,
        *names: str,
        selector: str = "",
        all: bool = False,  # noqa: A002 - kubectl's own flag
        force: bool = False,
        grace_period: int | None = None,
        now: bool = False,
    ) -> Plan[Operation[ObjectEnd, Deletion, Changes]]:
        """What `delete` would do with the same arguments."""
        grace_period = grace_period_of(now=now, grace_period=grace_period)
        backend = self._cluster.connect()
        match sum(map(bool, (names, selector, all))):
            case 0:
                raise UsageError("Which pods should be deleted?", cure="Name them, or give a selector, or `--all`.")
            case 2 | 3:  # refused, as by kubectl: a combination would be ambiguous
                raise UsageError("Give names, a selector or `--all`, but only one of the three.")
        if "" in names:  # refused before anybody is asked whether to delete it
            raise UsageError("'' is not a valid name of a pod.")
        found = names or tuple(backend.tables(("pods",), selector=selector)[0].names)
        return Plan(
            f"Delete {several('pod', found)} in {backend.where}?",
            found,
            partial(self._delete, backend, found, selector, force=force, grace_period=grace_period),
            nothing=_none(backend, selector),
        )

    @changes
    def _delete(
        self, backend: PodsBackend, names: Sequence[str], selector: str, *, force: bool, grace_period: int | None
    ) -> Operation[ObjectEnd, Deletion, Changes]:
        self._cluster.guard(place_of_pods(backend))
        if not names:
            raise NotFound(_none(backend, selector), reason="not found")
        return backend.delete(names, force=force, grace_period=grace_period)

    @reads
    def describe(self, *names: str, selector: str = "") -> Description | Objects[Description]:
        """The details of a pod, with its events; or of several.

        Args:
            *names: the pods.
            selector: pods with these labels, instead of names.

        Raises:
            NotFound: there is no such pod.
            UsageError: neither names nor a selector are given, or both.
        """
        backend = self._cluster.connect()
        if bool(names) == bool(selector):
            raise UsageError("Which pods should be described?", cure="Name them, or give a selector, but not both.")
        if len(names) == 1:
            return backend.describe(names[0])
        found = names or backend.tables(("pods",), selector=selector)[0].names
        if not found:
            raise NotFound(_none(backend, selector), reason="not found")
        return Objects(backend.describe(name) for name in found)

    @reads
    def why(self, name: str) -> Diagnosis:
        """Why a pod does not run, is not ready, or does not go; see `Cluster.why`.

        Args:
            name: the pod.

        Raises:
            NotFound: there is no such pod.
            Unsupported: there is only Podman.
        """
        return self._cluster.why("pod", name)

    @reads
    def timeline(self, name: str, *, tail: int = LINES_OF_A_TIMELINE) -> Timeline:
        """What happened to a pod over time; see `Cluster.timeline`.

        Args:
            name: the pod.
            tail: how many last lines of each container's log are counted; 0 for none.

        Raises:
            NotFound: there is no such pod.
            Unsupported: there is only Podman.
        """
        return self._cluster.timeline("pod", name, tail=tail)

    def _backend(self) -> PodsBackend:
        return self._cluster.connect()

    @changes
    def exec(
        self,
        name: str,
        command: Sequence[str] | str,
        *,
        container: str = "",
        stdin: str | bytes | None = None,
        tty: bool = False,
        timeout: float = 0.0,
    ) -> LogOperation[ExecResult]:
        """Run a command in a pod's container: `nbc.pods.exec("web", "ls /")`.

        Args:
            name: the pod.
            command: the command and its arguments; a text is split as a shell does.
            container: which of its containers; "" for the first.
            stdin: the command's standard input; a str is encoded as UTF-8.
            tty: whether to allocate a terminal for it.
            timeout: seconds after which it is stopped and fails; 0 for never.

        Raises (from `result()`):
            CommandFailed: it exited with a non-zero code.
        """
        command = command_words(command)
        if not command:
            raise UsageError(f"Which command should run in {name}?", cure=f'nbc.pods.exec({name!r}, ["date"])')
        refuse_negative(timeout=timeout)
        stdin = None if stdin is None else bytes_from("stdin", stdin)
        return self._cluster.connect().execute(request_of(model.pods.ExecRequest, locals()))

    @reads
    def events(self, name: str = "", *, all_namespaces: bool = False) -> Table:
        """The events of one pod, or of all pods, newest last."""
        return self._cluster.connect().events(name, all_namespaces=all_namespaces)


def _none(backend: PodsBackend, selector: str) -> str:
    """What is said where there are no pods to delete."""
    return existence.no_objects("pod", backend.where, condition=f"with {selector}" if selector else "")
