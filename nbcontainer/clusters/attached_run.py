"""A pod that is run for its output: it is created, its log is followed until it ends, and it may then be deleted."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.log_selection import resolve
from nbcontainer.clusters.logs import follow
from nbcontainer.clusters.pods import create_pod, in_time, run_words
from nbcontainer.errors import CommandFailed, NbcontainerError
from nbcontainer.json_objects import entries_of, number_of
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.log_reading import lines_of
from nbcontainer.model.logs import LogEnded, LogEvent, LogRequest, LogResult, LogSource, LogState, ended_with
from nbcontainer.model.outcome import Outcome, outcome_of
from nbcontainer.model.pods import PodRequest, PodStep, pod_manifest

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.operation import Progress

LAST_LINES = 20  # of the output that the error has
DELETE_SECONDS = 0.6  # how long the end waits for the deletion, which then goes on in the background

_deletions: set[asyncio.Task[None]] = set()  # keeps a reference so that the tasks are not garbage-collected


def run(cluster: Cluster, request: PodRequest, *, remove: bool) -> LogOperation[LogResult]:
    """Run an image in a pod and follow its output until it ends; with `remove`, the pod is deleted then, or if stopped.

    The operation raises:
        Conflict: there is a pod of this name.
        CommandFailed: its container ended with a non-zero exit code.
        ApiError: it cannot run; the reason says why.
    """
    writer = LogWriter(f"run {request.name}")
    state = LogState(title=request.name, where=cluster.where, spool=writer.path, followed=True)
    words = run_words(request)
    at = words.index("--") if "--" in words else len(words)
    flags = ["--attach", *(["--rm"] if remove else [])]
    command = cluster.commands.kubectl(*words[:at], *flags, *words[at:])
    operation: LogOperation[LogResult] = LogOperation(
        f"run of {request.name}",
        state,
        conclude=lambda last, code: _conclude(request.name, LogResult(last, command), code),
    )
    return operation.start_task(lambda progress: _run(cluster, request, writer, progress, remove=remove))


async def _run(
    cluster: Cluster, request: PodRequest, writer: LogWriter, progress: Progress[LogEvent], *, remove: bool
) -> int:
    writer.report_to(progress)
    ended, created = LogEnded(), False
    try:
        pod = await create_pod(cluster, pod_manifest(request), request.name)
        created = True
        log = LogRequest((request.name,), follow=True)
        following = asyncio.create_task(follow(cluster, log, await resolve(cluster, log), writer))

        def tell(step: PodStep) -> None:
            if step.status not in {"Running", "Completed"}:
                note = ": ".join(filter(None, (step.status, step.message)))
                writer.emit(LogSource(request.name, open=True, note=note))

        try:
            with suppress(CommandFailed):  # the exit code is told in the end, after all of the output
                await in_time(cluster, request, pod, tell)
            await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        code = await _exit_code(cluster, request.name)
        ended = ended_with(code)
    except asyncio.CancelledError:
        ended = LogEnded(Outcome.STOPPED)
        raise
    except NbcontainerError as error:
        ended = LogEnded(*outcome_of(error, stopped=False))
        raise
    else:
        return code
    finally:
        if created and remove:
            await _delete(cluster, request.name)
        writer.close()
        progress.emit(ended)


def _conclude(name: str, log: LogResult, code: int) -> LogResult:
    if code:
        last = [line.text for line in lines_of(log.state, max(0, len(log) - LAST_LINES), LAST_LINES)]
        message = "".join(
            (f"The command of pod {name} ended with exit code {code}.", *(f"\n  {text}" for text in last[-3:]))
        )
        raise CommandFailed(message, exit_code=code, output="\n".join(last))
    return log


async def _exit_code(cluster: Cluster, name: str) -> int:
    pod = await cluster.request("GET", POD.path(cluster.namespace, name))
    codes = [
        number_of(one, "state", "terminated", "exitCode") for one in entries_of(pod, "status", "containerStatuses")
    ]
    return next(iter(codes), 0)


async def _delete(cluster: Cluster, name: str) -> None:
    async def delete() -> None:
        with suppress(NbcontainerError):
            await cluster.request("DELETE", POD.path(cluster.namespace, name))

    deletion = asyncio.create_task(delete())
    _deletions.add(deletion)
    deletion.add_done_callback(_deletions.discard)
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(deletion), DELETE_SECONDS)
