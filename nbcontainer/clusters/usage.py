"""What pods and nodes use: by the metrics API or, where there is none, from the kubelets.

Sources: https://github.com/kubernetes/metrics for `metrics.k8s.io/v1beta1`, which metrics-server serves; and
k8s.io/kubelet/pkg/apis/stats/v1alpha1 for a kubelet's summary. Both give a container's cores over the last seconds, and
its working set.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from nbcontainer.clusters.columns import epoch
from nbcontainer.clusters.discovery import NODE, Resource
from nbcontainer.clusters.missing import check_namespace, not_found_soon
from nbcontainer.clusters.quantities import quantity
from nbcontainer.clusters.reflector import list_all
from nbcontainer.errors import ApiError, ClusterUnavailable, Forbidden
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, value_of
from nbcontainer.model.usage import Measured, ResourceUsage, Usages, UsageState, apply_measured
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

METRICS = "/apis/metrics.k8s.io/v1beta1"
NO_METRICS = (403, 404, 503)  # a user who may do little is refused before it is said that there is no such API
AT_ONCE = 8  # kubelets that are asked at the same time
INTERVAL_SECONDS = 5.0  # between two measurements; kubelets and metrics-server measure every 10 to 15 s
FINISHED = ("Succeeded", "Failed")
NO_API = "There is no metrics API (metrics-server): measured by the kubelets."
SORTED_BY = ("", "cpu", "memory")


@dataclass(frozen=True)
class Wanted:
    """What is measured.

    Attributes:
        names: only these pods or nodes.
        selector, field_selector: only those with these labels and fields.
        everywhere: pods of all namespaces.
        containers: each container on its own.
        sort_by: "cpu" or "memory", most first; "" for the order of the names.
        total: whether the sum is shown.
        capacity: compare a node's use with all of the node, not with what pods can use of it.
    """

    resource: Resource
    names: tuple[str, ...] = ()
    selector: str = ""
    field_selector: str = ""
    everywhere: bool = False
    containers: bool = False
    sort_by: str = ""
    total: bool = False
    capacity: bool = False

    def namespace(self, cluster: Cluster) -> str:
        """The namespace; "" for all, or none."""
        return "" if self.everywhere or not self.resource.namespaced else cluster.namespace

    @property
    def query(self) -> dict[str, str]:
        """The parameters of a list."""
        fields = self.field_selector or (f"metadata.name={self.names[0]}" if len(self.names) == 1 else "")
        found = {"labelSelector": self.selector, "fieldSelector": fields}
        return {name: value for name, value in found.items() if value}

    def command(self, cluster: Cluster) -> str:
        """The same with kubectl, which takes one name at most."""
        words = [*self.names[:1], *(["-A"] if self.everywhere else []), *(["--containers"] if self.containers else [])]
        words += [f"--selector={self.selector}"] if self.selector else []
        words += [f"--field-selector={self.field_selector}"] if self.field_selector else []
        words += [f"--sort-by={self.sort_by}"] if self.sort_by else []
        words += ["--sum"] * self.total + ["--show-capacity"] * self.capacity
        is_wide = self.everywhere or not self.resource.namespaced
        return cluster.commands.kubectl("top", self.resource.plural, *words, namespace="" if is_wide else None)

    def state(self, cluster: Cluster) -> UsageState:
        """The state before the first measurement."""
        kind = "node" if self.resource is NODE else "container" if self.containers else "pod"
        where = cluster.where if self.namespace(cluster) else cluster.context
        return UsageState(kind, where, everywhere=self.everywhere, total=self.total)


class Measure(NamedTuple):
    """Cores and bytes, and when they were measured."""

    cpu: float
    memory: float
    time: float


Measures = dict[tuple[str, ...], Measure]  # by (namespace, pod, container) or (node,)


def usage(cluster: Cluster, wanted: Wanted) -> Usages:
    """What they use now.

    Raises:
        NotFound: one of the names, or the namespace, does not exist.
        Forbidden: the user may read neither metrics nor the kubelets' summaries.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    state = apply_measured(wanted.state(cluster), cluster.run(_measure(cluster, wanted)))
    return Usages(state, wanted.command(cluster))


