"""Podman's own pods, for use without a cluster, with a cluster's columns.

Source: the libpod API 4.0, /libpod/pods.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from nbcontainer import engines, existence
from nbcontainer.byte_stream import Frozen
from nbcontainer.engines.containers import inspect
from nbcontainer.engines.http import Http
from nbcontainer.engines.logs import logs as container_logs
from nbcontainer.engines.pod_selectors import matcher
from nbcontainer.engines.pod_tables import (
    EVENT_COLUMNS,
    columns,
    event_row,
    pod_row,
    pod_status,
)
from nbcontainer.engines.silence import Silence
from nbcontainer.errors import NbcontainerError, NotFound, Unsupported, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of, words_of
from nbcontainer.model.log_patterns import pattern_of
from nbcontainer.model.pods import ExecRequest, ExecResult
from nbcontainer.model.results import Description
from nbcontainer.model.tables import (
    Row,
    Table,
    TableEvent,
    TableLive,
    TableReset,
    TableState,
    apply_table,
)
from nbcontainer.operation import Operation, Progress

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine
    from nbcontainer.logs.operation import LogOperation
    from nbcontainer.model.logs import LogRequest, LogResult
    from nbcontainer.model.table_request import TableRequest

NOTE = "no cluster: these are Podman's pods"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before the next attempt to reach Podman
EVENTS_BACK = 3600  # seconds of the past that `events` shows


def podman_http(engine: Engine) -> Http:
    """Calls to Podman's own API."""
    return Http(engine.dial, where=engine.name, version="4.0.0", magic=engine.commands.magic)


def _listed(engine: Engine) -> list[JsonObject]:
    return entries_of(podman_http(engine).json("GET", "/libpod/pods/json"))


# --- the table


def table(engine: Engine, names: Sequence[str] = (), **which: Unpack[TableRequest]) -> Table:
    """The pods, once. They have no namespaces: `all_namespaces` changes nothing.

    Raises:
        NotFound: one of `names` does not exist.
        UsageError: the selector is not valid, or is one of fields.
    """
    reset = _reset(engine, names, **which)
    found = {row.name for row in reset.rows}
    missing = [name for name in names if name not in found]
    if missing:
        raise _no_pod(engine, missing[0], _listed(engine))
    return Table(
        apply_table(TableState(), reset),
        engine.commands.podman("pod", "ps"),
        follow=lambda state: watch_table(engine, names, state=state, **which),
    )


def _reset(engine: Engine, names: Sequence[str], **which: Unpack[TableRequest]) -> TableReset:
    if any(which.get(name) for name in ("sort_by", "columns", "label_columns", "show_labels")):
        raise Unsupported("other columns, or another order of its pods", engine.name)
    selector = which.get("selector", "")
    fits = matcher(selector, which.get("field_selector", ""))
    pods = _listed(engine)
    rows = [_row(engine, pod) for pod in pods if fits(pod) and (not names or pod.get("Name") in names)]
    rows.sort(key=lambda row: row.name)
    title = f"pods with {selector}" if selector else "pods"
    return TableReset(columns(), tuple(rows), title, engine.name, NOTE)


def _row(engine: Engine, pod: JsonObject) -> Row:
    restarts, codes = 0, []
    for container in own_containers(pod):
        with suppress(NbcontainerError):  # it may be gone
            found = inspect(engine, text_of(container, "Id"))
            restarts += number_of(found, "RestartCount")
            codes.append(number_of(found, "State", "ExitCode"))
    return pod_row(pod, own_containers(pod), restarts, codes)


def own_containers(pod: JsonObject) -> list[JsonObject]:
    """A pod's containers without its infra container, which only holds the network."""
    return [one for one in entries_of(pod, "Containers") if one.get("Id") != pod.get("InfraId")]


def watch_table(
    engine: Engine,
    names: Sequence[str] = (),
    *,
    state: TableState | None = None,
    finish: Callable[[Table], Table] | None = None,
    **which: Unpack[TableRequest],
) -> Operation[TableEvent, TableState, Table]:
    """The pods, kept up to date by Podman's events until stopped.

    Args:
        engine: the engine.
        names: only these pods.
        state: that of a table which was listed before; while Podman cannot be reached, it stays.
        finish: turns the last table into the result.
        **which: the selectors of `table`.
    """
    matcher(which.get("selector", ""), which.get("field_selector", ""))  # raises now, rather than in the operation

    def conclude(last: TableState) -> Table:
        table = Table(last, engine.commands.podman("pod", "ps"))
        return finish(table) if finish else table

    operation: Operation[TableEvent, TableState, Table] = Operation(
        f"watch of pods in {engine.name}",
        state or TableState(title="pods", where=engine.name, note=NOTE),
        apply_table,
        endless=True,
        conclude=lambda last, _: conclude(last),
        final_event=lambda: TableLive(live=False),
    )
    return operation.start_thread(
        lambda progress: _follow(progress, engine, lambda: _reset(engine, names, **which), listed=state is not None)
    )


