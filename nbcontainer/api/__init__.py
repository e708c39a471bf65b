"""The public calls: settings, protection, choice of engine and cluster; then an Operation or a result.

Each takes what docker's or kubectl's verb of that name takes. Engines and clusters meet here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbcontainer.errors import NbcontainerError
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.requests import names_from, request_from
from nbcontainer.model.results import Remark, Report
from nbcontainer.protection import (
    changes,
    guard,
    guard_later,
    place_of_engine,
    reads,
)
from nbcontainer.verbs.wording import in_python

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected
    from nbcontainer.engines.removal import RemovalPlan
    from nbcontainer.model.containers import RunResult
    from nbcontainer.model.logs import LogEvent, LogResult, LogState
    from nbcontainer.model.tables import Table
    from nbcontainer.operation import Operation

NbcontainerError.word_cures(in_python)

__all__ = [
    "LogRequest",
    "RunRequest",
    "container_logs",
    "containers",
    "remove_containers",
    "run",
    "stop_containers",
]


# --- containers


@changes
def run(request: RunRequest | str, *, engine: str = "", **fields: Any) -> Operation[LogEvent, LogState, RunResult]:
    """Run a command in a new container: `run("busybox", command=["date"], remove=True)`.

    Args:
        request: what to run, or the image's name, with `fields` as `RunRequest` names them.
        engine: a docker context, an address or "podman"; "" for the one in use.
        **fields: `RunRequest`'s fields, where `request` is a name.

    Raises (from `result()`):
        CommandFailed: it ended with a non-zero exit code.
        NotFound: there is no such image.
    """
    from nbcontainer.engines.run import run as engine_run  # noqa: PLC0415 - loads with the first call

    asked = request_from(RunRequest, request, fields, by="image")
    labels = {NOTEBOOK_LABEL: notebook_id(), **asked.labels}
    return engine_run(_engine(engine), replace(asked, labels=labels))


@reads
def containers(*, all: bool = False, engine: str = "") -> Table:  # noqa: A002 - docker's own flag
    """The table of containers."""
    from nbcontainer.engines import containers as engine_containers  # noqa: PLC0415 - loads with the first call

    return engine_containers.ps(_engine(engine), every=all)


@reads
def container_logs(
    request: LogRequest | str, *, engine: str = "", **fields: Any
) -> Operation[LogEvent, LogState, LogResult]:
    """A container's output, by its name with `LogRequest`'s fields; `follow` makes it endless."""
    from nbcontainer.engines import logs as engine_logs  # noqa: PLC0415 - loads with the first call

    return engine_logs.logs(_engine(engine), request_from(LogRequest, request, fields, by="names"))


@changes
def stop_containers(names: Sequence[str] | str, *, seconds: int | None = None, engine: str = "") -> Report:
    """Stop containers; `seconds` is how long each may take to end well.

    Raises:
        NotFound: one of them does not exist; nothing is stopped.
    """
    from nbcontainer.engines import containers as engine_containers  # noqa: PLC0415 - loads with the first call

    found = _engine(engine)
    stopped = names_from(names)
    for container in engine_containers.find(found, stopped):
        engine_containers.stop(found, container.id, **({} if seconds is None else {"seconds": seconds}))
    words = ["stop", *([] if seconds is None else ["--time", str(seconds)]), *stopped]
    return Report(tuple(Remark(f"{name} stopped") for name in stopped), found.commands.command(*words))


@changes
def remove_containers(
    names: Sequence[str] | str, *, force: bool = False, volumes: bool = False, engine: str = ""
) -> Report:
    """Remove containers, without asking.

    Raises:
        NotFound: one of them does not exist, and it is not forced; nothing is removed.
        Conflict: one of them runs, and it is not forced; nothing is removed.
    """
    return plan_container_removal(names, force=force, volumes=volumes, engine=engine).remove()


@changes
def plan_container_removal(
    names: Sequence[str] | str, *, force: bool = False, volumes: bool = False, engine: str = ""
) -> RemovalPlan:
    """Find the containers that a removal would remove; raises as `remove_containers`."""
    from nbcontainer.engines.removal import plan_removal  # noqa: PLC0415 - loads with the first call

    found = _engine(engine)
    plan = plan_removal(found, names_from(names), force=force, volumes=volumes)
    return replace(plan, permit=guard_later(place_of_engine(found), engine))


# --- what they share


def _engine(name: str = "") -> Connected:
    """The engine of that name, or the one in use; where the call changes something, it must not be protected."""
    from nbcontainer.engines.connection import find_engine  # noqa: PLC0415 - loads with the first call

    engine = find_engine(name)
    guard(place_of_engine(engine), name)
    return engine
