"""The public calls: settings, protection, choice of engine and cluster; then an Operation or a result.

Each takes what docker's or kubectl's verb of that name takes. Engines and clusters meet here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbcontainer.errors import (
    NotFound,
    UsageError,
)
from nbcontainer.identity import NOTEBOOK_LABEL, notebook_id
from nbcontainer.model.build import SourceMap
from nbcontainer.model.containers import RunRequest
from nbcontainer.model.logs import LogRequest
from nbcontainer.model.pods import ExecRequest, PodRequest
from nbcontainer.model.requests import names_from, request_from
from nbcontainer.model.results import Remark, Report
from nbcontainer.protection import (
    changes,
    changes_unless,
    guard,
    guard_later,
    place_of_engine,
    reads,
    refuse_moved,
)

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine as Connected
    from nbcontainer.engines.removal import RemovalPlan
    from nbcontainer.model.containers import RunResult
    from nbcontainer.model.logs import LogEvent, LogResult, LogState
    from nbcontainer.model.pods import (
        Description,
        ExecResult,
        PodChange,
        PodChanges,
        PodDeletion,
        PodEnd,
        PodStart,
        PodStep,
    )
    from nbcontainer.model.tables import Table, TableEvent, TableState
    from nbcontainer.operation import Operation
    from nbcontainer.pods_backend import PodsBackend

__all__ = [
    "ExecRequest",
    "LogRequest",
    "PodRequest",
    "RunRequest",
    "apply",
    "container_logs",
    "containers",
    "create_pod",
    "delete_pods",
    "describe_pod",
    "events",
    "exec_pod",
    "pod_logs",
    "pods",
    "remove_containers",
    "run",
    "stop_containers",
    "watch_pods",
]

SHOWN_NAMES = 10


# --- containers


@changes
def run(request: RunRequest | str, *, engine: str = "", **fields: Any) -> Operation[LogEvent, LogState, RunResult]:
    """Run a command in a new container: `run("busybox", command=["date"], remove=True)`.

    Args:
        request: what to run, or the image's name, with `fields` as `RunRequest` names them.
        engine: as for `build`.
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


# --- pods


@reads
def pods(
    *,
    names: Sequence[str] | str = (),
    all_namespaces: bool = False,
    namespace: str = "",
    selector: str = "",
    field_selector: str = "",
    context: str = "",
) -> Table:
    """The table of pods, of the cluster in use or of Podman where there is none.

    Args:
        names: only these pods.
        all_namespaces: of all namespaces.
        namespace: "" for the context's own.
        selector: a label selector.
        field_selector: a field selector.
        context: the kubeconfig's context; "" for the current one.

    Raises:
        NotFound: one of `names` does not exist.
        ClusterUnavailable: the API server does not answer.
    """
    from nbcontainer.pods_backend import place_of_pods  # noqa: PLC0415 - loads with the first call

    home = _pods_home(context, namespace)
    where: dict[str, Any] = {
        "all_namespaces": all_namespaces,
        "selector": selector,
        "field_selector": field_selector,
        "names": names_from(names),
    }
    found: Table = home.table(**where)
    follow = found.follow or (lambda: home.watch(**where))
    return replace(found, follow=follow, context=place_of_pods(home).name, server=place_of_pods(home).server)


@reads
def watch_pods(
    *,
    names: Sequence[str] | str = (),
    all_namespaces: bool = False,
    namespace: str = "",
    selector: str = "",
    field_selector: str = "",
    context: str = "",
    timeout: float = 0.0,
) -> Operation[TableEvent, TableState, Table]:
    """The same table, kept up to date until it is stopped, or for `timeout` seconds."""
    home = _pods_home(context, namespace)
    operation = home.watch(
        all_namespaces=all_namespaces, selector=selector, field_selector=field_selector, names=names_from(names)
    )
    _stop_after(operation, timeout)
    return operation


@changes
def create_pod(
    request: PodRequest | str, *, context: str = "", **fields: Any
) -> Operation[PodStep, PodStart, PodChange]:
    """Create a pod, and wait until it runs: `create_pod("web", image="web:1")`.

    Args:
        request: the pod, or its name, with `fields` as `PodRequest` names them.
        context: the kubeconfig's context; "" for the current one.
        **fields: `PodRequest`'s fields, where `request` is a name.

    Raises (from `result()`):
        Conflict: there is a pod of this name.
        ApiError: it cannot run; `reason` says why, and the pod is left where it is.
        CommandFailed: its container ended with a non-zero exit code.
    """
    asked = request_from(PodRequest, request, fields, by="name")
    home = _pods_home(context, asked.namespace)
    labels = {**asked.labels, NOTEBOOK_LABEL: notebook_id()}
    return home.create(replace(asked, labels=labels))


@dataclass(frozen=True)
class DeletionPlan:
    """What a deletion will do, before it is done.

    Attributes:
        names: the pods that will go.
        question: what to ask the person.
        permit: raises Protected where the place is protected by then and the call did not name it.
    """

    names: tuple[str, ...]
    namespace: str
    question: str
    home: Any
    permit: Callable[[], object]

    def delete(
        self, *, force: bool = False, grace_period: int | None = None
    ) -> Operation[PodEnd, PodDeletion, PodChanges]:
        """Do it, and wait until they are gone.

        Raises:
            NotFound: nothing was found that would be deleted.
            Protected: the context has been protected since, and the plan did not name it.
        """
        self.permit()
        if not self.names:
            raise NotFound(f"There are no such pods in {self.home.where}.", status=404, reason="NotFound")
        found: Operation[PodEnd, PodDeletion, PodChanges]
        found = self.home.delete(self.names, force=force, grace_period=grace_period)
        return found


