"""The verbs of nodes, and what nodes and pods use."""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from nbcontainer import clusters
from nbcontainer.api.cluster_handle import ClusterHandle
from nbcontainer.api.nouns import ClusterNoun
from nbcontainer.api.plans import Plan, several
from nbcontainer.call_arguments import same_arguments
from nbcontainer.errors import UsageError
from nbcontainer.model.changes import Changes
from nbcontainer.model.requests import refuse_negative
from nbcontainer.model.usage import Usages
from nbcontainer.protection import changes, changes_unless, place_of_cluster, reads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.draining import Options, Planned
    from nbcontainer.clusters.patching import Target
    from nbcontainer.clusters.usage import Wanted
    from nbcontainer.model.draining import Drain, DrainStep
    from nbcontainer.model.usage import Measured, UsageState
    from nbcontainer.operation import Operation


class Top(ClusterNoun):
    """What pods and nodes use: CPU and memory, beside what they may use."""

    kind = "top"

    @reads
    def pods(
        self,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        containers: bool = False,
        sort_by: str = "",
        sum: bool = False,  # noqa: A002 - kubectl's own flag
    ) -> Usages:
        """What pods use: `nbc.cluster().top.pods("web")["web"].memory`. It has a `.dataframe()`, in cores and bytes.

        It is measured by metrics-server or, where there is none, by the nodes' kubelets; the picture says which.

        Args:
            *names: only these pods.
            all_namespaces: pods in all namespaces.
            selector: a label selector, such as "app=web", instead of names.
            field_selector: a field selector, such as "spec.nodeName=n1", likewise.
            containers: each container on its own.
            sort_by: "cpu" or "memory": those that use most come first.
            sum: whether the picture has the total.

        Raises:
            NotFound: a pod does not exist, or the namespace.
            Forbidden: the user may not read metrics; or there are none, and it may not ask the kubelets.
            Unsupported: there is only Podman.
        """
        return clusters.usage.usage(*self._of_pods(locals()))

    @reads
    def watch_pods(
        self,
        *names: str,
        all_namespaces: bool = False,
        selector: str = "",
        field_selector: str = "",
        containers: bool = False,
        sort_by: str = "",
        sum: bool = False,  # noqa: A002 - kubectl's own flag
        duration: float = 0.0,
    ) -> Operation[Measured, UsageState, Usages]:
        """The same, measured again every few seconds until it is stopped; its picture and its result have the history.

        Args:
            *names: only these pods.
            all_namespaces: pods in all namespaces.
            selector: a label selector.
            field_selector: a field selector.
            containers: each container on its own.
            sort_by: "cpu" or "memory".
            sum: whether the picture has the total.
            duration: seconds after which to stop; 0 for never.
        """
        operation = clusters.usage.watch_usage(*self._of_pods(locals()))
        operation.stop_after(duration)
        return operation

    @reads
    def nodes(self, *names: str, selector: str = "", sort_by: str = "", show_capacity: bool = False) -> Usages:
        """What nodes use, beside what pods can use of them: `nbc.cluster().top.nodes().dataframe()`.

        Args:
            *names: only these nodes.
            selector: a label selector, instead of names.
            sort_by: "cpu" or "memory": those that use most come first.
            show_capacity: compare it with all of the node, also with what is reserved for the system.

        Raises:
            NotFound: a node does not exist.
            Forbidden: as for `pods`.
            Unsupported: there is only Podman.
        """
        return clusters.usage.usage(*self._of_nodes(locals()))

    @reads
    def watch_nodes(
        self,
        *names: str,
        selector: str = "",
        sort_by: str = "",
        show_capacity: bool = False,
        duration: float = 0.0,
    ) -> Operation[Measured, UsageState, Usages]:
        """The same, measured again every few seconds until it is stopped; its picture and its result have the history.

        Args:
            *names: only these nodes.
            selector: a label selector.
            sort_by: "cpu" or "memory".
            show_capacity: compare it with all of the node.
            duration: seconds after which to stop; 0 for never.
        """
        operation = clusters.usage.watch_usage(*self._of_nodes(locals()))
        operation.stop_after(duration)
        return operation

    def _of_pods(self, given: Mapping[str, Any]) -> tuple[Cluster, Wanted]:
        cluster = self._cluster.connect_to_cluster("top")
        names, selectors = given["names"], (given["selector"], given["field_selector"])
        if names and (given["all_namespaces"] or any(selectors)):
            raise UsageError("Give names, or a selector or `--all-namespaces`, but not both.")
        return cluster, clusters.usage.Wanted(
            clusters.discovery.POD,
            names,
            *selectors,
            everywhere=given["all_namespaces"],
            containers=given["containers"],
            sort_by=_sorted_by(given["sort_by"]),
            total=given["sum"],
        )

    def _of_nodes(self, given: Mapping[str, Any]) -> tuple[Cluster, Wanted]:
        cluster = self._cluster.connect_to_cluster("top")
        if given["names"] and given["selector"]:
            raise UsageError("Give names or a selector, but not both.")
        return cluster, clusters.usage.Wanted(
            clusters.discovery.NODE,
            given["names"],
            given["selector"],
            sort_by=_sorted_by(given["sort_by"]),
            capacity=given["show_capacity"],
        )


