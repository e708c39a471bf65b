"""A debug container: the request, and its manifests, as `kubectl debug` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROFILES: dict[str, dict[str, Any]] = {  # of a debug container's security, by kubectl's names
    "legacy": {},
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
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
OF_A_RUN = ("nodeName", "ephemeralContainers")  # of a pod's specification: a copy of it has none of them
HOST_NAMESPACES = ("hostIPC", "hostNetwork", "hostPID")


@dataclass(frozen=True, slots=True)
class DebugRequest:
    """A debug container.

    Attributes:
        name: the pod, "deploy/web", or "node/NAME".
        command: what runs in it; empty to leave it running.
        container: its name, or the name of a container of the copy whose command is replaced.
        target: the container whose processes it sees.
        copy_to: the name of a copy of the pod, which gets the container in place of the pod.
        set_image: images of the copy's containers, by their names; "*" is all of them.
        remove: whether the pod on a node, or the copy, is deleted at the end.
    """

    name: str
    command: tuple[str, ...] = ()
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
    remove: bool = False

    @property
    def node(self) -> str:
        """The node's name, if it is one."""
        kind, _, name = self.name.partition("/")
        return name if kind.lower() in {"node", "nodes", "no"} else ""


def container_manifest(request: DebugRequest) -> dict[str, Any]:
    """The debug container. It waits for its input, so that commands can be run in it; it ends when that is closed."""
    found: dict[str, Any] = {"name": request.container, "image": request.image, "stdin": True, "stdinOnce": True}
    found |= {"command": ["sh"]} if request.command else {}
    found |= {"imagePullPolicy": request.pull_policy} if request.pull_policy else {}
    found |= {"env": [{"name": name, "value": value} for name, value in request.environment.items()]}
    security = {} if request.node and request.profile == "general" else PROFILES[request.profile]
    return found | ({"securityContext": security} if security else {})


def node_pod(request: DebugRequest, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A pod on the node, which sees the node's files in /host and, unless the profile forbids it, its processes."""
    container = container_manifest(request)
    spec: dict[str, Any] = {
        "nodeName": request.node,
        "restartPolicy": "Never",
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
    }
    if request.profile not in {"baseline", "restricted"}:
        container["volumeMounts"] = [{"name": "host-root", "mountPath": "/host"}]
        spec |= {"volumes": [{"name": "host-root", "hostPath": {"path": "/"}}], **dict.fromkeys(HOST_NAMESPACES, True)}
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def pod_copy(request: DebugRequest, pod: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """A copy of a pod, without labels and probes, with the debug container or the changes that are requested."""
    spec = {key: value for key, value in pod["spec"].items() if key not in OF_A_RUN}
    if request.same_node:
        spec["nodeName"] = pod["spec"].get("nodeName", "")
    containers = [
        {key: value for key, value in one.items() if key not in PROBES} for one in pod["spec"].get("containers", ())
    ]
    images = {one["name"]: request.set_image.get(one["name"], request.set_image.get("*", "")) for one in containers}
    containers = [one | ({"image": images[one["name"]]} if images[one["name"]] else {}) for one in containers]
    same = next((one for one in containers if one["name"] == request.container), None)
    if same is not None:
        same |= {"command": list(request.command), "args": []} if request.command else {}
        same |= {"image": request.image} if request.image else {}
    elif request.container:
        containers.append(container_manifest(request))
    spec |= {"containers": containers}
    if request.share_processes:
        spec["shareProcessNamespace"] = True
    annotations = {
        key: value for key, value in pod["metadata"].get("annotations", {}).items() if key.startswith("kubectl.kube")
    }
    metadata = {"name": request.copy_to, "labels": dict(labels), "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def debug_words(request: DebugRequest, command: tuple[str, ...]) -> list[str]:
    """The equivalent kubectl command's words; `command` is what runs."""
    words = ["debug", request.name, "-i", *([] if command else ["--attach=false"])]
    given = {
        "--image": request.image,
        "--container": request.container,
        "--target": request.target,
        "--copy-to": request.copy_to,
        "--image-pull-policy": request.pull_policy,
        "--profile": request.profile,
    }
    words += [f"{flag}={value}" for flag, value in given.items() if value]
    words += [f"--env={name}={value}" for name, value in request.environment.items()]
    words += [f"--set-image={name}={image}" for name, image in request.set_image.items()]
    if request.copy_to:
        words += [] if request.share_processes else ["--share-processes=false"]
        words += ["--same-node"] if request.same_node else []
        words += ["--replace"] if request.replace else []
    return words + (["--", *command] if command else [])
