"""Deleting objects of any kind, and waiting until they are gone."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from nbcontainer.clusters.discovery import POD, Resource, field_selector_of
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.node_readiness import tell_if_unready
from nbcontainer.clusters.reflector import AWAITED_SECONDS, Away, Changed, Listed, reflect
from nbcontainer.errors import NbcontainerError, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, text_of, value_of, words_of
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.deletion import Deletion, ObjectEnd, apply_object_end
from nbcontainer.model.outcome import Outcome
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
MOST_LOOKED_AT = 20  # pods whose nodes are looked at
HOLDING = {"NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure"}


class ObjectReference(NamedTuple):
    """Which object; its uid protects another of the same name that somebody has created in the meantime."""

    resource: Resource
    namespace: str
    name: str
    uid: str = ""


def delete(
    cluster: Cluster,
    names: Sequence[str],
    *,
    resource: Resource = POD,
    force: bool = False,
    grace_period: int | None = None,
) -> Operation[ObjectEnd, Deletion, Changes]:
    """Delete objects of one kind, pods by default, by their names; see `delete_objects`.

    The operation also raises:
        NotFound: one of `names` does not exist; then nothing is deleted.
    """
    targets = [ObjectReference(resource, cluster.namespace if resource.namespaced else "", name) for name in names]
    return delete_objects(cluster, targets, force=force, grace_period=grace_period)


def delete_objects(
    cluster: Cluster,
    targets: Sequence[ObjectReference],
    *,
    force: bool = False,
    grace_period: int | None = None,
    cascade: str = "background",
    wait: bool = True,
) -> Operation[ObjectEnd, Deletion, Changes]:
    """Delete objects, and wait until they are gone. A stop ends only the wait.

    Args:
        cluster: the cluster.
        targets: the objects; those without a uid are looked up first.
        force: kill at once, without waiting for the node to confirm it.
        grace_period: seconds that containers get to end by themselves; None for each pod's own (usually 30).
        cascade: what happens to the objects that they own: they go afterwards ("background") or before
            ("foreground"), or they stay ("orphan").
        wait: whether to wait until the objects are gone.

    The operation raises:
        NotFound: a target without a uid does not exist; then nothing is deleted.
        ApiError: the API server refuses some of them; the others are deleted.
    """
    kinds = {target.resource for target in targets}
    kind = f"{next(iter(kinds)).kind.lower()}" if len(kinds) == 1 else "object"
    what = f"{kind} {targets[0].name}" if len(targets) == 1 else f"{kind}s"
    operation: Operation[ObjectEnd, Deletion, Changes] = Operation(
        f"wait for the end of {what}", Deletion(cluster.where), apply_object_end
    )
    deletion = _Deletion(cluster, 0 if force else grace_period, cascade)

    async def work(progress: Progress[ObjectEnd]) -> Changes:
        return await deletion.run(progress, await _found(cluster, targets), wait=wait)

    return operation.start_task(work)


async def _found(cluster: Cluster, targets: Sequence[ObjectReference]) -> list[ObjectReference]:
    """The targets with their uids."""
    found: list[ObjectReference] = []
    missing: dict[tuple[Resource, str], list[str]] = {}
    for target in targets:
        try:
            path = target.resource.path(target.namespace, target.name)
            uid = target.uid or text_of(await cluster.request("GET", path), "metadata", "uid")
            found.append(target._replace(uid=uid))
        except NotFound:
            missing.setdefault((target.resource, target.namespace), []).append(target.name)
    for (resource, namespace), names in missing.items():
        error = await not_found_soon(cluster.in_namespace(namespace), names, resource)
        raise error.replaced(message=f"{error.message} Nothing was deleted.")
    return found


class _Deletion:
    def __init__(self, cluster: Cluster, grace_period: int | None, cascade: str) -> None:
        self._cluster = cluster
        self._grace_period = grace_period
        self._cascade = cascade
        self._left: dict[str, ObjectReference] = {}  # by uid

    async def run(self, progress: Progress[ObjectEnd], doomed: Sequence[ObjectReference], *, wait: bool) -> Changes:
        """Delete all of them, wait, and return what was done."""
        refusals: dict[ObjectReference, NbcontainerError] = {}
        try:
            await asyncio.gather(*(self._ask(target, progress, refusals) for target in doomed))
            asked = [target for target in doomed if target not in refusals]
            for target, error in refusals.items() if asked else ():  # if all are refused, the error says everything
                self._emit(progress, [target], Outcome.FAILED, error.message)
            if wait:
                await self._wait(progress, asked)
        except asyncio.CancelledError:
            self._emit(progress, list(self._left.values()), Outcome.STOPPED, "the cluster goes on deleting it")
            raise
        if refusals:
            raise _refusal(refusals, asked)
        return self._changes(asked)

    async def _ask(
        self, target: ObjectReference, progress: Progress[ObjectEnd], refusals: dict[ObjectReference, NbcontainerError]
    ) -> None:
        options: dict[str, object] = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": target.uid},
            "propagationPolicy": CASCADES[self._cascade],
        }
        if self._grace_period is not None:
            options["gracePeriodSeconds"] = self._grace_period
        try:
            with suppress(NotFound):
                path = target.resource.path(target.namespace, target.name)
                await self._cluster.request("DELETE", path, body=options)
        except NbcontainerError as error:
            refusals[target] = error
        else:
            self._left[target.uid] = target
            self._emit(progress, [target], Outcome.RUNNING)

    async def _wait(self, progress: Progress[ObjectEnd], asked: Sequence[ObjectReference]) -> None:
        """Wait for the end of all of them, and say of pods that their node is not ready to end them."""
        pods = [one for one in asked if one.resource == POD][:MOST_LOOKED_AT]
        looking = [asyncio.create_task(self._look_at_node(one, progress)) for one in pods]
        try:
            groups = dict.fromkeys((target.resource, target.namespace) for target in asked)
            await asyncio.gather(*(self._until_gone(*group, asked, progress) for group in groups))
        finally:
            for task in looking:
                task.cancel()

    async def _look_at_node(self, pod: ObjectReference, progress: Progress[ObjectEnd]) -> None:
        def tell(words: str) -> None:
            self._emit(progress, [pod], Outcome.RUNNING, f"{words}; `--force` does not wait for it")

        there = self._cluster.in_namespace(pod.namespace)
        await tell_if_unready(there, pod.name, lambda: pod.uid in self._left, tell)

    async def _until_gone(
        self, resource: Resource, namespace: str, asked: Sequence[ObjectReference], progress: Progress[ObjectEnd]
    ) -> None:
        """Wait for the end of the objects of one kind and namespace."""
        mine = {one.uid: one for one in asked if (one.resource, one.namespace) == (resource, namespace)}
        parameters = {"fieldSelector": field_selector_of(next(iter(mine.values())).name)} if len(mine) == 1 else {}
        path, is_away, held = resource.path(namespace), False, dict[str, str]()
        async for news in reflect(self._cluster, path, parameters, silence=AWAITED_SECONDS):
            if isinstance(news, Away) or is_away:
                is_away = isinstance(news, Away)
                reason = news.note if isinstance(news, Away) else ""
                self._emit(progress, list(mine.values()), Outcome.RUNNING, reason)
            there: list[JsonObject] = []
            gone: set[str] = set()
            if isinstance(news, Listed):
                there = [one for page in news.pages for one in entries_of(page, "items")]
                gone = set(mine) - {text_of(one, "metadata", "uid") for one in there}
            elif isinstance(news, Changed):
                ended = [event for event in news.events if event["type"] == "DELETED"]
                gone = {text_of(event, "object", "metadata", "uid") for event in ended}
                there = [one for event in news.events for one in entries_of({"items": [event.get("object")]}, "items")]
            self._emit(progress, [mine.pop(uid) for uid in list(mine) if uid in gone], Outcome.DONE)
            for uid in gone:
                self._left.pop(uid, None)
            for one in there:
                uid, why = text_of(one, "metadata", "uid"), holding(resource, one)
                if uid in mine and why != held.get(uid, ""):
                    held[uid] = why
                    self._emit(progress, [mine[uid]], Outcome.RUNNING, why)
            if not mine:
                return

    def _changes(self, asked: Sequence[ObjectReference]) -> Changes:
        cluster = self._cluster
        words = [f"--cascade={self._cascade}"] if self._cascade != "background" else []
        words += [f"--grace-period={self._grace_period}"] if self._grace_period is not None else []
        words += ["--force"] if self._grace_period == 0 else []  # without --force, kubectl turns 0 seconds into 1
        groups: dict[tuple[Resource, str], list[str]] = {}
        for one in asked:
            groups.setdefault((one.resource, one.namespace), []).append(one.name)
        commands = {
            (resource, namespace): cluster.commands.kubectl(
                "delete", resource.word, *names, *words, namespace=namespace
            )
            for (resource, namespace), names in groups.items()
        }
        return Changes(
            Change(
                one.resource.kind,
                one.name,
                one.namespace,
                "deleted",
                uid=one.uid,
                where=cluster.in_namespace(one.namespace).where if one.namespace else cluster.context,
                command=commands[one.resource, one.namespace],
            )
            for one in asked
        )

    def _emit(
        self, progress: Progress[ObjectEnd], targets: Sequence[ObjectReference], outcome: Outcome, message: str = ""
    ) -> None:
        for one in targets:
            namespace = one.namespace if one.namespace != self._cluster.namespace else ""
            kind = one.resource.qualified_kind
            progress.emit(ObjectEnd(one.name, outcome, message, time.time(), kind, namespace))


def holding(resource: Resource, found: JsonObject) -> str:
    """What keeps an object that is being deleted, such as a finalizer; "" if nothing does, or it is not deleted."""
    if not value_of(found, "metadata", "deletionTimestamp"):
        return ""
    if resource.is_namespace:
        said = [
            text_of(one, "message")
            for one in entries_of(found, "status", "conditions")
            if one.get("type") in HOLDING and one.get("status") == "True"
        ]
        return " ".join(said)
    finalizers = words_of(found, "metadata", "finalizers")
    return f"held by the finalizer{'s' * (len(finalizers) > 1)} {', '.join(finalizers)}" if finalizers else ""


def _refusal(
    refusals: Mapping[ObjectReference, NbcontainerError], asked: Sequence[ObjectReference]
) -> NbcontainerError:
    """The first refusal, with what was deleted nevertheless."""
    first, *others = refusals.values()
    more = f" ({len(others)} more were refused.)" if others else ""
    done = f" Deleted: {', '.join(one.name for one in asked)}." if asked else ""
    return first.replaced(message=first.message + more + done)
