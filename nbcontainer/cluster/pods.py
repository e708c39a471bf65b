"""Pods: create and wait until they run, delete and wait until they are gone."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbcontainer.cluster.connection import Cluster
from nbcontainer.cluster.discovery import POD, Resource
from nbcontainer.cluster.reflector import Changed, Listed, list_all, reflect
from nbcontainer.cluster.trouble import Trouble, pod_status, trouble
from nbcontainer.errors import ApiError, CommandFailed, Conflict, Forbidden, NotFound, UsageError
from nbcontainer.model.pods import PodChange, PodRequest, PodStart, PodStep, apply_pod_step, pod_manifest
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from nbcontainer.operation import Progress

__all__ = ["create", "delete", "one_object", "remove_objects"]

PASSING_SECONDS = 5.0  # how long a trouble that may pass is borne
ACCOUNT_SECONDS = 15.0  # how long a namespace's own service account may take to appear
LAST_LINES = 20  # of a failed container's log, for the error


def create(cluster: Cluster, request: PodRequest) -> Operation[PodStep, PodStart, PodChange]:
    """Create a pod, and wait until it runs (or has completed).

    Where it cannot run, the operation fails with the reason and the cure, and the pod is left where it is.

    The operation raises:
        Conflict: there is a pod of this name.
        CommandFailed: its container ended with a non-zero exit code.
        ApiError: it cannot run for another reason, which is the error's `reason` ("ErrImagePull", "Unschedulable",
            "Timeout"), or the API server refused it.
    """
    cluster = cluster.in_namespace(request.namespace)
    state = PodStart(request.name, cluster.where)
    operation: Operation[PodStep, PodStart, PodChange] = Operation(
        f"start of pod {request.name}", state, apply_pod_step
    )
    return operation.start_task(lambda progress: _create(cluster, request, progress))


async def _create(cluster: Cluster, request: PodRequest, progress: Progress[PodStep]) -> PodChange:
    sent = pod_manifest(request)
    try:
        pod = await _post(cluster, sent)
    except Conflict as error:
        error.cure = f"Delete it first (%kpod delete {request.name}), or choose another name."
        raise
    progress.tell(PodStep("Pending", "created"))
    if request.wait:
        try:
            async with asyncio.timeout(request.timeout or None):
                pod = await _until_running(cluster, request.name, progress)
        except TimeoutError:
            word = pod_status(await _read(cluster, request.name) or pod)
            raise ApiError(
                f"Pod {request.name} does not run after {request.timeout:g} s: its status is {word}.",
                reason="Timeout",
                cure=f"It stays; `%kpod describe {request.name}` shows why, --timeout waits longer.",
            ) from None
    return PodChange(
        "Pod",
        request.name,
        cluster.namespace,
        "created",
        status=pod_status(pod),
        uid=str(pod["metadata"].get("uid") or ""),
        where=cluster.where,
        command=_run_command(cluster, request),
        manifest=sent,
    )


async def _post(cluster: Cluster, sent: dict[str, Any]) -> dict[str, Any]:
    """POST the pod; a new namespace's service account is waited for."""
    deadline = asyncio.get_running_loop().time() + ACCOUNT_SECONDS
    while True:
        try:
            answer = await cluster.request(
                "POST", POD.path(cluster.namespace), body=sent, parameters={"fieldManager": "nbcontainer"}
            )
        except Forbidden as error:
            new = "serviceaccount" in error.message and "not found" in error.message
            if not new or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.25)
        else:
            return dict(answer)


async def _read(cluster: Cluster, name: str) -> dict[str, Any] | None:
    with suppress(ApiError):
        return dict(await cluster.request("GET", POD.path(cluster.namespace, name)))
    return None


async def _until_running(cluster: Cluster, name: str, progress: Progress[PodStep]) -> dict[str, Any]:
    told, since = ("", ""), 0.0
    loop = asyncio.get_running_loop()
    async for pod in one_object(cluster, POD, name):
        if pod is None:
            raise NotFound(f"Pod {name} was deleted while it started.", status=404)
        step = (pod_status(pod), _waiting_words(pod))
        if step != told:
            told = step
            progress.tell(PodStep(*step))
        if _is_up(pod):
            return pod
        found = trouble(pod)
        if found is None or not found.passing:
            since = 0.0
        if found is None:
            continue
        if found.passing:
            since = since or loop.time()
            later = await _wait_for_change(cluster, name, PASSING_SECONDS - (loop.time() - since), pod)
            found = trouble(later)
            if found is None or not found.passing:
                continue
        raise await _failure(cluster, name, found)
    raise AssertionError  # a reflector ends only by an error


