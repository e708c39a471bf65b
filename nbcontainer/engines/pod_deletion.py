"""Deleting Podman's pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.engines.pods import find_pod, podman_http
from nbcontainer.errors import ApiError, NbcontainerError
from nbcontainer.json_objects import text_of
from nbcontainer.model.changes import Change, Changes
from nbcontainer.model.deletion import Deletion, ObjectEnd, apply_object_end
from nbcontainer.model.outcome import Outcome
from nbcontainer.operation import Operation, Progress

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine

GRACE_SECONDS = 10
MOST_AT_ONCE = 8


def delete(
    engine: Engine, names: Sequence[str], *, force: bool = False, grace_period: int | None = None
) -> Operation[ObjectEnd, Deletion, Changes]:
    """Stop and remove pods, some at a time; each container gets `grace_period` seconds to terminate by itself.

    The operation raises:
        NotFound: one of them does not exist; then nothing is deleted.
        ApiError: Podman refuses some; the others are gone.
    """
    operation: Operation[ObjectEnd, Deletion, Changes] = Operation(
        f"deletion of {f'pod {names[0]}' if len(names) == 1 else 'pods'}", Deletion(engine.name), apply_object_end
    )
    seconds = 0 if force else GRACE_SECONDS if grace_period is None else grace_period
    return operation.start_thread(lambda progress: _delete(engine, tuple(names), seconds, progress))


def _delete(engine: Engine, names: tuple[str, ...], seconds: int, progress: Progress[ObjectEnd]) -> Changes:
    doomed = {name: text_of(find_pod(engine, name), "Id") for name in names}
    gone: dict[str, str] = {}
    refusals: list[NbcontainerError] = []

    some = threading.Semaphore(MOST_AT_ONCE)

    def delete_one(name: str) -> None:
        try:
            with some:
                came_too_late = progress.stopping
                if came_too_late:
                    return
                progress.emit(ObjectEnd(name, Outcome.RUNNING, time=time.time()))
                _remove(engine, doomed[name], seconds, progress)
        except NbcontainerError as error:
            progress.emit(ObjectEnd(name, Outcome.FAILED, error.message, time.time()))
            refusals.append(error)
            return
        if progress.stopping:
            stays = "Podman is still stopping it; it is not removed"
            progress.emit(ObjectEnd(name, Outcome.STOPPED, stays, time.time()))
        else:
            progress.emit(ObjectEnd(name, Outcome.DONE, time=time.time()))
            gone[name] = doomed[name]

    name = "nbcontainer: deletion of a pod"
    threads = [threading.Thread(target=delete_one, args=(one,), daemon=True, name=name) for one in doomed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if progress.stopping:
        raise ApiError("stopped", reason="Stopped")
    if refusals:
        done = f" Deleted: {', '.join(name for name in names if name in gone)}." if gone else ""
        raise refusals[0].replaced(message=refusals[0].message + done)
    flags = ("--force", "--time", str(seconds))  # a running pod is stopped first
    return Changes(
        Change(
            "Pod",
            name,
            "",
            "deleted",
            uid=uid,
            where=engine.name,
            command=engine.commands.podman("pod", "rm", *flags, name),
        )
        for name, uid in doomed.items()
    )


def _remove(engine: Engine, uid: str, seconds: int, progress: Progress[ObjectEnd]) -> None:
    """Stop a pod and remove it, unless a stop is requested meanwhile."""
    # Podman 4.3 reads 0 seconds as its default of 10
    action, query = ("stop", {"t": seconds}) if seconds else ("kill", None)
    ended = threading.Event()

    def end() -> None:
        with suppress(NbcontainerError):  # a pod that is not running cannot be stopped, but is removed too
            podman_http(engine).call("POST", f"/libpod/pods/{uid}/{action}", query=query, timeout=seconds + 30.0)
        ended.set()

    threading.Thread(target=end, daemon=True, name="nbcontainer: end of a pod").start()
    progress.on_stop(ended.set)
    ended.wait()
    if not progress.stopping:
        podman_http(engine).call("DELETE", f"/libpod/pods/{uid}", query={"force": "true"}, timeout=30.0)