def _follow(progress: Progress[TableEvent], engine: Engine, listing: Callable[[], TableReset], *, listed: bool) -> None:
    """List, and again after each event of a pod or a container; while Podman is unreachable, retry."""
    closers: list[Callable[[], None]] = []
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        for close in closers:
            close()

    def opened(close: Callable[[], None]) -> None:
        closers[:] = [close]
        if stopped.is_set():
            close()

    shown: list[TableReset] = []

    def show() -> None:
        shown[:] = [listing()]
        progress.emit(shown[0])

    progress.on_stop(stop)
    pause = FIRST_PAUSE
    while not stopped.is_set():
        reason = "Podman ended the stream of events"
        try:
            with podman_http(engine).stream(
                "GET", "/libpod/events", query={"stream": "true"}, timeout=None, on_open=opened
            ) as stream:
                show()
                progress.emit(TableLive(live=True))
                Silence(stream.stream, engine.http().check_alive, lambda: [listing()] != shown)
                listed, pause = True, FIRST_PAUSE
                for _ in filter(_is_of_pods, stream.lines()):
                    show()
        except (NbcontainerError, Frozen) as error:
            if not listed:
                raise
            reason = getattr(error, "message", "the connection froze")
        progress.emit(TableLive(live=False, note="" if stopped.is_set() else f"reconnecting: {reason}"))
        stopped.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _is_of_pods(event: JsonObject) -> bool:
    return text_of(event, "Type") in {"pod", "container"}


def find_pod(engine: Engine, name: str) -> JsonObject:
    """A pod, as in the list, but with its containers in the order of its manifest.

    Raises:
        NotFound: there is no pod of this name.
    """
    pods = _listed(engine)
    for pod in pods:
        if pod.get("Name") == name:
            return _in_order(engine, pod)
    raise _no_pod(engine, name, pods)


def _in_order(engine: Engine, pod: JsonObject) -> JsonObject:
    """A pod with its containers in the order in which they were made: Podman lists them in any order."""
    if len(own_containers(pod)) < 2:  # noqa: PLR2004 - there is nothing to order
        return pod
    query = {"all": "true", "filters": json.dumps({"pod": [text_of(pod, "Id")]})}
    found = entries_of(podman_http(engine).json("GET", "/libpod/containers/json", query=query))
    made = {text_of(one, "Id"): text_of(one, "Created") for one in found}
    containers = entries_of(pod, "Containers")
    return {**pod, "Containers": sorted(containers, key=lambda one: made.get(text_of(one, "Id"), ""))}


def _no_pod(engine: Engine, name: str, pods: Sequence[JsonObject]) -> NotFound:
    known = [text_of(pod, "Name") for pod in pods]
    return existence.not_found("pod", name, engine.name, known=known, cure=f"{engine.commands.pods()} lists them.")


# --- about one pod


def describe(engine: Engine, name: str) -> Description:
    """All about a pod, with its events.

    Raises:
        NotFound: there is no such pod.
    """
    pod = find_pod(engine, name)
    head = [
        ("Name", name),
        ("Status", pod_status(pod, [], [])),
        ("Created", text_of(pod, "Created")),
        ("Labels", "\n".join(f"{key}={value}" for key, value in sorted(texts_of(pod, "Labels").items()))),
        ("Networks", ", ".join(words_of(pod, "Networks"))),
    ]
    sections = [("", tuple((key, value) for key, value in head if value))]
    for container in own_containers(pod):
        found = inspect(engine, text_of(container, "Id"))
        state, config = object_of(found, "State"), object_of(found, "Config")
        facts = [
            ("Image", text_of(config, "Image") or text_of(found, "Image")),
            ("Command", " ".join([*words_of(config, "Entrypoint"), *words_of(config, "Cmd")])),
            ("State", text_of(state, "Status")),
            ("Started", text_of(state, "StartedAt")),
            ("Exit Code", str(state.get("ExitCode")) if state.get("Status") == "exited" else ""),
            ("Restart Count", str(number_of(found, "RestartCount"))),
        ]
        title = f"Container {text_of(found, 'Name').removeprefix('/').removeprefix(f'{name}-')}"
        sections.append((title, tuple((key, value) for key, value in facts if value)))
    happened = tuple(tuple(str(cell) for cell in row.cells[1:]) for row in _events(engine, name))
    return Description("Pod", name, "", f"{engine.name} ({NOTE})", tuple(sections), happened,
                       engine.commands.podman("pod", "inspect", name), pod)  # fmt: skip


