"""The log of the run before a container's last restart; a node keeps only one such log.

Between a crash and the next start, 10 s or more, the pod's status still names the run before the crashed one. Its log
is already gone, and the node sends an error text in place of it. Then the run that has just crashed is read instead,
as the current one.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.clusters.columns import epoch
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.log_lines import LaterRun
from nbcontainer.clusters.log_sources import container_status
from nbcontainer.clusters.log_stream import LOG_GONE, copy_stream
from nbcontainer.clusters.pods import one_object
from nbcontainer.errors import ApiError, NotFound
from nbcontainer.json_objects import JsonObject, object_of, text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.clusters.log_lines import LineReader

SECOND = 1.0  # the API's times are whole seconds
NEWS_SECONDS = 10.0  # how long the pod's status may lag behind its containers
BAD_REQUEST = 400


async def copy_previous(
    cluster: Cluster,
    pod: JsonObject,
    container: str,
    parameters: Mapping[str, str | int | bool],
    *,
    reader: LineReader,
    rest: Callable[[], Awaitable[None]],
) -> None:
    """Copy the log of the run before a container's last restart. The lines are stamped; `rest` as for `copy_stream`.

    Raises:
        NotFound: there was no run before, or the node no longer has its log.
        ApiError, ClusterUnavailable: as `copy_stream`.
    """
    name = text_of(pod, "metadata", "name")
    deadline = asyncio.get_running_loop().time() + NEWS_SECONDS
    path = POD.path(cluster.namespace, name, "log")
    known: JsonObject | None = pod
    said = ""
    while known is not None:
        last, ended = _last_run(known, container), _ended_run(known, container)
        if not last and not ended:
            break
        for previous in [True] * bool(last) + [False] * bool(ended):
            latest = math.inf if previous else (epoch(text_of(ended, "finishedAt")) or 0.0) + SECOND
            reader.begin(resume=False, latest=latest)
            try:
                await copy_stream(
                    cluster,
                    path,
                    {**parameters, "container": container, "previous": previous},
                    reader=reader,
                    rest=rest,
                )
            except LaterRun:
                continue  # it has been started again meanwhile
            except ApiError as error:
                if error.reason != LOG_GONE and error.status != BAD_REQUEST:
                    raise
                said = error.message
            else:
                return
        known = await _changed(cluster, known, container, deadline)
    cure = f"{cluster.commands.magic('logs', name)} shows what it has written since its last start."
    if said:
        raise NotFound(f"The log of the run of {name} before its last restart is gone. {said}", cure=cure)
    said = f"Container {container} of {name} was not restarted: it has no previous run."
    raise NotFound(said, cure=cure)


def _last_run(pod: JsonObject, container: str) -> str:
    """The ID of the previous run, "" while the status names none."""
    return text_of(container_status(pod, container), "lastState", "terminated", "containerID")


def _ended_run(pod: JsonObject, container: str) -> JsonObject:
    """How the current run ended, if it has and another will follow."""
    ended = object_of(container_status(pod, container), "state", "terminated")
    policy = text_of(pod, "spec", "restartPolicy") or "Always"
    again = policy == "Always" or (policy == "OnFailure" and bool(ended.get("exitCode")))
    return ended if again else {}


async def _changed(cluster: Cluster, pod: JsonObject, container: str, deadline: float) -> JsonObject | None:
    """The pod once its status names other runs; None if this takes too long, or the pod is gone."""
    known = (_last_run(pod, container), _ended_run(pod, container))
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            async for seen in one_object(cluster, POD, text_of(pod, "metadata", "name")):
                if seen is None:
                    return None
                if (_last_run(seen, container), _ended_run(seen, container)) != known:
                    return seen
    return None
