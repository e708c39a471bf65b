"""Whether the node of a silent pod is ready: from a node whose kubelet has stopped nothing comes, not even an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import NODE, POD
from nbcontainer.errors import NbcontainerError
from nbcontainer.json_objects import entries_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbcontainer.clusters.connection import Cluster

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0  # seconds of silence before the node is looked at, and again


async def tell_if_unready(
    cluster: Cluster, pod: str, is_silent: Callable[[], bool], tell: Callable[[str], None]
) -> None:
    """As long as nothing is heard from a pod, look now and then at its node; `tell` once that it is not ready.

    Args:
        cluster: the cluster, in the pod's namespace.
        pod: its name.
        is_silent: whether that is still so.
        tell: gets the words: "the pod's node a is not ready".
    """
    pause = FIRST_PAUSE
    while True:
        await asyncio.sleep(pause)
        if not is_silent():
            return
        words = await _unready_words(cluster, pod)
        if words:
            tell(words)
            return
        pause = min(2 * pause, LONGEST_PAUSE)


async def _unready_words(cluster: Cluster, pod: str) -> str:
    """That the node of a pod is not ready; "" if it is, or if the user may not know."""
    try:
        found = await cluster.request("GET", POD.path(cluster.namespace, pod))
        name = text_of(found, "spec", "nodeName")
        node = await cluster.request("GET", NODE.path("", name)) if name else {}
    except NbcontainerError:
        return ""
    for condition in entries_of(node, "status", "conditions"):
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            said = text_of(condition, "message").strip().rstrip(".")
            return f"the pod's node {name} is not ready{f' ({said})' if said else ''}"
    return ""
