"""Debug containers: in a running pod, in a copy of one, or on a node.

The container runs a shell that waits for its input; the command is run beside it, as `exec` does, so its output is
complete, its streams are separate, and a stop ends it. When the shell's input is closed, the container ends.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.exec import CLOSE, STDIN, V4, V5, Tell, execute
from nbcontainer.clusters.log_sources import container_names, container_status, default_container
from nbcontainer.clusters.pods import one_object
from nbcontainer.clusters.ready_pods import find_target, ready_pod
from nbcontainer.clusters.trouble import trouble
from nbcontainer.errors import ApiError, Conflict, NbcontainerError, NotFound
from nbcontainer.json_objects import JsonObject, object_of, text_of, value_of
from nbcontainer.model.debugging import DebugRequest, debug_words, node_pod, pod_copy
from nbcontainer.model.debugging import container_manifest as debug_container
from nbcontainer.model.logs import LogSource
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.pods import ExecRequest, ExecResult

START_SECONDS = 60.0
AFTER_STOP_SECONDS = 1.5  # in which a stopped command is ended, before its container
STRATEGIC = "application/strategic-merge-patch+json"

_endings: set[asyncio.Task[None]] = set()  # keeps a reference so that the tasks are not garbage-collected


def debug(
    cluster: Cluster, request: DebugRequest, execution: ExecRequest, labels: Mapping[str, str]
) -> LogOperation[ExecResult]:
    """Start a debug container and run a command in it; without a command it stays, for `exec`.

    Args:
        cluster: the cluster, in the pod's namespace.
        request: the container.
        execution: the command, its input and its time.
        labels: of a pod that is created.

    The operation raises, besides the errors of `execute`:
        NotFound: there is no such pod, node or container.
        Conflict: the copy's name is taken.
        ApiError: the container cannot be started.
    """
    makes_container = not request.copy_to or bool(request.image) or not (request.set_image or request.container)
    if makes_container:
        name = request.container or f"debugger-{secrets.token_hex(3)}"
        request = replace(request, container=name, image=request.image or settings.debug_image)
    pod = request.copy_to
    if request.node:
        pod = f"node-debugger-{request.node[:40].strip('.-')}-{secrets.token_hex(3)}"
    debugging = Debugging(cluster, request, pod, labels)
    kubectl = cluster.commands.kubectl(*debug_words(request, request.command))
    execution = replace(execution, name=pod or request.name, container=request.container)
    return execute(cluster, execution, lambda _cluster, given, tell: debugging.place(given, tell), kubectl)


class Debugging:
    """One debug container, from its start to its end."""

    def __init__(self, cluster: Cluster, request: DebugRequest, pod: str, labels: Mapping[str, str]) -> None:
        self._cluster, self._request, self._pod, self._labels = cluster, request, pod, labels

    @asynccontextmanager
    async def place(self, execution: ExecRequest, tell: Tell) -> AsyncIterator[ExecRequest]:
        """The container as the place where a command is run; it ends with the block, unless it has no command."""
        runs = await self._start()
        name, container = self._pod, self._request.container
        words = ["exec", name, "-c", container, "--", "sh", "-c", "…"]
        note = f"debug container {container} in {name}"
        if not runs:
            note = f"{name}, a copy of {self._request.name}"
        elif not execution.command:
            note += f"; run commands in it: {self._cluster.commands.magic(*words).strip('`')}"
        tell(LogSource(name, open=True, note=note))
        command = execution.command if runs else ()
        stopped = True
        try:
            yield replace(execution, name=name, container=container, command=command)
            stopped = False
        except NbcontainerError:
            stopped = False
            raise
        finally:
            if command:
                await self._end(stopped=stopped)

    async def _end(self, *, stopped: bool) -> None:
        ending = asyncio.create_task(self._end_soon(AFTER_STOP_SECONDS if stopped else 0))
        _endings.add(ending)
        ending.add_done_callback(_endings.discard)
        if not stopped:
            await asyncio.shield(ending)

    async def _end_soon(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with suppress(NbcontainerError):
            if self._request.remove and (self._request.node or self._request.copy_to):
                await self._cluster.request(
                    "DELETE", POD.path(self._cluster.namespace, self._pod), body={"gracePeriodSeconds": 0}
                )
            else:
                await end_input(self._cluster, self._pod, self._request.container)

    # --- the start

    async def _start(self) -> bool:
        """Make the container, and wait until it runs; False if there is none, but only a changed copy."""
        request, cluster = self._request, self._cluster
        if request.node:
            await self._create(node_pod(request, self._pod, self._labels))
            await running_container(cluster, self._pod, request.container)
            return True
        found = await find_target(cluster, request.name)
        pod = found.found
        if found.selector:
            pod = await ready_pod(cluster, found, START_SECONDS)
        target = request.target or default_container(pod)
        if target not in container_names(pod):
            cure = f"It has: {', '.join(container_names(pod))}."
            raise existence.not_found("container", target, f"the pod {request.name}", cure=cure)
        if request.copy_to:
            return await self._start_copy(pod)
        self._pod = text_of(pod, "metadata", "name")
        if text_of(pod, "status", "phase") in {"Succeeded", "Failed"}:
            cure = f"A copy of it can: `--copy-to={self._pod}-debug`."
            raise ApiError(f"The pod {self._pod} has ended: no container can be added.", reason="NotRunning", cure=cure)
        if request.container in container_names(pod):
            cure = f"Run commands in it: {cluster.commands.magic('exec', self._pod, '-c', request.container)}."
            raise Conflict(f"The pod {self._pod} has a container {request.container!r} already.", cure=cure)
        added = {**debug_container(request), "targetContainerName": target}
        await cluster.request(
            "PATCH",
            POD.path(cluster.namespace, self._pod, "ephemeralcontainers"),
            body={"spec": {"ephemeralContainers": [added]}},
            content_type=STRATEGIC,
        )
        await running_container(cluster, self._pod, request.container)
        return True

    async def _start_copy(self, pod: JsonObject) -> bool:
        request = self._request
        unknown = {*request.set_image} - {*container_names(pod), "*"}
        if unknown:
            raise existence.not_found("container", min(unknown), f"the pod {request.name}")
        await self._create(pod_copy(request, pod, self._labels))
        if request.replace:
            await self._cluster.request("DELETE", POD.path(self._cluster.namespace, text_of(pod, "metadata", "name")))
        if not request.container or request.container in container_names(pod):
            return False
        await running_container(self._cluster, self._pod, request.container)
        return True

    async def _create(self, manifest: JsonObject) -> None:
        try:
            await self._cluster.request("POST", POD.path(self._cluster.namespace), body=manifest)
        except Conflict:
            raise existence.already_exists("pod", self._pod, self._cluster.where, cure="Choose another name.") from None


async def running_container(cluster: Cluster, pod: str, container: str) -> None:
    """Wait until a container runs.

    Raises:
        NotFound: the pod is gone.
        ApiError: it cannot run, or does not in time.
    """
    try:
        async with asyncio.timeout(START_SECONDS):
            async for seen in one_object(cluster, POD, pod):
                if seen is None:
                    raise NotFound(f"The pod {pod} was deleted.", reason="NotFound")
                status = container_status(seen, container)
                if "running" in object_of(status, "state"):
                    return
                # its other containers may be in trouble, which is why it is debugged
                alone = {**seen, "status": {"containerStatuses": [status] if status else []}}
                found = trouble(alone, cluster.commands)
                if found is not None and not found.passing:
                    raise ApiError(found.message, reason=found.reason, cure=_image_cure(found.cure))
                if value_of(status, "state", "terminated") is not None:
                    message = f"The debug container {container} of {pod} ended at once."
                    raise ApiError(message, reason="Ended", cure=_image_cure("Its image needs a shell."))
    except TimeoutError:
        cure = f"{cluster.commands.magic('describe', pod)} shows why."
        message = f"The debug container {container} of {pod} does not run after {START_SECONDS:g} s."
        raise ApiError(message, reason="Timeout", cure=cure) from None


def _image_cure(cure: str) -> str:
    return f"`--image` names another image, the setting debug_image the default ({settings.debug_image}). {cure}"


async def end_input(cluster: Cluster, pod: str, container: str) -> None:
    """Close the input of a container's first process, which ends a shell."""
    parameters: dict[str, str | int | bool] = {"container": container, "stdin": True}
    path = POD.path(cluster.namespace, pod, "attach")
    async with cluster.websocket(path, parameters=parameters, protocols=(V5, V4)) as socket:
        if socket.protocol == V5:
            await socket.send_bytes(bytes([CLOSE, STDIN]))
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    async for _ in socket:
                        pass
