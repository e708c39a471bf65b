"""A container for debugging, in a pod, in a copy of a pod or on a node; commands are run in it as `exec` does.

The container waits, and the command is run beside it: so it has an exit code and standard input, it can be stopped, and
the next command is run in the same container, since an ephemeral container cannot be removed from its pod.
"""

from __future__ import annotations

import asyncio
import random
import string
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import NODE, POD
from nbcontainer.clusters.exec import execute
from nbcontainer.clusters.log_sources import container_names
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.patching import TYPES
from nbcontainer.clusters.pods import one_object
from nbcontainer.clusters.ready_pods import READY_SECONDS, find_target, ready_pod
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError, NbcontainerError, NotFound, UsageError
from nbcontainer.existence import not_found
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, words_of
from nbcontainer.model.commands import environment_words, pairs
from nbcontainer.model.debugging import IDLE, DebugRequest, copied, ephemeral, node_pod
from nbcontainer.model.logs import LogSource
from nbcontainer.model.pods import ExecRequest, ExecResult
from nbcontainer.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.logs.operation import LogOperation

START_SECONDS = 60.0  # how long the container may take to start
DELETE_SECONDS = 5.0

_deletions: set[asyncio.Task[None]] = set()  # keeps a reference so that the tasks are not garbage-collected


def debug(cluster: Cluster, request: DebugRequest, labels: Mapping[str, str]) -> LogOperation[ExecResult]:
    """Run a command in a container for debugging, which is started if there is none yet.

    Args:
        cluster: the cluster.
        request: what to debug, and how.
        labels: of the pods that are made for it, a copy or one on a node.

    The operation raises, besides what `execute` raises:
        NotFound: there is no such pod, container or node.
        ApiError: the container does not start; or the user may not make one.
    """
    cluster = cluster.in_namespace(request.namespace)
    shown = request.name if not request.copy_to else f"{request.name} → {request.copy_to}"
    command = ExecRequest(shown, request.command, stdin=request.stdin, timeout=request.timeout)
    place = _Place(cluster, request, labels)
    return execute(cluster, command, prepare=place.find, finish=place.leave, command=_command(cluster, request))


async def container_in(cluster: Cluster, pod: str, image: str, target: str) -> str:
    """An ephemeral container that sees the processes of the container `target`: it is started, if there is none yet.

    Raises:
        ApiError: it does not start, or the user may not make one.
    """
    place = _Place(cluster, DebugRequest(pod, image=image, target=target), {})
    return (await place.in_pod(lambda _: None))[1]