def _sorted_by(word: str) -> str:
    if word not in (known := clusters.usage.SORTED_BY):
        raise UsageError(f"`--sort-by` takes {' or '.join(known[1:])}, not {word!r}.")
    return word


def _targets(cluster: Cluster, nodes: Sequence[str], selector: str) -> list[Target]:
    """The nodes that a call means.

    Raises:
        UsageError: it means none, or has names and a selector.
        NotFound: no node has these labels.
    """
    if bool(nodes) == bool(selector):
        raise UsageError("Which nodes?", cure="Name them, or give a selector, but not both.")
    return clusters.patching.targets(cluster, ("nodes", *dict.fromkeys(nodes)), selector=selector)


class NodeVerbs(ClusterHandle):
    """What is done with nodes, and what they use."""

    top = cached_property(Top)

    @changes_unless("dry_run")
    def cordon(self, *nodes: str, selector: str = "", dry_run: bool = False) -> Changes:
        """Keep new pods away from nodes; those that are there stay: `nbc.cluster().cordon("n1")`.

        Args:
            *nodes: their names.
            selector: the nodes with these labels, instead of names.
            dry_run: only show what would be changed.

        Raises:
            NotFound: there is no such node.
            Unsupported: there is only Podman.
        """
        return self._cordon(nodes, selector, cordoned=True, dry_run=dry_run)

    @changes_unless("dry_run")
    def uncordon(self, *nodes: str, selector: str = "", dry_run: bool = False) -> Changes:
        """Let nodes have new pods again.

        Args:
            *nodes: their names.
            selector: the nodes with these labels, instead of names.
            dry_run: only show what would be changed.

        Raises:
            NotFound: there is no such node.
            Unsupported: there is only Podman.
        """
        return self._cordon(nodes, selector, cordoned=False, dry_run=dry_run)

    def _cordon(self, nodes: Sequence[str], selector: str, *, cordoned: bool, dry_run: bool) -> Changes:
        cluster = self.connect_to_cluster("cordon" if cordoned else "uncordon")
        found = _targets(cluster, nodes, selector)
        return Changes(clusters.cordoning.cordon(cluster, found, cordoned=cordoned, dry_run=dry_run))

    @changes
    def drain(
        self,
        *nodes: str,
        selector: str = "",
        ignore_daemonsets: bool = False,
        delete_emptydir_data: bool = False,
        force: bool = False,
        grace_period: int | None = None,
        timeout: float = 0.0,
        disable_eviction: bool = False,
        pod_selector: str = "",
    ) -> Operation[DrainStep, Drain, Changes]:
        """Cordon nodes, evict their pods, and wait until these are gone: `nbc.cluster().drain("n1").result()`.

        The state of the operation says which disruption budget forbids an eviction, which is tried until it is
        allowed. A stop ends it, and leaves the nodes cordoned. Static pods always stay.

        Args:
            *nodes: their names.
            selector: the nodes with these labels, instead of names.
            ignore_daemonsets: leave pods of DaemonSets where they are; otherwise they are an error.
            delete_emptydir_data: also evict pods that lose what they have in emptyDir volumes.
            force: also evict pods without a controller, which nothing makes again.
            grace_period: seconds to shut down gracefully; None for each pod's own setting.
            timeout: seconds after which it fails; 0 for never.
            disable_eviction: delete the pods, whatever their disruption budgets say.
            pod_selector: only the pods with these labels.

        Raises (also from `result()`):
            NotFound: there is no such node.
            Conflict: some pods are only evicted with one of the arguments above; nothing is done.
            ApiError: an eviction is refused, or they are not gone in time (`reason` is "Timeout").
            Unsupported: there is only Podman.
        """
        return self._plan_drain(locals()).do()

    @changes
    @same_arguments(drain)
    def plan_drain(self, **given: Any) -> Plan[Operation[DrainStep, Drain, Changes]]:
        """What `drain` would do with the same arguments; its preview also has the pods that stay, and why."""
        return self._plan_drain(given)

    def _plan_drain(self, given: Mapping[str, Any]) -> Plan[Operation[DrainStep, Drain, Changes]]:
        refuse_negative(grace_period=given["grace_period"], timeout=given["timeout"])
        cluster = self.connect_to_cluster("drain")
        nodes = _targets(cluster, given["nodes"], given["selector"])
        options = clusters.draining.Options(
            **{item.name: given[item.name] for item in fields(clusters.draining.Options)}
        )
        planned = clusters.draining.plan(cluster, nodes, options)
        keys = tuple(pod.key for pod in planned.evicted)
        question = (
            f"Cordon {several('node', [node.name for node in nodes]).rstrip(',')}, and evict {several('pod', keys)}"
        )
        return Plan(
            f"{question.rstrip(',')} in {cluster.context}?" if keys else "",
            keys,
            partial(self._drain, cluster, nodes, planned, options),
            preview=planned.preview,
        )

    @changes
    def _drain(
        self, cluster: Cluster, nodes: Sequence[Target], planned: Planned, options: Options
    ) -> Operation[DrainStep, Drain, Changes]:
        self.guard(place_of_cluster(cluster))
        return clusters.draining.drain(cluster, nodes, planned, options)
