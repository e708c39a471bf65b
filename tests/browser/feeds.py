"""Runs in the kernel of a browser test: tables, logs and builds that change at a given pace, or hold hostile text."""

import random
import time
from dataclasses import replace
from typing import Any

from ipywidgets import Widget

from nbcontainer.errors import NbcontainerError
from nbcontainer.logs.operation import LogOperation
from nbcontainer.logs.writer import LogWriter
from nbcontainer.model.build import BuildEnded, BuildState, StepOutput, apply_build
from nbcontainer.model.build_steps import BuildStep, StepState
from nbcontainer.model.deletion import Deletion, ObjectEnd, apply_object_end
from nbcontainer.model.log_lines import LogLine, chunks_of
from nbcontainer.model.logs import LogEnded, LogEvent, LogLines, LogResult, LogSource, LogState, apply_logs
from nbcontainer.model.outcome import Outcome
from nbcontainer.model.pods import PodStart, PodStep, apply_pod_step
from nbcontainer.model.tables import (
    Column,
    Row,
    Table,
    TableChanged,
    TableEvent,
    TableLive,
    TableReset,
    TableState,
    Tone,
    apply_table,
)
from nbcontainer.operation import Operation, Progress, registry
from nbcontainer.views.blocks import Node, Tree
from nbcontainer.views.kit import Picture, Span
from nbcontainer.views.view import View

COLUMNS = (
    Column("Name"),
    Column("Ready"),
    Column("Status", "status"),
    Column("Restarts", "number"),
    Column("CPU", "number"),
    Column("Memory", "bytes"),
    Column("Age", "age"),
    Column("Node"),
    Column("IP", wide=True),
)
HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>\x1b[31mred\x1b[0m\x1b]8;;javascript:alert(3)\x07link"
    "\x1b]8;;\x07 user\u202egnp.exe\x00\x9b31m\x1b["
)
TEXTS = (
    "GET /cart 200 3.1ms",
    "GET /checkout 503 1003ms upstream payments timed out",
    "\x1b[31mERROR\x1b[0m payments: dial tcp 10.96.14.2:443: i/o timeout",
    "\x1b[32mINFO\x1b[0m  request handled \x1b[36mpath=\x1b[0m/api/v1/items \x1b[36mstatus=\x1b[0m200 dur=12.3ms",
    "\x1b[33mWARN\x1b[0m  slow query 1.2s: SELECT * FROM cart WHERE user = 42",
    '{"level":"error","msg":"connection reset by peer","code":502}',
)
STRUCTURED = (
    '{"level":"info","time":"2026-01-02T03:04:05Z","method":"GET","status":200,"path":"/cart","msg":"handled","ms":3}',
    '{"level":"warn","time":"2026-01-02T03:04:05Z","method":"PUT","status":429,"path":"/pay","msg":"retried"}',
    'level=error method=GET status=503 path=/checkout msg="upstream payments timed out" trace=4bf92f3577b34da6',
    '{"level":"debug","method":"PUT","status":204,"path":"/cart/42","msg":"\\u001b[32mmiss\\u001b[0m","user":"bob"}',
    "panic: runtime error: index out of range",
    '{"lvl":"fatal","method":"\\u202e<img src=x onerror=f()>","status":"\\u0000\\n","msg":"<script>g()</script>"}',
)
SOURCES = ("web-7c9d5b-x2x8q", "web-7c9d5b-r7kpl", "web-7c9d5b-9k2vh")


def pod(number: int, now: float, cpu: int = 0) -> Row:
    """Pod `number`; with `cpu` it uses that much CPU."""
    known = random.Random(number)
    status, tone = "Running", Tone.PLAIN
    if number % 1111 == 3:
        status, tone = "CrashLoopBackOff", Tone.BAD
    elif number % 800 == 1:
        status, tone = "Pending" if number % 1600 == 1 else "ContainerCreating", Tone.WARNING
    application = known.choice(["web", "cart", "payments", "web-canary"])
    name = f"{application}-{known.randrange(16**9):09x}-{known.randrange(16**5):05x}"
    running = status == "Running"
    cells = (
        name,
        "1/1" if running else "0/1",
        status,
        6 if tone is Tone.BAD else 0,
        (cpu or known.randrange(1, 400)) if running else None,
        known.randrange(10**6, 9 * 10**8) if running else None,
        now - known.choice([30, 250, 4_000, 300_000]) - known.random() * 50,
        f"node-{number % 9}" if status != "Pending" else None,
        f"10.0.{number % 250}.{number % 240}",
    )
    labels = {"app": application, "tier": "db" if number % 5 == 0 else "front"}
    return Row(f"uid-{number}", cells, tone, name=name, namespace="shop", kind="Pod", labels=labels)


