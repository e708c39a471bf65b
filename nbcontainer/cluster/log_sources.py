"""Whose logs: the pods and containers that a log request means. Pure, but for `resolve`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbcontainer.cluster.discovery import find_resource
from nbcontainer.errors import NotFound, UsageError

if TYPE_CHECKING:
    from nbcontainer.cluster.connection import Cluster
    from nbcontainer.model.logs import LogRequest

__all__ = ["Wanted", "chosen_containers", "command_of", "container_status", "resolve", "source_name", "title_of"]

Pod = Mapping[str, Any]
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pods by name, and pods by label: those that appear later belong to the second."""

    names: tuple[str, ...]
    selectors: tuple[str, ...]


async def resolve(cluster: Cluster, request: LogRequest) -> Wanted:
    """Turn a request's names ("web", "pod/web", "deploy/web") and selector into pods.

    Raises:
        UsageError: it names nothing, or a kind that has no pods.
        NotFound: the named deployment (or whatever it is) does not exist.
    """
    names, selectors = [], [request.selector] if request.selector else []
    for word in request.names:
        kind, _, name = word.rpartition("/")
        if kind in {"", "pod", "pods", "po"}:
            names.append(name)
            continue
        resource = await find_resource(cluster, kind)
        owner = await cluster.request("GET", resource.path(cluster.namespace, name))
        selector = _selector_text((owner.get("spec") or {}).get("selector"))
        if not selector:
            raise UsageError(f"A {resource.kind} has no pods whose logs could be shown.")
        selectors.append(selector)
    if not names and not selectors:
        raise UsageError("Whose logs?", cure="Name a pod, a deployment (deploy/NAME), or give a selector with -l.")
    return Wanted(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(selectors)))


def _selector_text(selector: Any) -> str:
    """A workload's or a service's selector as the API takes it."""
    if not isinstance(selector, dict):
        return ""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(f"{key}={value}" for key, value in selector.items())  # a Service's
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or ():
        key, values = rule["key"], ",".join(rule.get("values") or ())
        words = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        parts.append(words.get(rule["operator"], f"!{key}"))
    return ",".join(parts)


def chosen_containers(pod: Pod, request: LogRequest, *, named: bool) -> list[str]:
    """The containers of a pod whose logs are asked for, as kubectl chooses them.

    Raises:
        NotFound: a pod that was asked for by name has no such container.
    """
    spec = pod.get("spec") or {}
    main = [str(one["name"]) for one in spec.get("containers") or ()]
    early = [str(one["name"]) for one in spec.get("initContainers") or ()]
    late = [str(one["name"]) for one in spec.get("ephemeralContainers") or ()]
    every = [*early, *main, *late]
    if request.container:
        if request.container in every:
            return [request.container]
        if named:
            raise NotFound(
                f"Pod {pod['metadata']['name']} has no container {request.container!r}.",
                status=404,
                cure=f"It has: {', '.join(every)}.",
            )
        return []
    if request.all_containers:
        return every
    preferred = ((pod.get("metadata") or {}).get("annotations") or {}).get(DEFAULT_CONTAINER)
    return [preferred] if preferred in every else main[:1]


def source_name(pod: Pod, container: str, request: LogRequest) -> str:
    """How a source is called: "pod", or "pod/container" where several containers may be meant."""
    name = str(pod["metadata"]["name"])
    spec = pod.get("spec") or {}
    several = len(spec.get("containers") or ()) + len(spec.get("initContainers") or ()) > 1
    return f"{name}/{container}" if several and (request.all_containers or request.container) else name


def container_status(pod: Pod, container: str) -> Mapping[str, Any]:
    """A container's status, empty while the node has not written one."""
    status = pod.get("status") or {}
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for one in status.get(key) or ():
            if one.get("name") == container:
                return dict(one)
    return {}


def title_of(request: LogRequest) -> str:
    """Whose logs, in a few words."""
    words = list(request.names) + ([f"-l {request.selector}"] if request.selector else [])
    return ", ".join(words) + (f" ({request.container})" if request.container else "")


def command_of(request: LogRequest, namespace: str) -> str:
    """The same as kubectl's command."""
    words = ["kubectl", "logs", *request.names, "-n", namespace]
    words += ["-l", request.selector] if request.selector else []
    words += ["-c", request.container] if request.container else []
    words += ["--all-containers"] if request.all_containers else []
    words += ["-f"] if request.follow else []
    words += ["-p"] if request.previous else []
    words += ["--timestamps"] if request.timestamps else []
    words += [f"--since={request.since:g}s"] if request.since else []
    words += [f"--tail={request.tail}"] if request.tail >= 0 else []
    return shlex.join(words)