@changes
def plan_pod_deletion(
    names: Sequence[str] | str = (),
    *,
    namespace: str = "",
    selector: str = "",
    all: bool = False,  # noqa: A002 - kubectl's own flag
    context: str = "",
) -> DeletionPlan:
    """Find the pods that a deletion would delete.

    Raises:
        NotFound: a named pod does not exist.
        UsageError: more than one of `names`, `selector` and `all` is given.
        Protected: the context is protected and not named.
    """
    home = _pods_home(context, namespace)
    if sum(map(bool, (names, selector, all))) > 1:  # as kubectl: what would the others mean?
        raise UsageError("Pods to delete are named, or found by a selector, or all: one of the three.")
    found = names_from(names)
    if selector or all:
        found = tuple(home.table(selector=selector).names)
    several = f"{len(found)} pods: {', '.join(found[:10])}{' …' if len(found) > SHOWN_NAMES else ''}"
    what = f"the pod {found[0]}" if len(found) == 1 else several
    from nbcontainer.pods_backend import place_of_pods  # noqa: PLC0415 - loads with the first call

    permit = guard_later(place_of_pods(home), context)
    return DeletionPlan(found, namespace, f"Delete {what} in {home.where}?", home, permit)


@changes
def delete_pods(
    names: Sequence[str] | str = (),
    *,
    namespace: str = "",
    selector: str = "",
    all: bool = False,  # noqa: A002 - kubectl's own flag
    force: bool = False,
    grace_period: int | None = None,
    context: str = "",
) -> Operation[PodEnd, PodDeletion, PodChanges]:
    """Delete pods without asking, and wait until they are gone.

    Raises (also from `result()`):
        NotFound: one of `names` does not exist; nothing is deleted.
        ApiError: some are refused; the error says which were deleted all the same.
    """
    plan = plan_pod_deletion(names, namespace=namespace, selector=selector, all=all, context=context)
    return plan.delete(force=force, grace_period=grace_period)


@reads
def describe_pod(name: str, *, namespace: str = "", context: str = "") -> Description:
    """All about a pod, with its events."""
    return _pods_home(context, namespace).describe(name)


@reads
def pod_logs(
    request: LogRequest | str = "", *, context: str = "", **fields: Any
) -> Operation[LogEvent, LogState, LogResult]:
    """Logs of pods, merged: `pod_logs("web")`, `pod_logs(selector="app=web")`; `follow` makes it endless."""
    asked = request_from(LogRequest, request, fields, by="names")
    if asked.tail < -1 or asked.since < 0 or asked.timeout < 0:
        raise UsageError("tail, since and timeout are no negative numbers.", cure="tail=-1 is all lines.")
    return _pods_home(context, asked.namespace).logs(asked)


@changes
def exec_pod(
    request: ExecRequest | str, *, context: str = "", **fields: Any
) -> Operation[LogEvent, LogState, ExecResult]:
    """Run a command in a pod's container: `exec_pod("web", command=["date"])`.

    Raises (from `result()`):
        CommandFailed: it ended with a non-zero exit code.
    """
    asked = request_from(ExecRequest, request, fields, by="name")
    if not asked.command:
        raise UsageError(f"Which command is to run in {asked.name}?", cure='exec_pod("web", command=["date"])')
    home = _pods_home(context, asked.namespace)
    return home.execute(asked)


@reads
def events(name: str = "", *, all_namespaces: bool = False, namespace: str = "", context: str = "") -> Table:
    """What happened to pods, newest last."""
    return _pods_home(context, namespace).events(name, all_namespaces=all_namespaces)


@changes_unless("dry_run")
def apply(
    text: str,
    *,
    namespace: str = "",
    context: str = "",
    dry_run: bool = False,
    force_conflicts: bool = False,
    source_map: SourceMap = SourceMap(),  # noqa: B008 - it is frozen
) -> PodChanges:
    """Apply YAML on the server: each object is created or changed.

    Args:
        text: one or more YAML documents.
        namespace: for objects that name none; one that names another is an error.
        context: the kubeconfig's context.
        dry_run: only say what would be done.
        force_conflicts: take over fields that others manage.
        source_map: from the text's lines to the person's own, for errors.

    Raises:
        UsageError: the text is not YAML, or no object; with the person's own line.
        Conflict: others manage a field; it names them.
    """
    from nbcontainer.model.pods import PodChanges  # noqa: PLC0415 - loads with the first call

    home = _pods_home(context, namespace)
    found = home.apply(
        text, namespace=namespace, dry_run=dry_run, force_conflicts=force_conflicts, source_map=source_map
    )
    return PodChanges(found)


# --- what they share


def _engine(name: str = "") -> Connected:
    """The engine of that name, or the one in use; where the call changes something, it must not be protected."""
    from nbcontainer.engines.connection import find_engine  # noqa: PLC0415 - loads with the first call

    engine = find_engine(name)
    guard(place_of_engine(engine), name)
    return engine


def _pods_home(context: str, namespace: str) -> PodsBackend:
    """Where pods are; where the call changes something, it must not be protected."""
    from nbcontainer.pods_backend import find_pods_backend, place_of_pods  # noqa: PLC0415 - loads with the first call

    home = find_pods_backend(context, namespace)
    refuse_moved(place_of_pods(home), context)
    guard(place_of_pods(home), context)
    return home


def _stop_after(operation: Operation[Any, Any, Any], seconds: float) -> None:
    if seconds > 0:
        import threading  # noqa: PLC0415 - seldom

        timer = threading.Timer(seconds, operation.stop)
        timer.daemon = True
        timer.start()
        operation.when_done(timer.cancel)