def pods(
    count: int, *, changes: int = 0, note: str = "", plain: bool = False
) -> Operation[TableEvent, TableState, Table]:
    """A watched table of `count` pods with so many changes a second, until it is stopped.

    With `plain` it has the columns of `kubectl get pods`, and no more.
    """
    now = time.time()
    hidden = {"CPU", "Memory", "Node"} if plain else set()
    columns = tuple(replace(column, wide=column.wide or column.name in hidden) for column in COLUMNS)

    def work(progress: Progress[TableEvent]) -> None:
        started, turn = time.time(), 0
        while not progress.stopping:
            turn += 1
            time.sleep(max(0.0, started + turn / 50 - time.time()))
            if changes:
                chosen = (random.randrange(count) for _ in range(max(1, changes // 50)))
                progress.emit(TableChanged(tuple(pod(number, now, random.randrange(1, 400)) for number in chosen)))

    listed = TableReset(columns, tuple(pod(number, now) for number in range(count)), "Pods", "kind-dev / shop", note)
    state = apply_table(apply_table(TableState(), listed), TableLive(live=True))
    operation: Operation[TableEvent, TableState, Table] = Operation(
        "watch of pods", state, apply_table, endless=True, conclude=lambda last, _value: Table(last)
    )
    return operation.start_thread(work)


def log(
    count: int,
    *,
    rate: int = 0,
    title: str = "deploy/web",
    pad: int = 0,
    run: int = 1,
    highlight: tuple[str, ...] = (),
    texts: tuple[str, ...] = TEXTS,
) -> LogOperation[LogResult]:
    """A followed log of three sources: `count` lines at once, then `rate` a second until stopped.

    Each line has `pad` more characters; `run` lines of one source come before those of the next.
    """
    writer = LogWriter(title)
    channels = [writer.channel(name, stamped=True) for name in SOURCES]
    began = int(time.time())
    padding = "x" * pad
    mark = (lambda number: f" #{number}") if texts is TEXTS else (lambda _: "")  # would be no JSON any more

    def line(number: int, second: str) -> str:
        return f"{second}.{number % 1000:03d}000000Z {texts[number * 7 % 6]}{mark(number)}{padding}\n"

    def write(first: int, end: int) -> None:
        while first < end:
            second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began + first // 1000))
            until = min(end, (first // run + 1) * run, (first // 1000 + 1) * 1000)
            text = "".join([line(number, second) for number in range(first, until)])
            channels[first // run % 3].feed(text.encode())
            first = until

    def work(progress: Progress[LogEvent]) -> None:
        writer.report_to(progress)
        for name in SOURCES:
            writer.emit(LogSource(name, open=True))
        write(0, count)
        note = f"{SOURCES[1]} restarted (exit 137, out of memory); the log goes on with the new container"
        writer.emit(LogSource(SOURCES[1], open=True, note=note))
        started, done = time.time(), count
        while not progress.stopping:
            time.sleep(0.02)
            due = count + int((time.time() - started) * rate)
            write(done, due)
            done = due
        writer.close()
        progress.emit(LogEnded(Outcome.STOPPED))

    state = LogState(title=title, where="kind-dev / shop", spool=writer.path, followed=True, highlight=highlight)
    operation = LogOperation(f"log of {title}", state, endless=True, conclude=lambda last, _value: LogResult(last))
    operation.start_thread(work)
    return operation


def printing_build(count: int = 200, running: int = 50) -> Operation[Any, BuildState, BuildState]:
    """A build in which `running` of `count` steps print as fast as they can, until it is stopped."""
    now = time.time()
    steps = {
        str(number): BuildStep(
            str(number),
            f"[{number}/{count}] RUN make target-{number}",
            f"stage {number // 20}",
            f"RUN make target-{number}",
            (number + 1, number + 1),
            state=StepState.RUNNING if number < running else StepState.WAITING,
            started=now if number < running else None,
        )
        for number in range(count)
    }

    def work(progress: Progress[Any]) -> None:
        written = 0
        while not progress.stopping:
            lines = tuple(f"\x1b[32mok\x1b[0m compiling internal/part{written + at}.go" for at in range(20))
            written += len(lines)
            for number in range(running):
                progress.emit(StepOutput(str(number), lines))
        progress.emit(BuildEnded(Outcome.STOPPED, time=time.time()))

    state = BuildState("web:1", started=now, steps=steps)
    return Operation("build", state, apply_build, conclude=lambda last, _value: last).start_thread(work)


def hostile_pods() -> Operation[TableEvent, TableState, Table]:
    """A table in which every text is hostile."""
    row = Row(HOSTILE, (HOSTILE, HOSTILE), Tone.BAD, name=HOSTILE, labels={HOSTILE: HOSTILE})
    columns = (Column(HOSTILE), Column("Status", "status"))
    listed = apply_table(TableState(), TableReset(columns, (row,), HOSTILE, HOSTILE, HOSTILE))
    return _until_stopped("table", apply_table(listed, TableLive(live=False, note=HOSTILE)), apply_table)


def hostile_log() -> Operation[LogEvent, LogState, LogResult]:
    """A log in which every text is hostile."""
    state = LogState(title=HOSTILE, where=HOSTILE, followed=True)
    for event in (
        LogSource(HOSTILE, open=True),
        LogSource("other", open=True),
        LogLines(tuple(chunks_of([LogLine(HOSTILE, HOSTILE), LogLine("other", "plain")]))),
        LogSource(HOSTILE, open=True, note=HOSTILE),
    ):
        state = apply_logs(state, event)
    return _until_stopped("log", state, apply_logs, LogEnded(Outcome.STOPPED))


def _until_stopped(name: str, state: Any, apply: Any, *ending: Any) -> Any:
    def work(progress: Progress[Any]) -> None:
        while not progress.stopping:
            time.sleep(0.01)
        for event in ending:
            progress.emit(event)

    return Operation(name, state, apply, endless=True, conclude=lambda last, _value: last).start_thread(work)


def creation() -> Operation[PodStep, PodStart, PodStart]:
    """A pod that is stuck in ContainerCreating."""

    def work(progress: Progress[PodStep]) -> None:
        progress.emit(PodStep("Pending"))
        progress.emit(PodStep("ContainerCreating", "pulling the image registry.example.com/team/web:1"))
        while not progress.stopping:
            time.sleep(0.01)
        progress.emit(PodStep("", outcome=Outcome.STOPPED))
        raise RuntimeError("cut off")

    state = PodStart("web", "kind-dev / shop")
    return Operation("creation", state, apply_pod_step, conclude=lambda last, _value: last).start_thread(work)


def deletion() -> Operation[ObjectEnd, Deletion, Deletion]:
    """Three terminating pods: the deletion started seven seconds ago, and one is gone."""
    started = time.time() - 7

    def work(progress: Progress[ObjectEnd]) -> None:
        for name in ("web", "cart", "db"):
            progress.emit(ObjectEnd(name, Outcome.RUNNING, time=started))
        progress.emit(ObjectEnd("db", Outcome.DONE, time=started + 2))
        while not progress.stopping:
            time.sleep(0.01)
        for name in ("web", "cart"):
            progress.emit(ObjectEnd(name, Outcome.STOPPED, time=time.time()))
        raise RuntimeError("cut off")

    state = Deletion("kind-dev / shop")
    return Operation("deletion", state, apply_object_end, conclude=lambda last, _value: last).start_thread(work)


class FolderView(View[str, tuple[str, ...]]):
    """The view of a folder whose subfolders are read when they are opened."""

    def line(self, event: str) -> str:
        return event

    def render(self, state: tuple[str, ...]) -> Picture:
        nodes = tuple(Node(name, (Span(name),), None) for name in state)
        return Picture((Tree(nodes, key="files", label="Files"),), label="folder")

    def children(self, state: tuple[str, ...], block: str, node: str) -> tuple[Node, ...]:
        if node == "secret":
            raise NbcontainerError("Permission denied.")
        return tuple(Node(f"{block}/{node}/{index}", (Span(f"file {index} of {len(state)}"),)) for index in range(2))


def folder() -> Operation[str, tuple[str, ...], tuple[str, ...]]:
    """A folder that is followed until it is stopped."""

    def work(progress: Progress[str]) -> None:
        for name in ("app", "secret", "etc"):
            progress.emit(name)
        while not progress.stopping:
            time.sleep(0.01)

    return Operation(
        "folder", (), lambda state, name: (*state, name), endless=True, conclude=lambda last, _value: last
    ).start_thread(work)


def forget(shell: Any) -> None:
    """Stop what is running, close the widgets and delete the variables: another notebook gets the kernel."""
    for running in tuple(registry._running):
        running.stop()
        running.wait(5)
    Widget.close_all()
    shell.reset(new_session=False)