def watch_usage(cluster: Cluster, wanted: Wanted) -> Operation[Measured, UsageState, Usages]:
    """The same, measured again and again until it is stopped; raises as `usage`."""
    operation: Operation[Measured, UsageState, Usages] = Operation(
        f"watch of the usage of {wanted.resource.plural}",
        wanted.state(cluster),
        apply_measured,
        endless=True,
        conclude=lambda last, _: Usages(last, wanted.command(cluster)),
    )

    async def work(progress: Progress[Measured]) -> None:
        progress.emit(await _measure(cluster, wanted))
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                progress.emit(await _measure(cluster, wanted))
            except ClusterUnavailable as error:
                last = operation.state
                progress.emit(Measured(last.usages, f"not up to date: {error.message}", time.time()))

    return operation.start_task(work)


async def _measure(cluster: Cluster, wanted: Wanted) -> Measured:
    """One measurement."""
    found = await _objects(cluster, wanted)
    measures, note = await _metrics(cluster, wanted), ""
    if measures is None:
        measures, note = await _summaries(cluster, wanted, found)
    read = _node_usage if wanted.resource is NODE else _container_usages if wanted.containers else _pod_usage
    usages = [one for each in found for one in read(wanted, each, measures)]
    usages.sort(key=lambda one: _order(one, wanted.sort_by))
    return Measured(tuple(usages), note, time.time())


def _order(one: ResourceUsage, sort_by: str) -> tuple[float, str, str, str]:
    used = {"cpu": one.cpu, "memory": one.memory}.get(sort_by)
    return (-(used or 0.0), one.namespace, one.name, one.container)


async def _objects(cluster: Cluster, wanted: Wanted) -> list[JsonObject]:
    """The pods that have not ended, or the nodes.

    Raises:
        NotFound: one of the names does not exist, or the namespace.
    """
    pages = await list_all(cluster, wanted.resource.path(wanted.namespace(cluster)), wanted.query)
    found = [one for page in pages for one in entries_of(page, "items")]
    missing = set(wanted.names) - {text_of(one, "metadata", "name") for one in found}
    if missing:
        raise await not_found_soon(cluster, [name for name in wanted.names if name in missing], wanted.resource)
    if not found and wanted.namespace(cluster):
        await asyncio.to_thread(check_namespace, cluster)
    return [
        one
        for one in found
        if (not wanted.names or text_of(one, "metadata", "name") in wanted.names)
        and text_of(one, "status", "phase") not in FINISHED
    ]


# --- where the measures come from


async def _metrics(cluster: Cluster, wanted: Wanted) -> Measures | None:
    """By the metrics API; None where there is none."""
    space = wanted.namespace(cluster)
    path = "/".join(filter(None, (METRICS, f"namespaces/{space}" if space else "", wanted.resource.plural)))
    query = wanted.query if not wanted.field_selector else {}  # its server does not know the fields of pods
    try:
        answer = await cluster.request("GET", path, parameters=query)
    except ApiError as error:
        if error.status in NO_METRICS:
            return None
        raise
    measures: Measures = {}
    for one in entries_of(answer, "items"):
        name, when = text_of(one, "metadata", "name"), epoch(text_of(one, "timestamp")) or time.time()
        if wanted.resource is NODE:
            measures[name,] = _of_metrics(one, when)
        for container in entries_of(one, "containers"):
            key = text_of(one, "metadata", "namespace"), name, text_of(container, "name")
            measures[key] = _of_metrics(container, when)
    return measures


def _of_metrics(one: JsonObject, when: float) -> Measure:
    return Measure(quantity(text_of(one, "usage", "cpu")), quantity(text_of(one, "usage", "memory")), when)


async def _summaries(cluster: Cluster, wanted: Wanted, found: Sequence[JsonObject]) -> tuple[Measures, str]:
    """By the kubelets of the nodes, and what is not known.

    Raises:
        Forbidden: the user may not read them.
    """
    keys = ("metadata", "name") if wanted.resource is NODE else ("spec", "nodeName")
    nodes = list(dict.fromkeys(name for one in found if (name := text_of(one, *keys))))
    limit, measures, silent = asyncio.Semaphore(AT_ONCE), Measures(), list[str]()

    async def read(node: str) -> None:
        try:
            async with limit:
                summary = await cluster.request(
                    "GET", f"{NODE.path('', node)}/proxy/stats/summary", parameters={"only_cpu_and_memory": True}
                )
        except Forbidden as error:
            raise error.replaced(
                message=f"There is no metrics API for this user, and the kubelets may not be asked: {error.message}"
            ) from None
        except ApiError:
            silent.append(node)
            return
        if text_of(summary, "node", "nodeName") == node:  # a simulated node may have the address of another
            measures.update(_of_summary(summary))
        else:
            silent.append(node)

    await asyncio.gather(*map(read, nodes))
    return measures, f"{NO_API}{_silent_words(silent)}" if nodes else ""


