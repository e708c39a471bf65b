"""Containers of an engine: run, list, inspect, start, stop, remove."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbcontainer.engine.config import proxies
from nbcontainer.engine.http import ReplyStream, plain, quoted
from nbcontainer.engine.images import pull
from nbcontainer.engine.output import Recorder, follow_output, send_input
from nbcontainer.engine.run_request import creation, is_image_id, run_command
from nbcontainer.errors import ApiError, CommandFailed, Conflict, NbcontainerError, NotFound, outcome_of
from nbcontainer.model.containers import Container, RunRequest, RunResult
from nbcontainer.model.logs import LogEnded, LogEvent, LogSource, LogState, apply_logs, ended_with
from nbcontainer.model.tables import Column, Row, Table, TableReset, TableState, Tone, apply_table
from nbcontainer.operation import Operation, Progress
from nbcontainer.spool import Spool

if TYPE_CHECKING:
    from nbcontainer.engine.connection import Engine

__all__ = ["inspect", "kill", "list_containers", "ps", "remove", "restart", "run", "start", "stop"]

Run = Operation[LogEvent, LogState, RunResult]

COLUMNS = (
    Column("CONTAINER ID"),
    Column("IMAGE"),
    Column("COMMAND"),
    Column("CREATED", "age"),
    Column("STATUS", "status"),
    Column("PORTS"),
    Column("NAMES"),
)
SHORT_ID = 12
STOP_SECONDS = 10  # docker's own: what a container gets between SIGTERM and SIGKILL
CLEAN_UP_SECONDS = 10.0
KILLED = 137


# --- run


def run(engine: Engine, request: RunRequest) -> Run:
    """Run a command in a new container.

    With `detach` the result is there as soon as it has started. Else its output is told while it comes, and a stop
    kills the container. An image that is missing is pulled first.

    Raises:
        UsageError: a value of the request is wrong.

    The operation raises CommandFailed when the command's exit code is not 0, NotFound for an image that is not to be
    had, Conflict for a name in use, ApiError where the engine refuses.
    """
    body = creation(request, proxies(engine.address))
    command = run_command(request)
    spool = None if request.detach else Spool(f"run-{request.name or request.image}")
    state = LogState(
        title=request.name or request.image, where=engine.name, spool=spool.path if spool else "", following=True
    )
    operation: Run = Operation(
        f"run of {request.image}",
        state,
        apply_logs,
        conclude=lambda last, made: _run_result(last, made, command),
    )
    return operation.start_thread(lambda progress: _Runner(engine, request, body, spool, progress).run())


def _run_result(state: LogState, made: tuple[str, str, int | None], command: str) -> RunResult:
    container, name, exit_code = made
    result = RunResult(container, name, exit_code, "\n".join(line.text for line in state.lines), state.spool, command)
    if exit_code:
        why = " (killed: it ran out of memory, or it was stopped)" if exit_code == KILLED else ""
        raise CommandFailed(
            f"{name} ended with exit code {exit_code}{why}.",
            exit_code=exit_code,
            output=result.output,
            cure=f"Its whole output is in {state.spool}." if state.total > len(state.lines) else "",
        )
    return result


class _Runner:
    """One `docker run`, from the missing image to the exit code."""

    def __init__(
        self,
        engine: Engine,
        request: RunRequest,
        body: Mapping[str, Any],
        spool: Spool | None,
        progress: Progress[LogEvent],
    ) -> None:
        self._engine, self._request, self._body = engine, request, body
        self._http = engine.http()
        self._spool, self._progress = spool, progress

    def run(self) -> tuple[str, str, int | None]:
        """Id, name, and exit code."""
        if self._spool is None:
            return self._run()
        try:
            made = self._run()
        except BaseException as error:
            self._progress.tell(LogEnded(*outcome_of(error, stopped=self._progress.stopping)))
            raise
        finally:
            self._spool.close()
        self._progress.tell(ended_with(made[2]))
        return made

    def _run(self) -> tuple[str, str, int | None]:
        request = self._request
        if request.pull == "always":
            self._pull()
        try:
            container = self._create()
        except NotFound:
            if request.pull != "missing" or is_image_id(request.image):
                raise
            self._pull()
            container = self._create()
        ended = False
        try:
            name = str(inspect(self._engine, container).get("Name") or container[:SHORT_ID]).removeprefix("/")
            if self._spool is None:
                self._start(container)
                exit_code = None
            else:
                exit_code = self._attached(container, name, self._spool)
            # a detached container that was started while somebody stopped the call is not left running
            ended = self._spool is not None or not self._progress.stopping
        finally:
            if not ended:
                self._clean_up(container)
        return container, name, exit_code

    def _pull(self) -> None:
        image = self._request.image
        self._progress.tell(LogSource("", open=True, note=f"pulling {image}"))
        operation = pull(self._engine, image, platform=self._request.platform)
        self._progress.on_stop(operation.stop)
        operation.result()
        self._progress.tell(LogSource("", open=False, note=f"pulled {image}"))

    def _create(self) -> str:
        query = {"name": self._request.name or None, "platform": self._request.platform or None}
        made = self._http.json("POST", "/containers/create", query=query, body=dict(self._body))
        for warning in made.get("Warnings") or ():
            self._progress.tell(LogSource("", open=True, note=plain(str(warning))))
        return str(made["Id"])

    def _start(self, container: str) -> None:
        self._http.call("POST", f"/containers/{container}/start")

    def _attached(self, container: str, name: str, spool: Spool) -> int:
        """Attach first, then wait, then start: nothing of a short command is missed."""
        query = {"stream": True, "stdout": True, "stderr": True, "stdin": self._request.stdin is not None}
        stream, _ = self._http.hijack(f"/containers/{container}/attach", query=query)
        self._progress.on_stop(stream.close)
        # Podman 4.3 says 0 for a container that it has already removed
        condition = "removed" if self._request.remove and not self._engine.capabilities.pods else "next-exit"
        with (
            stream,
            self._http.stream(
                "POST", f"/containers/{container}/wait", query={"condition": condition}, timeout=None
            ) as waiting,
        ):
            self._progress.on_stop(waiting.close)
            self._start(container)
            self._progress.tell(LogSource(name, open=True))
            if self._request.stdin is not None:
                send_input(stream, self._request.stdin)
            if not follow_output(stream, name, Recorder(self._progress, spool)):
                raise ApiError(f"{self._engine.name} broke off in the middle of the output.", reason="broken stream")
            exit_code = _exit_code(waiting)
        if self._request.remove and condition != "removed":
            with contextlib.suppress(NbcontainerError):  # Podman is about to do it: now, so that its name is free
                self._http.call("DELETE", f"/containers/{container}", query={"force": True, "v": True})
        self._progress.tell(LogSource(name, open=False))
        return exit_code

    def _clean_up(self, container: str) -> None:
        """Leave nothing running; what never ran, or was to be removed, is removed."""
        with contextlib.suppress(NbcontainerError):
            never = (inspect(self._engine, container).get("State") or {}).get("Status") in ("created", "configured")
            if never or self._request.remove:
                query = {"force": True, "v": True}
                self._http.call("DELETE", f"/containers/{container}", query=query, timeout=CLEAN_UP_SECONDS)
            else:
                self._http.call("POST", f"/containers/{container}/stop", query={"t": 0}, timeout=CLEAN_UP_SECONDS)


def _exit_code(waiting: ReplyStream) -> int:
    for message in waiting.lines():
        if isinstance(message.get("StatusCode"), int):
            return int(message["StatusCode"])
        error = message.get("Error") or message.get("message")
        raise ApiError(plain(str(error.get("Message") if isinstance(error, dict) else error)))
    raise ApiError("The engine did not tell the exit code.", reason="broken stream")


# --- list


def list_containers(
    engine: Engine, *, every: bool = False, filters: Mapping[str, Sequence[str]] | None = None
) -> list[Container]:
    """The engine's containers, newest first.

    Args:
        engine: whose.
        every: those that do not run too.
        filters: docker's own, such as {"label": ["nbcontainer.notebook=…"], "status": ["exited"]}.

    Raises:
        ApiError: a filter is wrong.
    """
    query = {"all": every, "filters": {name: list(values) for name, values in filters.items()} if filters else None}
    found = engine.http().json("GET", "/containers/json", query=query)
    rows = [_container(entry) for entry in found or () if isinstance(entry, dict)]
    return sorted(rows, key=lambda container: container.created, reverse=True)


def _container(entry: Mapping[str, Any]) -> Container:
    names = [str(name).removeprefix("/") for name in entry.get("Names") or ()]
    # a name with a second slash is a link's, as an alias of another container has it
    own = [name for name in names if "/" not in name] or names or [str(entry.get("Id"))[:SHORT_ID]]
    status = str(entry.get("Status") or "")
    exited = re.match(r"Exited \((-?\d+)\)", status)
    return Container(
        id=str(entry.get("Id") or ""),
        name=own[0],
        image=str(entry.get("Image") or ""),
        command=str(entry.get("Command") or ""),
        state=str(entry.get("State") or ""),
        status=status,
        ports=_ports(entry.get("Ports") or ()),
        created=float(entry.get("Created") or 0),
        exit_code=int(exited[1]) if exited else None,
        labels={str(name): str(value) for name, value in (entry.get("Labels") or {}).items()},
    )


def _ports(ports: Sequence[Mapping[str, Any]]) -> str:
    """As docker ps writes them; IPv4 and IPv6 of one port are one."""
    words = {}
    for port in ports:
        inside = f"{port.get('PrivatePort')}/{port.get('Type') or 'tcp'}"
        if not port.get("PublicPort"):
            words[inside] = True
            continue
        address = str(port.get("IP") or "0.0.0.0").replace("::", "0.0.0.0")  # noqa: S104 - told, not bound
        words[f"{address}:{port['PublicPort']}->{inside}"] = True
    return ", ".join(words)


def ps(engine: Engine, *, every: bool = False, filters: Mapping[str, Sequence[str]] | None = None) -> Table:
    """The engine's containers as a table.

    Args:
        engine: whose.
        every: those that do not run too.
        filters: as `list_containers`.

    Raises:
        ApiError: a filter is wrong.
    """
    rows = []
    for container in list_containers(engine, every=every, filters=filters):
        cells = (
            container.id[:SHORT_ID],
            container.image,
            container.command,
            container.created,
            container.status or container.state,
            container.ports,
            container.name,
        )
        rows.append(Row(container.id, cells, _tone(container), container.name, "", "container", container.labels))
    words = ["-a"] * every
    words += [word for key, values in (filters or {}).items() for value in values for word in ("-f", f"{key}={value}")]
    state = apply_table(TableState(), TableReset(COLUMNS, tuple(rows), "containers", engine.name))
    return Table(state, shlex.join(["docker", "ps", *words]))


def _tone(container: Container) -> Tone:
    match container.state:
        case "running":
            return Tone.BAD if "(unhealthy)" in container.status else Tone.GOOD
        case "exited" | "stopped":
            return Tone.BAD if container.exit_code else Tone.DIM
        case "dead":
            return Tone.BAD
        case "paused" | "restarting" | "removing":
            return Tone.WARNING
    return Tone.PLAIN


# --- one container


def inspect(engine: Engine, container: str) -> dict[str, Any]:
    """All that the engine knows of a container, as docker's own JSON.

    Raises:
        NotFound: there is no such container.
    """
    found = engine.http().json("GET", f"/containers/{quoted(container)}/json")
    return found if isinstance(found, dict) else {}


def start(engine: Engine, container: str) -> None:
    """Start a container that does not run.

    Raises:
        NotFound: there is no such container.
    """
    engine.http().call("POST", f"/containers/{quoted(container)}/start")


def stop(engine: Engine, container: str, *, seconds: int = STOP_SECONDS) -> None:
    """Stop a container: SIGTERM, and SIGKILL after `seconds`.

    Raises:
        NotFound: there is no such container.
    """
    query = {"t": seconds}
    engine.http().call("POST", f"/containers/{quoted(container)}/stop", query=query, timeout=seconds + 60)


def restart(engine: Engine, container: str, *, seconds: int = STOP_SECONDS) -> None:
    """Stop a container as `stop` does, and start it again.

    Raises:
        NotFound: there is no such container.
    """
    query = {"t": seconds}
    engine.http().call("POST", f"/containers/{quoted(container)}/restart", query=query, timeout=seconds + 60)


def kill(engine: Engine, container: str, *, signal: str = "KILL") -> None:
    """Send a signal to a container.

    Raises:
        NotFound: there is no such container.
        Conflict: it does not run.
    """
    engine.http().call("POST", f"/containers/{quoted(container)}/kill", query={"signal": signal})


def remove(engine: Engine, container: str, *, force: bool = False, volumes: bool = False) -> None:
    """Remove a container; with `force` even one that runs, with `volumes` its anonymous volumes too.

    Raises:
        NotFound: there is no such container.
        Conflict: it runs.
    """
    try:
        engine.http().call("DELETE", f"/containers/{quoted(container)}", query={"force": force, "v": volumes})
    except Conflict as error:
        raise Conflict(
            error.message, status=error.status, reason=error.reason, cure="Stop it first, or use --force."
        ) from error
