"""The pods and containers that a log request names. Pure, except for `resolve`'s look-ups."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.clusters.discovery import POD, Resource, find_resource
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.errors import NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, texts_of, words_of

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.logs import LogRequest

Pod = JsonObject
_POD_WORDS = (POD.plural, POD.singular, *POD.short_names)
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pods by name, and pods by label: only the latter may be joined by pods that appear later.

    Attributes:
        pods: the named pods.
        selectors: label selectors.
        missing: which part of the request does not exist, in words.
    """

    pods: tuple[Pod, ...]
    selectors: tuple[str, ...]
    missing: tuple[str, ...] = ()


async def resolve(cluster: Cluster, request: LogRequest) -> Wanted:
    """Turn a request's names ("web", "pod/web", "deploy/web") and selector into pods. All names are looked up first.

    Raises:
        UsageError: it names nothing, or a kind that has no pods.
        NotFound: none of the names exists, with suggestions; if only some do not, `missing` lists them.
    """
    if not request.names and not request.selector:
        raise UsageError("Whose logs?", cure="Name a pod, a deployment (deploy/NAME), or give a selector.")
    words = tuple(dict.fromkeys(request.names))
    found = await asyncio.gather(*(_look_up(cluster, request, word) for word in words))
    pods = {text_of(one, "metadata", "name"): one for one in found if isinstance(one, dict)}
    selectors = [*filter(None, [request.selector]), *(one for one in found if isinstance(one, str))]
    missing = [one for one in found if isinstance(one, NotFound)]
    unknown = [word for word, one in zip(words, found, strict=True) if one is None]
    if unknown:
        missing.insert(0, await not_found_soon(cluster, [word.rpartition("/")[2] for word in unknown]))
    if missing and not pods and not selectors:
        raise missing[0]
    return Wanted(tuple(pods.values()), tuple(dict.fromkeys(selectors)), tuple(one.remark for one in missing))


async def _look_up(cluster: Cluster, request: LogRequest, word: str) -> Pod | str | NotFound | None:
    """The pod or the selector that a word names; if it does not exist, an error, or None for a pod."""
    kind, _, name = word.rpartition("/")
    pod = kind in {"", *_POD_WORDS}
    resource = POD if pod else await find_resource(cluster, kind)
    try:
        found: Pod = await cluster.request("GET", resource.path(cluster.namespace, name))
    except NotFound:
        return None if pod else await not_found_soon(cluster, (name,), resource)
    if pod:
        return _without_container(found, request) or found
    return _selector_of(found, resource)


def _without_container(pod: Pod, request: LogRequest) -> NotFound | None:
    """The error for a pod without the requested container."""
    if not request.container or chosen_containers(pod, request):
        return None
    cure = f"It has: {', '.join(container_names(pod))}."
    return existence.not_found("container", request.container, f"the pod {text_of(pod, 'metadata', 'name')}", cure=cure)


def _selector_of(owner: Pod, resource: Resource) -> str:
    selector = _selector_text(object_of(owner, "spec", "selector"))
    if not selector:
        raise UsageError(f"A {resource.kind} has no pods whose logs could be shown.")
    return selector


def _selector_text(selector: JsonObject) -> str:
    """A workload's or a service's selector in the API's form."""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(f"{key}={value}" for key, value in selector.items())  # a Service's
    parts = [f"{key}={value}" for key, value in texts_of(selector, "matchLabels").items()]
    for rule in entries_of(selector, "matchExpressions"):
        key, values = text_of(rule, "key"), ",".join(words_of(rule, "values"))
        words = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        parts.append(words.get(text_of(rule, "operator"), f"!{key}"))
    return ",".join(parts)


def chosen_containers(pod: Pod, request: LogRequest) -> list[str]:
    """The containers of a pod whose logs are requested, as kubectl chooses them; none if it has no such container."""
    every = container_names(pod)
    if request.container:
        return [request.container] if request.container in every else []
    if request.all_containers:
        return every
    chosen = default_container(pod)
    return [chosen] if chosen else []


def default_container(pod: Pod) -> str:
    """The container that kubectl picks if none is named: the annotation's, or else the first; "" for none."""
    main = [text_of(one, "name") for one in entries_of(pod, "spec", "containers")]
    preferred = text_of(pod, "metadata", "annotations", DEFAULT_CONTAINER)
    return preferred if preferred in container_names(pod) else next(iter(main), "")


def container_names(pod: Pod) -> list[str]:
    """The names of all containers of a pod, in the order in which they start."""
    keys = ("initContainers", "containers", "ephemeralContainers")
    return [text_of(one, "name") for key in keys for one in entries_of(pod, "spec", key)]


def source_name(pod: Pod, container: str, request: LogRequest) -> str:
    """A source's name: "pod", or "pod/container" where several containers may be read."""
    name = text_of(pod, "metadata", "name")
    several = len(entries_of(pod, "spec", "containers")) + len(entries_of(pod, "spec", "initContainers")) > 1
    return f"{name}/{container}" if several and (request.all_containers or request.container) else name


def container_status(pod: Pod, container: str) -> JsonObject:
    """A container's status, empty until the node has written one."""
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for one in entries_of(pod, "status", key):
            if one.get("name") == container:
                return one
    return {}


def title_of(request: LogRequest) -> str:
    """Whose logs, in a few words."""
    words = list(request.names) + ([f"-l {request.selector}"] if request.selector else [])
    return ", ".join(words) + (f" ({request.container})" if request.container else "")


def command_of(cluster: Cluster, request: LogRequest) -> str:
    """The same as kubectl commands; kubectl takes only one name, so there is a command for each."""
    words = ["-c", request.container] if request.container else []
    words += ["--all-containers"] if request.all_containers else []
    words += ["-f"] if request.follow else []
    words += ["-p"] if request.previous else []
    words += ["--timestamps"] if request.timestamps else []
    words += [f"--since={request.since:g}s"] if request.since else []
    words += [f"--tail={request.tail}"] if request.tail >= 0 or request.selector else []  # a selector's default is 10
    if request.selector:
        return cluster.commands.kubectl("logs", "-l", request.selector, *words)
    return "; ".join(cluster.commands.kubectl("logs", name, *words) for name in request.names)