def _silent_words(nodes: Sequence[str]) -> str:
    if not nodes:
        return ""
    more = f" and {len(nodes) - 3} more" if len(nodes) > 3 else ""  # noqa: PLR2004 - a few are enough in a sentence
    return f" No answer from that of {', '.join(sorted(nodes)[:3])}{more}."


def _of_summary(summary: JsonObject) -> Measures:
    measures: Measures = {}

    def add(one: JsonObject, *key: str) -> None:
        if (
            value_of(one, "cpu", "usageNanoCores") is not None
            and value_of(one, "memory", "workingSetBytes") is not None
        ):
            cores = number_of(one, "cpu", "usageNanoCores") / 1e9
            when = epoch(text_of(one, "cpu", "time")) or time.time()
            measures[key] = Measure(cores, number_of(one, "memory", "workingSetBytes"), when)

    add(object_of(summary, "node"), text_of(summary, "node", "nodeName"))
    for pod in entries_of(summary, "pods"):
        for container in entries_of(pod, "containers"):
            space, name = text_of(pod, "podRef", "namespace"), text_of(pod, "podRef", "name")
            add(container, space, name, text_of(container, "name"))
    return measures


# --- beside what is requested, and the limits


def _node_usage(wanted: Wanted, node: JsonObject, measures: Measures) -> Iterable[ResourceUsage]:
    name = text_of(node, "metadata", "name")
    most = object_of(node, "status", "capacity" if wanted.capacity else "allocatable")
    cpu, memory = (quantity(text_of(most, key)) or None for key in ("cpu", "memory"))
    yield _with(measures.get((name,)), ResourceUsage(name, cpu_limit=cpu, memory_limit=memory))


def _container_usages(wanted: Wanted, pod: JsonObject, measures: Measures) -> Iterable[ResourceUsage]:
    del wanted
    name, namespace = text_of(pod, "metadata", "name"), text_of(pod, "metadata", "namespace")
    for container in _running_containers(pod):
        title = text_of(container, "name")
        usage = ResourceUsage(
            name,
            namespace,
            title,
            cpu_request=_given(container, "requests", "cpu"),
            cpu_limit=_given(container, "limits", "cpu"),
            memory_request=_given(container, "requests", "memory"),
            memory_limit=_given(container, "limits", "memory"),
        )
        yield _with(measures.get((namespace, name, title)), usage)


def _pod_usage(wanted: Wanted, pod: JsonObject, measures: Measures) -> Iterable[ResourceUsage]:
    containers = list(_container_usages(wanted, pod, measures))
    usage = ResourceUsage(
        text_of(pod, "metadata", "name"),
        text_of(pod, "metadata", "namespace"),
        cpu_request=_sum(one.cpu_request for one in containers),
        cpu_limit=_sum_of_all(one.cpu_limit for one in containers),
        memory_request=_sum(one.memory_request for one in containers),
        memory_limit=_sum_of_all(one.memory_limit for one in containers),
    )
    known = [one for one in containers if one.cpu is not None]
    if known:
        cpu, memory = sum(one.cpu or 0.0 for one in known), sum(one.memory or 0.0 for one in known)
        usage = _with(Measure(cpu, memory, max(one.time for one in known)), usage)
    yield usage


def _with(measured: Measure | None, usage: ResourceUsage) -> ResourceUsage:
    if measured is None:
        return usage
    return replace(usage, cpu=measured.cpu, memory=measured.memory, time=measured.time)


def _running_containers(pod: JsonObject) -> list[JsonObject]:
    """The containers that run as long as the pod does, sidecars too."""
    sidecars = [one for one in entries_of(pod, "spec", "initContainers") if one.get("restartPolicy") == "Always"]
    return [*entries_of(pod, "spec", "containers"), *sidecars]


def _given(container: JsonObject, kind: str, what: str) -> float | None:
    found = value_of(container, "resources", kind, what)
    return None if found is None else quantity(str(found))


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _sum_of_all(values: Iterable[float | None]) -> float | None:
    """The sum; None if any is not limited."""
    found = list(values)
    return None if None in found else _sum(found)
