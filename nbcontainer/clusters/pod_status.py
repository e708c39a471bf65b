"""A pod's status in a word, and those of its containers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, value_of

Pod = JsonObject


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
