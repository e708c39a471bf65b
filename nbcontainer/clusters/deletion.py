"""Deleting pods, and waiting until they are gone."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.reflector import AWAITED_SECONDS, Away, Changed, Listed, reflect
from nbcontainer.errors import NbcontainerError, NotFound
from nbcontainer.json_objects import entries_of, text_of
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import PodDeletion, PodEnd, apply_pod_end
from nbcontainer.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress


def delete(
    cluster: Cluster, names: Sequence[str], *, force: bool = False, grace_period: int | None = None
) -> Operation[PodEnd, PodDeletion, Changes]:
    """Delete pods, and wait until they are gone. A stop ends only the wait.

    Args:
        cluster: the cluster, in their namespace.
        names: the pods' names.
        force: kill at once, without waiting for the node to confirm it.
        grace_period: seconds that containers get to end by themselves; None for each pod's own (usually 30).

    The operation raises:
        NotFound: one of `names` does not exist; then nothing is deleted.
        ApiError: the API server refuses some of them; the others are deleted.
    """
    what = f"pod {names[0]}" if len(names) == 1 else "pods"
    operation: Operation[PodEnd, PodDeletion, Changes] = Operation(
        f"wait for the end of {what}", PodDeletion(cluster.where), apply_pod_end
    )
    deletion = _Deletion(cluster, 0 if force else grace_period)

    async def work(progress: Progress[PodEnd]) -> Changes:
        return await deletion.run(progress, await _find(cluster, names))

    return operation.start_task(work)


async def _find(cluster: Cluster, names: Sequence[str]) -> dict[str, str]:
    """The pods' uids."""
    found: dict[str, str] = {}
    missing = []
    for name in names:
        try:
            one = await cluster.request("GET", POD.path(cluster.namespace, name))
            found[name] = text_of(one, "metadata", "uid")
        except NotFound:
            missing.append(name)
    if missing:
        error = await not_found_soon(cluster, missing)
        raise error.replaced(message=f"{error.message} Nothing was deleted.")
    return found


class _Deletion:
    def __init__(self, cluster: Cluster, grace_period: int | None) -> None:
        self._cluster = cluster
        self._grace_period = grace_period
        self._left: tuple[str, ...] = ()

    async def run(self, progress: Progress[PodEnd], doomed: Mapping[str, str]) -> Changes:
        """Delete all of them, wait, and return what was done."""
        refusals: dict[str, NbcontainerError] = {}
        try:
            await asyncio.gather(*(self._ask(name, uid, progress, refusals) for name, uid in doomed.items()))
            asked = {name: uid for name, uid in doomed.items() if name not in refusals}
            for name, error in refusals.items() if asked else ():  # if all are refused, the error says everything
                _emit(progress, (name,), Outcome.FAILED, error.message)
            if asked:
                await self._until_gone(asked, progress)
        except asyncio.CancelledError:
            _emit(progress, self._left, Outcome.STOPPED, "the cluster goes on deleting it")
            raise
        if refusals:
            raise self._refusal(refusals, asked)
        return self._changes(asked)

    async def _ask(
        self, name: str, uid: str, progress: Progress[PodEnd], refusals: dict[str, NbcontainerError]
    ) -> None:
        # the uid protects a pod of the same name that somebody has created in the meantime
        options: dict[str, object] = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        if self._grace_period is not None:
            options["gracePeriodSeconds"] = self._grace_period
        try:
            with suppress(NotFound):
                await self._cluster.request("DELETE", POD.path(self._cluster.namespace, name), body=options)
        except NbcontainerError as error:
            refusals[name] = error
        else:
            self._left = (*self._left, name)
            _emit(progress, (name,), Outcome.RUNNING)

    async def _until_gone(self, asked: Mapping[str, str], progress: Progress[PodEnd]) -> None:
        left = {uid: name for name, uid in asked.items()}
        parameters = {"fieldSelector": f"metadata.name={next(iter(asked))}"} if len(asked) == 1 else {}
        path, is_away = POD.path(self._cluster.namespace), False
        async for news in reflect(self._cluster, path, parameters, silence=AWAITED_SECONDS):
            gone: set[str] = set()
            if isinstance(news, Away) or is_away:
                is_away = isinstance(news, Away)
                reason = news.note if isinstance(news, Away) else ""
                _emit(progress, self._left, Outcome.RUNNING, reason)
            if isinstance(news, Listed):
                there = {text_of(one, "metadata", "uid") for page in news.pages for one in entries_of(page, "items")}
                gone = set(left) - there
            elif isinstance(news, Changed):
                ended = [event for event in news.events if event["type"] == "DELETED"]
                gone = {text_of(event, "object", "metadata", "uid") for event in ended}
            _emit(progress, [left.pop(uid) for uid in list(left) if uid in gone], Outcome.DONE)
            self._left = tuple(left.values())
            if not left:
                return

    def _refusal(self, refusals: Mapping[str, NbcontainerError], asked: Mapping[str, str]) -> NbcontainerError:
        """The first refusal, with what was deleted nevertheless."""
        first, *others = refusals.values()
        more = f" ({len(others)} more were refused.)" if others else ""
        done = f" Deleted: {', '.join(asked)}." if asked else ""
        return first.replaced(message=first.message + more + done)

    def _changes(self, asked: Mapping[str, str]) -> Changes:
        cluster = self._cluster
        words = [f"--grace-period={self._grace_period}"] if self._grace_period is not None else []
        words += ["--force"] if self._grace_period == 0 else []  # without --force, kubectl turns 0 seconds into 1
        command = cluster.commands.kubectl("delete", "pods", *asked, *words)
        return Changes(
            Change("Pod", name, cluster.namespace, "deleted", uid=uid, where=cluster.where, command=command)
            for name, uid in asked.items()
        )


def _emit(
    progress: Progress[PodEnd], names: Sequence[str] | Mapping[str, str], outcome: Outcome, message: str = ""
) -> None:
    for name in names:
        progress.emit(PodEnd(name, outcome, message, time.time()))
