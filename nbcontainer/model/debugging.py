"""Debugging pods and nodes: the request, and the containers and pods that `kubectl debug` makes. Pure.

Source: https://github.com/kubernetes/kubectl, pkg/cmd/debug (debug.go, profiles.go).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

IDLE = ("sleep", "86400")  # keeps a container there while commands are run in it; it ends by itself after a day
KEPT_METADATA = ("labels", "annotations")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
# what a profile lets the debugging container do
PROFILES: Mapping[str, Mapping[str, Any]] = {
    "general": {"capabilities": {"add": ["SYS_PTRACE"]}},
    "baseline": {},
    "restricted": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "netadmin": {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
    "sysadmin": {"privileged": True},
}


@dataclass(frozen=True, slots=True)
class DebugRequest:
    """A container for debugging, and a command that is run in it: `kubectl debug`'s flags.

    Attributes:
        name: a pod, what has pods ("deploy/web"), or "node/NAME".
        command: what is run; empty to start the container only.
        image: the container's image.
        container: its name; "" for one of our choice; or the container of the copy whose command is replaced.
        target: the container of the pod whose processes it sees.
        environment: its environment variables.
        profile: what it may do; see `PROFILES`.
        pull_policy: "Always", "IfNotPresent", "Never" or "" for the cluster's default.
        copy_to: the name of a copy of the pod, which gets the container in place of the pod.
        set_image: images in the copy, by their containers' names.
        share_processes: whether the copy's containers see each other's processes.
        same_node: whether the copy is on the pod's node.
        replace: whether the pod is deleted once it has been copied.
        stdin: the command's standard input.
        timeout: seconds after which it is stopped and fails; 0 for never.
    """

    name: str
    command: tuple[str, ...] = ()
    namespace: str = ""
    image: str = ""
    container: str = ""
    target: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    profile: str = "general"
    pull_policy: str = ""
    copy_to: str = ""
    set_image: Mapping[str, str] = field(default_factory=dict)
    share_processes: bool = True
    same_node: bool = False
    replace: bool = False
    stdin: bytes | None = None
    timeout: float = 0.0

    @property
    def node(self) -> str:
        """The node's name, "" for a pod."""
        kind, slash, name = self.name.partition("/")
        return name if slash and kind in {"node", "nodes", "no"} else ""


def debugger(request: DebugRequest, name: str, *, on_node: bool = False) -> Object:
    """The container for debugging, which waits for commands."""
    made: Object = {"name": name, "image": request.image, "command": list(IDLE)}
    made |= {"imagePullPolicy": request.pull_policy} if request.pull_policy else {}
    if request.environment:
        made["env"] = [{"name": key, "value": value} for key, value in request.environment.items()]
    security = {} if on_node and request.profile == "general" else PROFILES[request.profile]
    return made | ({"securityContext": copy.deepcopy(dict(security))} if security else {})


def ephemeral(request: DebugRequest, name: str) -> Object:
    """The same, as an ephemeral container of a pod."""
    return debugger(request, name) | ({"targetContainerName": request.target} if request.target else {})


def copied(pod: Mapping[str, Any], request: DebugRequest, name: str) -> Object:
    """A copy of a pod with the container for debugging, or with another command in its own container `name`.

    It has no labels, so that no Service sends it requests.
    """
    spec: Object = copy.deepcopy(dict(pod["spec"]))
    for part in ("ephemeralContainers", *(() if request.same_node else ("nodeName",))):
        spec.pop(part, None)
    for one in spec["containers"]:
        for probe in PROBES:
            one.pop(probe, None)
        one["image"] = request.set_image.get(one["name"], request.set_image.get("*", one["image"]))
    same = next((one for one in spec["containers"] if one["name"] == name), None)
    if same is None:
        spec["containers"].append(debugger(request, name))
    else:
        same |= {"image": request.image} if request.image else {}
        same |= {"command": list(request.command), "args": []} if request.command else {}
    if request.share_processes:
        spec["shareProcessNamespace"] = True
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": request.copy_to}, "spec": spec}


def node_pod(request: DebugRequest, pod: str, name: str) -> Object:
    """A pod on a node that sees the node's processes and network, and its files in /host."""
    container = debugger(request, name, on_node=True)
    volume = {"name": "host-root", "hostPath": {"path": "/"}}
    is_open = request.profile not in {"baseline", "restricted"}
    container |= {"volumeMounts": [{"name": "host-root", "mountPath": "/host"}]} if is_open else {}
    spec: Object = {
        "nodeName": request.node,
        "containers": [container],
        "restartPolicy": "Never",
        "tolerations": [{"operator": "Exists"}],
    }
    if is_open:
        spec |= {"hostPID": True, "hostNetwork": True, "hostIPC": True, "volumes": [volume]}
    labels = {"app.kubernetes.io/managed-by": "nbcontainer"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "labels": labels}, "spec": spec}
