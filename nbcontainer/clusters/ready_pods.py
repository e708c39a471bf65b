"""The pod that a word names: a pod itself, or the one of a Deployment's, a Service's … that kubectl would choose."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD, Resource, field_selector_of, find_resource
from nbcontainer.clusters.label_selectors import selector_text
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.reflector import AWAITED_SECONDS, Away, Changed, Listed, reflect
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.errors import ApiError, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, value_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nbcontainer.clusters.connection import Cluster

READY_SECONDS = 5.0  # how long to prefer a pod that is ready to one that only runs
POD_WORDS = ("", POD.plural, POD.singular, *POD.short_names)


@dataclass(frozen=True)
class PodTarget:
    """What names a pod.

    Attributes:
        resource: the kind of what is named; a pod itself has no `selector`.
        name: its name.
        found: the object.
        selector: the label selector of its pods.
    """

    resource: Resource
    name: str
    found: JsonObject = field(repr=False)
    selector: str = ""

    @property
    def title(self) -> str:
        """As in a command: "pod/web", "deployment/web"."""
        return f"{self.resource.singular or self.resource.kind.lower()}/{self.name}"

    @property
    def parameters(self) -> dict[str, str]:
        """The query that lists its pods."""
        return {"labelSelector": self.selector} if self.selector else {"fieldSelector": field_selector_of(self.name)}


async def find_target(cluster: Cluster, word: str) -> PodTarget:
    """What a word names: "web", "pod/web", "deploy/web", "svc/web".

    Raises:
        NotFound: it does not exist; with suggestions.
        UsageError: it is of a kind that has no pods.
    """
    kind, _, name = word.rpartition("/")
    resource = POD if kind.lower() in POD_WORDS else await find_resource(cluster, kind)
    try:
        found = await cluster.request("GET", resource.path(cluster.namespace, name))
    except NotFound:
        raise await not_found_soon(cluster, (name,), resource) from None
    if resource.plural == POD.plural and not resource.group:
        return PodTarget(POD, name, found)
    selector = selector_text(object_of(found, "spec", "selector"))
    if not selector:
        article = "An" if resource.kind[:1] in "AEIOU" else "A"
        raise UsageError(
            f"{article} {resource.kind} has no pods." if resource.kind != "Service" else f"{word} selects no pods.",
            cure="Name a pod, or an object that has pods: deploy/NAME, svc/NAME.",
        )
    return PodTarget(resource, name, found, selector)


def is_running(pod: JsonObject) -> bool:
    """Whether its containers can be reached: it runs, and is not being deleted."""
    return text_of(pod, "status", "phase") == "Running" and not text_of(pod, "metadata", "deletionTimestamp")


def is_ready(pod: JsonObject) -> bool:
    """Whether its Ready condition is true."""
    conditions = entries_of(pod, "status", "conditions")
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def first_of(pods: Sequence[JsonObject]) -> JsonObject | None:
    """The pod that kubectl would choose: running, ready, with the fewest restarts, the oldest."""

    def rank(pod: JsonObject) -> tuple[bool, int, str, str]:
        restarts = [value_of(one, "restartCount") for one in entries_of(pod, "status", "containerStatuses")]
        count = sum(one for one in restarts if isinstance(one, int))
        return not is_ready(pod), count, text_of(pod, "metadata", "creationTimestamp"), text_of(pod, "metadata", "name")

    return min(filter(is_running, pods), key=rank, default=None)


async def pods_of(cluster: Cluster, target: PodTarget) -> AsyncIterator[list[JsonObject] | str]:
    """Its pods, again after each change; or why they cannot be watched at the moment."""
    pods: dict[str, JsonObject] = {}
    async for news in reflect(cluster, POD.path(cluster.namespace), target.parameters, silence=AWAITED_SECONDS):
        if isinstance(news, Away):
            yield news.reason
            continue
        if isinstance(news, Listed):
            found = [one for page in news.pages for one in entries_of(page, "items")]
            pods = {text_of(one, "metadata", "uid"): one for one in found}
        elif isinstance(news, Changed):
            for event in news.events:
                one = object_of(event, "object")
                uid = text_of(one, "metadata", "uid")
                if event["type"] == "DELETED":
                    pods.pop(uid, None)
                elif uid:
                    pods[uid] = one
        yield list(pods.values())


async def ready_pod(cluster: Cluster, target: PodTarget, seconds: float) -> JsonObject:
    """The pod to use, waiting until there is one that runs, and a moment until one is ready.

    Args:
        cluster: the cluster.
        target: what names it.
        seconds: how long to wait.

    Raises:
        ApiError: none runs by then; the error says why.
    """
    if not target.selector and is_running(target.found):
        return target.found
    last: list[JsonObject] = []
    for ready, wait in ((True, min(seconds, READY_SECONDS)), (False, max(0.1, seconds - READY_SECONDS))):
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                async for pods in pods_of(cluster, target):
                    last = last if isinstance(pods, str) else pods
                    chosen = first_of(last)
                    if chosen is not None and (is_ready(chosen) or not ready):
                        return chosen
                    if not target.selector and any(map(_has_ended, last)):
                        raise not_running(cluster, target, last)
    raise not_running(cluster, target, last)


def _has_ended(pod: JsonObject) -> bool:
    return text_of(pod, "status", "phase") in {"Succeeded", "Failed"}


def not_running(cluster: Cluster, target: PodTarget, pods: Sequence[JsonObject]) -> ApiError:
    """The error for a target none of whose pods runs."""
    if not pods:
        return ApiError(
            f"{target.title} has no pods in {cluster.where}.",
            reason="NoPods",
            cure=f"{cluster.commands.magic('get')} lists pods; its selector is {target.selector}."
            if target.selector
            else "",
        )
    pod = pods[0]
    name = text_of(pod, "metadata", "name")
    found = trouble(pod, cluster.commands)
    why = found.message if found is not None else f"Its status is {pod_status(pod)}."
    cure = found.cure if found is not None else f"{cluster.commands.magic('describe', name)} shows more."
    return ApiError(f"The pod {name} is not running. {why}", reason="NotRunning", cure=cure)
