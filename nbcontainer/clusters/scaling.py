"""Scaling: any kind with a scale subresource, and the wait for its replicas."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from nbcontainer.clusters.workloads import Verdict, Workload, check_dry_run, find_workloads, follow, waiting
from nbcontainer.errors import Conflict, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, number_of, object_of, text_of
from nbcontainer.model.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.workloads import WorkloadProgress, WorkloadStep
    from nbcontainer.operation import Operation, Progress


def scale(
    cluster: Cluster,
    words: Sequence[str],
    replicas: int,
    *,
    selector: str = "",
    all: bool = False,  # noqa: A002 - kubectl's own flag
    current_replicas: int | None = None,
    resource_version: str = "",
    wait: bool = True,
    timeout: float = 0.0,
    dry_run: str = "",
) -> Operation[WorkloadStep, WorkloadProgress, Changes]:
    """Set the number of replicas, and wait until they are ready. A stop ends only the wait.

    Raises (also the operation):
        UsageError, NotFound: as for `find_workloads`.
        UsageError: the kind cannot be scaled.
        Conflict: it does not have `current_replicas`, or `resource_version`; it is then not scaled.
    """
    check_dry_run(dry_run)
    if replicas < 0:
        raise UsageError(f"`--replicas` cannot be negative: {replicas}.")
    found = find_workloads(cluster, words, selector=selector, all=all)

    async def one(workload: Workload, progress: Progress[WorkloadStep]) -> None:
        await _set(workload, replicas, current_replicas, resource_version, dry_run)
        if wait and not dry_run:
            await follow(workload, lambda last: _verdict(workload, replicas, last), progress)

    async def work(progress: Progress[WorkloadStep]) -> Changes:
        await asyncio.gather(*(one(workload, progress) for workload in found))
        flags = [f"--replicas={replicas}"]
        flags += [f"--current-replicas={current_replicas}"] if current_replicas is not None else []
        flags += [f"--resource-version={resource_version}"] if resource_version else []
        flags += [f"--dry-run={dry_run}"] if dry_run else []
        command = cluster.commands.kubectl("scale", *(workload.words for workload in found), *flags)
        return Changes(workload.change("scaled", command, dry_run=dry_run) for workload in found)

    name = f"scaling of {', '.join(workload.title for workload in found[:3])}"
    return cast("Operation[WorkloadStep, WorkloadProgress, Changes]", waiting(name, cluster, work, timeout))


async def _set(workload: Workload, replicas: int, current: int | None, version: str, dry_run: str) -> None:
    if current is None and not version and dry_run != "client":
        try:
            await workload.patch({"spec": {"replicas": replicas}}, part="scale", dry_run=dry_run)
        except NotFound:
            raise _cannot(workload) from None
        return
    try:
        scale = await workload.cluster.request("GET", f"{workload.path}/scale")
    except NotFound:
        raise _cannot(workload) from None
    now, at = number_of(scale, "spec", "replicas"), text_of(scale, "metadata", "resourceVersion")
    if current is not None and now != current:
        raise Conflict(f"{workload.title} has {now} replicas, not {current}: it was not scaled.", reason="precondition")
    if version and at != version:
        raise Conflict(f"{workload.title} is at version {at}, not {version}: it was not scaled.", reason="precondition")
    # with the version, the API server refuses the change if somebody else was faster
    body = {"metadata": {"resourceVersion": at}, "spec": {"replicas": replicas}}
    await workload.patch(body, part="scale", dry_run=dry_run)


def _cannot(workload: Workload) -> UsageError:
    return UsageError(
        f"{workload.title} cannot be scaled: the API server has no scale of {workload.resource.plural}.",
        cure="Deployments, ReplicaSets, StatefulSets and many custom resources can.",
    )


def _verdict(workload: Workload, replicas: int, found: JsonObject) -> Verdict:
    status = object_of(found, "status")
    ready, there = number_of(status, "readyReplicas"), number_of(status, "replicas")
    wanted = number_of(found, "spec", "replicas")
    if wanted != replicas and "replicas" in object_of(found, "spec"):
        return Verdict(f"scaled to {wanted} by somebody else", is_done=True)
    observed = number_of(status, "observedGeneration") >= number_of(found, "metadata", "generation")
    knows_ready = workload.resource.group == "apps" or "readyReplicas" in status
    if (
        ("observedGeneration" not in status or observed)
        and there == replicas
        and (not knows_ready or ready == replicas)
    ):
        return Verdict(f"scaled to {replicas}", is_done=True)
    if there > replicas:
        return Verdict(f"{there - replicas} of {there} replicas are pending termination...")
    return Verdict(f"{ready} of {replicas} replicas are ready...")
