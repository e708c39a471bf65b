"""Why a pod is not running, in plain words, from its status alone. Pure.

The reasons are those that kubelet and scheduler write into `status.containerStatuses` and `status.conditions`
(https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, value_of
from nbcontainer.model.commands import CLUSTER_IN_USE, ClusterCommands

Pod = JsonObject

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
_CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a pod from running.

    Attributes:
        reason: Kubernetes' own word ("ErrImagePull", "CrashLoopBackOff", "Unschedulable").
        message: the same in plain words.
        cure: what to do next.
        container: the container concerned, or "".
        exit_code: of its command, or None.
        passing: whether it may pass by itself.
    """

    reason: str
    message: str
    cure: str
    container: str = ""
    exit_code: int | None = None
    passing: bool = False


def trouble(pod: Pod, commands: ClusterCommands = CLUSTER_IN_USE) -> Trouble | None:
    """What keeps this pod from running, or None if nothing known does; `commands` are its cluster's, for the cure."""
    name = text_of(pod, "metadata", "name")
    status = object_of(pod, "status")
    for container in container_statuses(pod):
        found = _container_trouble(name, pod, container, commands)
        if found is not None:
            return found
    if status.get("phase") == "Failed":
        reason = text_of(status, "reason") or "Failed"
        said = text_of(status, "message").strip()
        return Trouble(
            reason,
            f"Pod {name} failed: {reason}{': ' + said if said else ''}.",
            f"{commands.magic('describe', name, namespace=_space(pod))} shows more.",
        )
    return _scheduling_trouble(name, status, commands)


def _space(pod: Pod) -> str:
    return text_of(pod, "metadata", "namespace")


def _log_cure(pod: Pod, commands: ClusterCommands, *words: str) -> str:
    name, space = text_of(pod, "metadata", "name"), _space(pod)
    log = commands.magic("logs", name, *words, namespace=space)
    return f"{log} shows what it wrote; {commands.magic('describe', name, namespace=space)} shows all of it."


def pod_status(pod: Pod) -> str:
    """The word in kubectl's STATUS column."""
    status = object_of(pod, "status")
    if value_of(pod, "metadata", "deletionTimestamp"):
        return "Terminating"
    word = text_of(status, "reason") or text_of(status, "phase") or "Unknown"
    for prefix, key in (("Init:", "initContainerStatuses"), ("", "containerStatuses")):
        for container in entries_of(status, key):
            waiting = text_of(container, "state", "waiting", "reason")
            if waiting and waiting != "PodInitializing":
                return f"{prefix}{waiting}"
            ended = object_of(container, "state", "terminated")
            if ended and (ended.get("exitCode") or not prefix):
                word = f"{prefix}{ended.get('reason') or 'ExitCode:' + str(ended.get('exitCode'))}"
                if prefix:
                    return word
    if word == "Completed" and any(
        "running" in object_of(one, "state") for one in entries_of(status, "containerStatuses")
    ):
        return "Running"
    return word


def container_statuses(pod: Pod) -> Iterator[JsonObject]:
    """The statuses of all containers, init containers first."""
    for key in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        yield from entries_of(pod, "status", key)


def _container_trouble(name: str, pod: Pod, container: JsonObject, commands: ClusterCommands) -> Trouble | None:
    waiting = object_of(container, "state", "waiting")
    reason, said = text_of(waiting, "reason"), text_of(waiting, "message").strip()
    which, image = text_of(container, "name"), text_of(container, "image")
    if reason in _IMAGE:
        return Trouble(
            reason,
            f"Pod {name} cannot run: {_image_words(image, reason, said)}",
            _image_cure(reason, said, pod, commands),
            which,
        )
    if reason in _CONFIGURATION:
        describe = commands.magic("describe", name, namespace=_space(pod))
        cure = f"{describe} shows more; correct it, delete the pod, and create it again."
        return Trouble(
            reason,
            f"Pod {name} cannot run: container {which} cannot be started: {_start_words(said) or reason}.",
            cure,
            which,
        )
    ended = object_of(container, "state", "terminated")
    last = object_of(container, "lastState", "terminated")
    if reason == "CrashLoopBackOff" or (ended and last and ended.get("exitCode")):
        code = number_of(ended or last, "exitCode") if "exitCode" in (ended or last) else None
        return Trouble(
            "CrashLoopBackOff",
            f"Pod {name} does not stay up: container {which} {_ending(code, (ended or last).get('reason'))}, "
            "each time it is started.",
            _log_cure(pod, commands, *(["--previous"] if container.get("restartCount") else [])),
            which,
            code,
        )
    restart = text_of(pod, "spec", "restartPolicy") or "Always"
    code, why = number_of(ended, "exitCode"), text_of(ended, "reason")
    if code and (restart == "Never" or why in _CONFIGURATION):
        detail = f": {text_of(ended, 'message').strip()}" if ended.get("message") else ""
        message = f"Pod {name} failed: container {which} {_ending(code, why)}{detail}."
        return Trouble(
            why or "Error",
            message,
            _log_cure(pod, commands),
            which,
            code,
        )
    return None