@dataclass
class _Place:
    """Where the command is run: it is made, or found, and left."""

    cluster: Cluster
    request: DebugRequest
    labels: Mapping[str, str]
    made: str = ""  # the pod on a node, which is removed afterwards

    async def find(self, tell: Callable[[LogSource], None]) -> ExecRequest:
        """The request of the command, with the pod and the container that run it."""
        given = self.request
        self.request = request = replace(given, image=given.image or settings.debug_image)
        if request.node:
            pod, container = await self._on_node()
        elif request.copy_to:
            source = await self._pod()
            if request.container in container_names(source):
                await self._create_copy(source, given, request.container)
                tell(LogSource(request.copy_to, open=True, note=f"a copy of {request.name}"))
                return ExecRequest(request.copy_to, (), container=request.container)
            pod, container = await self._copy(source)
        else:
            pod, container = await self.in_pod(tell)
        note = f"in container {container} ({request.image})"
        if not request.command:
            note = f"container {container} ({request.image}) runs; `%kpod exec {pod} -c {container} -- …` uses it"
        tell(LogSource(pod, open=True, note=note))
        return ExecRequest(pod, request.command, container=container, stdin=request.stdin, timeout=request.timeout)

    async def leave(self) -> None:
        """Remove the pod that was made on a node; if that takes long, it goes on in the background."""
        if not self.made or not self.request.command:
            return
        task = asyncio.create_task(self._delete(self.made))
        _deletions.add(task)
        task.add_done_callback(_deletions.discard)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), DELETE_SECONDS)

    async def _delete(self, name: str) -> None:
        with suppress(NbcontainerError):
            await self.cluster.request("DELETE", POD.path(self.cluster.namespace, name), body={"gracePeriodSeconds": 0})

    async def in_pod(self, tell: Callable[[LogSource], None]) -> tuple[str, str]:
        request, pod = self.request, await self._pod()
        name = text_of(pod, "metadata", "name")
        if request.target and request.target not in (there := container_names(pod)):
            raise not_found("container", request.target, f"the pod {name}", cure=f"It has: {', '.join(there)}.")
        container = _running(pod, request)
        if container:
            return name, container
        container = request.container or f"debugger-{_letters()}"
        if container in container_names(pod):
            raise UsageError(
                f"The pod {name} has a container {container} already, and an ephemeral container cannot be changed.",
                cure="Give another name, or none.",
            )
        tell(LogSource(name, open=True, note=f"starting container {container} ({request.image})"))
        patch = {"spec": {"ephemeralContainers": [ephemeral(request, container)]}}
        path = POD.path(self.cluster.namespace, name, "ephemeralcontainers")
        await self.cluster.request("PATCH", path, body=patch, content_type=TYPES["strategic"])
        await self._until_running(name, container)
        return name, container

    async def _copy(self, pod: JsonObject) -> tuple[str, str]:
        request = self.request
        container = request.container or f"debugger-{_letters()}"
        await self._create_copy(pod, request, container)
        await self._until_running(request.copy_to, container)
        return request.copy_to, container

    async def _create_copy(self, pod: JsonObject, request: DebugRequest, container: str) -> None:
        name = text_of(pod, "metadata", "name")
        unknown = [one for one in request.set_image if one != "*" and one not in container_names(pod)]
        if unknown:
            cure = f"It has: {', '.join(container_names(pod))}."
            raise not_found("container", unknown[0], f"the pod {name}", cure=cure)
        await self._create(copied(pod, request, container))
        if request.replace:
            await self.cluster.request("DELETE", POD.path(self.cluster.namespace, name))

    async def _on_node(self) -> tuple[str, str]:
        request = self.request
        try:
            await self.cluster.request("GET", NODE.path("", request.node))
        except NotFound:
            raise await not_found_soon(self.cluster, (request.node,), NODE) from None
        name = f"node-debugger-{request.node[:40]}-{_letters()}"
        container = request.container or "debugger"
        self.made = name
        await self._create(node_pod(request, name, container))
        await self._until_running(name, container)
        return name, container

    async def _create(self, pod: JsonObject) -> None:
        metadata = object_of(pod, "metadata")
        sent = {**pod, "metadata": {**metadata, "labels": {**object_of(metadata, "labels"), **self.labels}}}
        parameters = {"fieldManager": "nbcontainer"}
        await self.cluster.request("POST", POD.path(self.cluster.namespace), body=sent, parameters=parameters)

    async def _pod(self) -> JsonObject:
        """The pod that the request names, or one of what it names."""
        target = await find_target(self.cluster, self.request.name)
        return await ready_pod(self.cluster, target, READY_SECONDS) if target.selector else target.found

    async def _until_running(self, name: str, container: str) -> None:
        """Wait until the container runs.

        Raises:
            ApiError: it cannot run, or does not in time.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                async for pod in one_object(self.cluster, POD, name):
                    if pod is None:
                        raise NotFound(f"Pod {name} was deleted while the container was started.")
                    state = object_of(_status(pod, container), "state")
                    if "running" in state:
                        return
                    self._refuse(name, container, pod, state)
        except TimeoutError:
            cure = f"{self.cluster.commands.magic('describe', name)} shows why."
            said = f"Container {container} of {name} does not run after {START_SECONDS:g} s."
            raise ApiError(said, reason="Timeout", cure=cure) from None

    def _refuse(self, name: str, container: str, pod: JsonObject, state: JsonObject) -> None:
        found = trouble({**pod, "status": _only(pod, container)}, self.cluster.commands)
        if ended := object_of(state, "terminated"):
            why = text_of(ended, "message") or text_of(ended, "reason")
            cure = f"It needs `{IDLE[0]}`: choose an image that has it with `--image`, or by the setting debug_image."
            raise ApiError(f"Container {container} ({self.request.image}) did not start: {why}", cure=cure)
        if found is not None and not found.passing:
            why = found.message.removeprefix(f"Pod {name} cannot run: ")
            cure = "`--image` or the setting debug_image chooses another image"
            cure += f". {found.cure}" if "Image" in found.reason else f", which needs `{IDLE[0]}`."
            raise ApiError(f"Container {container} of {name} cannot run: {why}", reason=found.reason, cure=cure)


def _only(pod: JsonObject, container: str) -> JsonObject:
    """A pod's status with that of one container alone."""
    statuses = {"containerStatuses": [_status(pod, container)]} if _status(pod, container) else {}
    return {**{key: value for key, value in object_of(pod, "status").items() if "Statuses" not in key}, **statuses}


def _status(pod: JsonObject, container: str) -> JsonObject:
    """What is known of one container."""
    known = [
        one
        for key in ("ephemeralContainerStatuses", "containerStatuses")
        for one in entries_of(pod, "status", key)
        if one.get("name") == container
    ]
    return known[0] if known else {}


def _running(pod: JsonObject, request: DebugRequest) -> str:
    """An ephemeral container that is as the request wants it, and waits for commands; or ""."""
    for one in entries_of(pod, "spec", "ephemeralContainers"):
        name = text_of(one, "name")
        wanted = ephemeral(request, request.container or name)
        same = all(one.get(key) == value for key, value in wanted.items())
        same = (
            same
            and text_of(one, "targetContainerName") == request.target
            and bool(one.get("env")) == bool(request.environment)
        )
        if same and tuple(words_of(one, "command")) == IDLE and object_of(_status(pod, name), "state", "running"):
            return name
    return ""


def _letters() -> str:
    """Five letters and digits, as kubectl appends them."""
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=5))  # noqa: S311 - only a name


def _command(cluster: Cluster, request: DebugRequest) -> str:
    image = request.image or ("" if request.copy_to and request.container else settings.debug_image)
    words = ["debug", request.name, *([f"--image={image}"] if image else []), f"--profile={request.profile}"]
    words += [f"--container={request.container}"] if request.container else []
    words += [f"--target={request.target}"] if request.target else []
    words += environment_words("--env", request.environment, inherits=False)
    words += [f"--image-pull-policy={request.pull_policy}"] if request.pull_policy else []
    words += [f"--copy-to={request.copy_to}"] if request.copy_to else []
    words += pairs("--set-image", request.set_image)
    words += [f"--{name}" for name in ("same-node", "replace") if getattr(request, name.replace("-", "_"))]
    words += ["--share-processes=false"] if request.copy_to and not request.share_processes else []
    return cluster.commands.kubectl(*words, "-i", *(["--", *request.command] if request.command else []))