async def _wait_for_change(cluster: Cluster, name: str, seconds: float, pod: dict[str, Any]) -> dict[str, Any]:
    """The pod once it is no longer in the same trouble, or as it stands after some seconds."""
    newest = pod
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            async for seen in one_object(cluster, POD, name):
                newest = seen or newest
                found = trouble(newest)
                if seen is None or found is None or not found.passing:
                    break
    return newest


def _is_up(pod: Mapping[str, Any]) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") == "Succeeded":
        return True
    containers = status.get("containerStatuses") or ()
    if containers and all(_ended_well(one) for one in containers):
        return True  # it has done its work, though its restart policy starts it again
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions") or ())
    return ready and status.get("phase") == "Running"


def _ended_well(container: Mapping[str, Any]) -> bool:
    """Whether a container's last run ended with exit code 0."""
    state, last = container.get("state") or {}, container.get("lastState") or {}
    ended = state.get("terminated") or (last.get("terminated") if "waiting" in state else None)
    return ended is not None and ended.get("exitCode") == 0


def _waiting_words(pod: Mapping[str, Any]) -> str:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        message = ((container.get("state") or {}).get("waiting") or {}).get("message")
        if message:
            return str(message)
    return ""


async def _failure(cluster: Cluster, name: str, found: Trouble) -> ApiError | CommandFailed:
    if found.exit_code:
        output = await _last_output(cluster, name, found.container)
        shown = "".join(f"\n  {line}" for line in output.splitlines()[-3:])
        return CommandFailed(found.message + shown, exit_code=found.exit_code, output=output, cure=found.cure)
    return ApiError(found.message, reason=found.reason, cure=found.cure)


async def _last_output(cluster: Cluster, name: str, container: str) -> str:
    for previous in (False, True):
        parameters: dict[str, str | int | bool] = {
            "container": container,
            "tailLines": LAST_LINES,
            "previous": previous,
        }
        with suppress(ApiError):
            async with cluster.stream(POD.path(cluster.namespace, name, "log"), parameters=parameters) as response:
                text = (await response.read()).decode(errors="replace")
                if text:
                    return text
    return ""


async def one_object(cluster: Cluster, resource: Resource, name: str) -> AsyncIterator[dict[str, Any] | None]:
    """One object as it is and each time it changes; None once it is gone or does not exist.

    Raises:
        ApiError, ClusterUnavailable: as `reflect`.
    """
    path = resource.path(cluster.namespace)
    async for news in reflect(cluster, path, {"fieldSelector": f"metadata.name={name}"}):
        if isinstance(news, Listed):
            items = [item for page in news.pages for item in page.get("items") or ()]
            yield items[0] if items else None
        elif isinstance(news, Changed):
            last = news.events[-1]
            yield None if last["type"] == "DELETED" else last["object"]


def delete(
    cluster: Cluster,
    names: Sequence[str] = (),
    *,
    selector: str = "",
    force: bool = False,
    grace_period: int | None = None,
    wait: bool = True,
    timeout: float = 0.0,
    missing_ok: bool = False,
) -> list[PodChange]:
    """Delete pods by name or by label, and wait until they are gone.

    Args:
        cluster: the cluster, in their namespace.
        names: the pods' names.
        selector: a label selector: these pods as well.
        force: kill at once, without waiting for the node to confirm it.
        grace_period: seconds that containers get to end by themselves; None for each pod's own (usually 30).
        wait: whether to wait until they are gone.
        timeout: seconds to wait for their end, 0 for no limit.
        missing_ok: names that do not exist are passed over.

    Raises:
        NotFound: one of `names` does not exist; then nothing is deleted.
        UsageError: neither names nor a selector.
        ApiError: the API server refuses, or (reason "Timeout") they are not gone in time.
    """
    return cluster.run(
        remove_objects(
            cluster,
            POD,
            names,
            selector=selector,
            grace_period=0 if force else grace_period,
            wait=wait,
            timeout=timeout,
            missing_ok=missing_ok,
        )
    )