def events(engine: Engine, name: str = "") -> Table:
    """What happened to pods in the last hour, newest last."""
    title = f"events of pod {name}" if name else "events of pods"
    reset = TableReset(EVENT_COLUMNS, tuple(_events(engine, name)), title, engine.name, NOTE)
    return Table(apply_table(TableState(), reset), engine.commands.podman("events", "--stream=false"))


def _events(engine: Engine, name: str) -> list[Row]:
    query = {"stream": "false", "since": str(int(time.time()) - EVENTS_BACK)}
    with podman_http(engine).stream("GET", "/libpod/events", query=query) as stream:
        happened = list(filter(_is_of_pods, stream.lines()))
    rows = [event_row(index, event) for index, event in enumerate(happened)]
    about = (f"pod/{name}", f"container/{name}-")
    return [row for row in rows if not name or row.name == about[0] or row.name.startswith(about[1])]


def logs(engine: Engine, request: LogRequest) -> LogOperation[LogResult]:
    """The logs of pods' containers, merged.

    Raises:
        NotFound: there is no such pod or container; where others of the request exist, it is only a note.
        UsageError: no pod is named; or `previous` is requested, which Podman does not keep.
    """
    if request.previous:
        raise UsageError("Podman keeps no log of the container before its last restart.")
    names = request.names
    if any(name.startswith("/") for name in names) or (request.all_namespaces and not names):
        names = tuple(_matching_names(engine, names or ("//",)))
    if request.selector:
        fits = matcher(request.selector, "")
        names = tuple(text_of(pod, "Name") for pod in _listed(engine) if fits(pod))
        if not names:
            nobody = existence.no_objects("pod", engine.name, condition=f"with {request.selector}")
            raise NotFound(nobody, reason="not found")
    if not names:
        raise UsageError(
            "Whose logs?", cure=f"Name a pod, or give a selector; {engine.commands.pods()} lists the pods."
        )
    found, missing = list[str](), list[NotFound]()
    for name in names:
        try:
            found += _containers(engine, name, request.container)
        except NotFound as error:
            missing.append(error)
    if missing and not found:
        raise missing[0]
    notes = [error.remark for error in missing]
    if request.follow and names != request.names:
        notes.append("Pods that come later are not followed: Podman's pods are looked up once.")
    return container_logs(engine, replace(request, names=tuple(found), selector="", container=""), notes=notes)


def _matching_names(engine: Engine, names: Sequence[str]) -> Iterator[str]:
    """The names of the pods that these words mean: names, and "/REGEX/" over names."""
    every = [text_of(pod, "Name") for pod in _listed(engine)]
    for name in names:
        pattern = pattern_of((name[1:-1],), "POD") if name.startswith("/") else None
        yield from [one for one in every if pattern.search(one)] if pattern else [name]


def containers(engine: Engine, name: str) -> list[str]:
    """The names of a pod's containers, as in its manifest.

    Raises:
        NotFound: there is no such pod.
    """
    return [one.removeprefix(f"{name}-") for one in _containers(engine, name, "")]


def _containers(engine: Engine, name: str, wanted: str) -> list[str]:
    """The full names of a pod's containers, or of the wanted one.

    Raises:
        NotFound: there is no such pod or container, or the pod has none.
    """
    containers = [text_of(one, "Names") or text_of(one, "Id") for one in own_containers(find_pod(engine, name))]
    if not containers:
        raise NotFound(f"The pod {name} in {engine.name} has no containers yet.", reason="not found")
    if not wanted:
        return containers
    chosen = [one for one in containers if one in {wanted, f"{name}-{wanted}"}]
    if not chosen:
        short = ", ".join(one.removeprefix(f"{name}-") for one in containers)
        raise existence.not_found("container", wanted, f"the pod {name}", cure=f"It has: {short}.")
    return chosen


def execute(engine: Engine, request: ExecRequest) -> LogOperation[ExecResult]:
    """Run a command in a pod's (first) container.

    The operation raises:
        CommandFailed: it ended with a non-zero exit code.
    """
    container = _containers(engine, request.name, request.container)[0]
    return engines.exec.execute(engine, container, request)
