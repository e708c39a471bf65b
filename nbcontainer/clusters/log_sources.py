"""The containers of pods that a log request means, and its words: its title, its command, its sources' names. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from nbcontainer.json_objects import JsonObject, entries_of, text_of

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.logs import LogRequest

Pod = JsonObject
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


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
    """A source's name: "pod", or "pod/container" where several containers may be read; with its namespace before it."""
    name = text_of(pod, "metadata", "name")
    if request.all_namespaces:
        name = f"{text_of(pod, 'metadata', 'namespace')}/{name}"
    several = len(container_names(pod)) > 1
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
    words += ["all namespaces"] if request.all_namespaces else []
    return ", ".join(words) + (f" ({request.container})" if request.container else "")


def command_of(cluster: Cluster, request: LogRequest) -> str:
    """The same as kubectl commands; kubectl takes only one name, so there is a command for each."""
    flags = ["-c", request.container] if request.container else []
    flags += ["--all-containers"] if request.all_containers else []
    flags += ["-f"] if request.follow else []
    flags += ["-p"] if request.previous else []
    flags += ["--timestamps"] if request.timestamps else []
    flags += ["--prefix"] if request.prefix else []
    flags += [f"--since={request.since:g}s"] if request.since else []
    flags += [f"--since-time={request.since_time}"] if request.since_time else []
    flags += [f"--max-log-requests={request.max_log_requests}"] if request.max_log_requests else []
    flags += [f"--tail={request.tail}"] if request.tail >= 0 or request.selector else []  # a selector's default is 10
    if request.all_namespaces:
        which = ["-A", *(["-l", request.selector] if request.selector else [])]
        return _of_listed(cluster, which, next(iter(request.names), ""), flags)
    commands = [cluster.commands.kubectl("logs", "-l", request.selector, *flags)] if request.selector else []
    for name in request.names:
        if name.startswith("/"):
            commands.append(_of_listed(cluster, [], name, flags))
        else:
            commands.append(cluster.commands.kubectl("logs", name, *flags))
    return "; ".join(commands)


def _of_listed(cluster: Cluster, which: list[str], pattern: str, flags: list[str]) -> str:
    """The logs of the pods that `kubectl get` lists, which kubectl itself cannot choose so."""
    columns = "custom-columns=:metadata.namespace,:metadata.name"
    space = "" if "-A" in which else None
    listed = cluster.commands.kubectl("get", "pods", *which, "--no-headers", "-o", columns, namespace=space)
    expression = re.sub(r"^\^", " ", pattern[1:-1])  # a name follows its namespace
    chosen = f"{listed} | grep -E {shlex.quote(expression)}" if pattern else listed
    logs = cluster.commands.kubectl("logs", *flags, "-n", namespace="")
    return f'{chosen} | while read -r namespace name; do {logs} "$namespace" "$name"; done'