async def remove_objects(
    cluster: Cluster,
    resource: Resource,
    names: Sequence[str],
    *,
    selector: str = "",
    grace_period: int | None = None,
    wait: bool = True,
    timeout: float = 0.0,  # noqa: ASYNC109 - the callers' flag, which ends the wait with words of its own
    missing_ok: bool = False,
) -> list[PodChange]:
    """`delete` for any kind, on the background loop."""
    if not names and not selector:
        raise UsageError(f"Which {resource.plural} to delete?", cure="Give names, or a selector with -l.")
    doomed = await _find(cluster, resource, names, selector=selector, missing_ok=missing_ok)
    options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
    if grace_period is not None:
        options["gracePeriodSeconds"] = grace_period

    async def remove(name: str, uid: str) -> None:
        # the uid guards a pod of the same name that somebody made in the meantime
        body = {**options, "preconditions": {"uid": uid}}
        with suppress(NotFound):
            await cluster.request("DELETE", resource.path(cluster.namespace, name), body=body)

    await asyncio.gather(*(remove(name, uid) for name, uid in doomed.items()))
    if wait and doomed:
        try:
            async with asyncio.timeout(timeout or None):
                await _until_gone(cluster, resource, doomed, selector)
        except TimeoutError:
            raise ApiError(
                f"Not gone after {timeout:g} s: {resource.plural} {', '.join(doomed)}.",
                reason="Timeout",
                cure="They are being deleted; one that ignores SIGTERM takes its whole grace period (--grace-period).",
            ) from None
    command = ["kubectl delete", resource.plural, *doomed, "-n", cluster.namespace]
    command += [f"--grace-period={grace_period}"] if grace_period is not None else []
    return [
        PodChange(
            resource.kind,
            name,
            cluster.namespace,
            "deleted",
            uid=uid,
            where=cluster.where,
            command=" ".join(command),
        )
        for name, uid in doomed.items()
    ]


async def _find(
    cluster: Cluster, resource: Resource, names: Sequence[str], *, selector: str, missing_ok: bool
) -> dict[str, str]:
    """The uids of the objects that names and selector mean."""
    found: dict[str, str] = {}
    if selector:
        pages = await list_all(cluster, resource.path(cluster.namespace), {"labelSelector": selector}, _METADATA)
        found = {one["metadata"]["name"]: one["metadata"]["uid"] for page in pages for one in page.get("items") or ()}
    missing = []
    for name in names:
        try:
            one = await cluster.request("GET", resource.path(cluster.namespace, name))
            found[name] = one["metadata"]["uid"]
        except NotFound:
            missing.append(name)
    if missing and not missing_ok:
        raise NotFound(
            f"{resource.plural} {', '.join(missing)} not found in {cluster.where}; nothing was deleted.",
            status=404,
            reason="NotFound",
        )
    return found


_METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"


async def _until_gone(cluster: Cluster, resource: Resource, doomed: Mapping[str, str], selector: str) -> None:
    left = set(doomed.values())
    parameters = {"fieldSelector": f"metadata.name={next(iter(doomed))}"} if len(doomed) == 1 else {}
    if len(doomed) > 1 and selector:
        parameters = {"labelSelector": selector}
    async for news in reflect(cluster, resource.path(cluster.namespace), parameters):
        if isinstance(news, Listed):
            left &= {one["metadata"]["uid"] for page in news.pages for one in page.get("items") or ()}
        elif isinstance(news, Changed):
            left -= {event["object"]["metadata"]["uid"] for event in news.events if event["type"] == "DELETED"}
        if not left:
            return


def _run_command(cluster: Cluster, request: PodRequest) -> str:
    words = ["kubectl", "run", request.name, f"--image={request.image}", "-n", cluster.namespace]
    words += [f"--env={key}={value}" for key, value in request.environment.items()]
    words += [f"--port={port}" for port in request.ports[:1]]
    words += [f"--image-pull-policy={request.pull_policy}"] if request.pull_policy else []
    words += [f"--restart={request.restart}"] if request.restart != "Always" else []
    pairs = ",".join(f"{key}={value}" for key, value in request.labels.items())
    words += [f"--labels=run={request.name},{pairs}"] if pairs else []
    words += ["--", *request.command] if request.command else []
    return shlex.join(words)