def _start_words(said: str) -> str:
    """The end of a runtime's long chain of errors; only the end names the cause."""
    _, found, cause = said.partition("unable to start container process: ")
    return (cause if found else said).strip().rstrip(".")


_ENDINGS = {
    None: "ends",
    0: "ends with exit code 0: its command finishes, and the pod's restart policy starts it again",
    126: "ends with exit code 126: its command cannot be executed",
    127: "ends with exit code 127: its command was not found",
    137: "was killed (exit code 137)",
}


def _ending(code: int | None, reason: object) -> str:
    if reason == "OOMKilled":
        return "used more memory than its limit and was killed"
    return _ENDINGS.get(code, f"ends with exit code {code}")


def _image_words(image: str, reason: str, said: str) -> str:
    if reason == "InvalidImageName":
        return f"{image!r} is not a valid image name."
    if reason == "ErrImageNeverPull":
        return f"the image {image} is not on the node, and its pull policy is Never."
    words = f"the image {image} cannot be pulled: {_cause(said) or reason}."
    if _means(said, _MISSING):
        words = f"the registry has no image {image}."
    elif _means(said, _DENIED):
        words = f"the registry does not allow the node to pull {image} without credentials."
    elif _means(said, ("http response to https client",)):
        words = f"the registry of {image} uses plain http, but the node expects https."
    elif _means(said, ("no such host", "connection refused", "timeout", "dial tcp")):
        words = f"the node cannot reach the registry of {image}: {_cause(said)}."
    return words


_MISSING = ("not found", "manifest unknown")
_DENIED = ("unauthorized", "denied", "401", "authorization")


def _means(said: str, words: tuple[str, ...]) -> bool:
    """Whether a node's message mentions one of these: containerd has no codes for them."""
    return any(word in said.lower() for word in words)


def _cause(said: str) -> str:
    return said.rstrip(". ").rsplit(": ", 2)[-1] if len(said) > 200 else said.rstrip(". ")  # noqa: PLR2004 - a line


def _image_cure(reason: str, said: str, pod: Pod, commands: ClusterCommands) -> str:
    if reason == "InvalidImageName":
        return "Delete the pod, and create it with a name such as registry:port/path/name:tag."
    name, space = text_of(pod, "metadata", "name"), _space(pod)
    if _means(said, _DENIED):
        create = commands.kubectl("create", "secret", "docker-registry", namespace=space)
        return f"Give the pod an image pull secret (`{create} …`), or use a registry that needs no login."
    if _means(said, _MISSING):
        return "Check its name and tag, and that it was pushed (`%docker push`). The pod keeps trying."
    describe = commands.magic("describe", name, namespace=space)
    return f"The pod keeps trying; {describe} shows the node's own message."


def _scheduling_trouble(name: str, status: JsonObject, commands: ClusterCommands) -> Trouble | None:
    for condition in entries_of(status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            reason = text_of(condition, "reason") or "Unschedulable"
            if reason == "SchedulingGated":
                return None
            said = text_of(condition, "message").strip().rstrip(".")
            return Trouble(
                reason,
                f"Pod {name} cannot run: no node accepts it: {said or reason}.",
                f"Ask for less, or make room; `{commands.kubectl('get', 'nodes', namespace='')}` shows them. "
                "The pod keeps waiting for a node.",
                passing=True,
            )
    return None
