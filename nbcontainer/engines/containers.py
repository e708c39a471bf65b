"""Containers of an engine: list, find, inspect, stop, remove."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nbcontainer import existence
from nbcontainer.engines.http import quoted
from nbcontainer.errors import Conflict, NbcontainerError, NotFound, UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of, value_of, words_of
from nbcontainer.model.containers import ContainerFacts
from nbcontainer.model.tables import Column, Row, TableReset, TableState, Tone, apply_table

if TYPE_CHECKING:
    from nbcontainer.engines.connection import Engine

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
COMMAND_LENGTH = 20  # of a shortened command, as docker ps writes it
FOR_EVER = 2**31 - 1  # seconds
STOP_SECONDS = 10  # docker's default time between SIGTERM and SIGKILL
KILLED = 137
# 128 plus the signal of a requested end: Ctrl-C, SIGKILL, SIGTERM
STOP_CODES = frozenset({130, KILLED, 143})
MOST_INSPECTED = 20  # killed containers that are checked for a lack of memory, a call each


def list_containers(
    engine: Engine, *, every: bool = False, filters: Mapping[str, Sequence[str]] | None = None
) -> list[ContainerFacts]:
    """The engine's containers, newest first.

    Args:
        engine: the engine.
        every: whether to include those that are not running.
        filters: docker's own, such as {"label": ["nbcontainer.notebook=…"], "status": ["exited"]}.

    Raises:
        ApiError: a filter is not valid.
    """
    query = {"all": every, "filters": {name: list(values) for name, values in filters.items()} if filters else None}
    found = engine.http().json("GET", "/containers/json", query=query)
    rows = [_container(entry) for entry in entries_of(found)]
    return sorted(rows, key=lambda container: container.created, reverse=True)


def _container(entry: JsonObject) -> ContainerFacts:
    names = [name.removeprefix("/") for name in words_of(entry, "Names")]
    # a name with a second slash is a link's: the alias that another container has for this one
    own = [name for name in names if "/" not in name] or names or [text_of(entry, "Id")[:SHORT_ID]]
    status = text_of(entry, "Status")
    exited = re.match(r"Exited \((-?\d+)\)", status)
    return ContainerFacts(
        id=text_of(entry, "Id"),
        name=own[0],
        names=tuple(own),
        image=text_of(entry, "Image"),
        command=text_of(entry, "Command"),
        state=text_of(entry, "State"),
        status=status,
        ports=_ports(entries_of(entry, "Ports")),
        created=float(number_of(entry, "Created")),
        exit_code=int(exited[1]) if exited else None,
        labels=texts_of(entry, "Labels"),
    )


def _ports(ports: Sequence[JsonObject]) -> str:
    """As docker ps writes them; IPv4 and IPv6 of one port are one."""
    words = {}
    for port in ports:
        inside = f"{port.get('PrivatePort')}/{port.get('Type') or 'tcp'}"
        if not port.get("PublicPort"):
            words[inside] = True
            continue
        address = (text_of(port, "IP") or "0.0.0.0").replace("::", "0.0.0.0")  # noqa: S104 - shown, not bound
        words[f"{address}:{port['PublicPort']}->{inside}"] = True
    return ", ".join(words)


def table(engine: Engine, listed: Sequence[ContainerFacts], *, no_trunc: bool = False) -> TableState:
    """Containers as a table; `no_trunc` shows full ids and commands."""
    rows = []
    out_of_memory = _out_of_memory(engine, listed)
    for container in listed:
        cells = (
            container.id if no_trunc else container.id[:SHORT_ID],
            container.image,
            container.command if no_trunc else _shortened(container.command),
            container.created,
            container.status or container.state,
            container.ports,
            container.name,
        )
        tone = Tone.BAD if container.id in out_of_memory else _tone(container)
        rows.append(Row(container.id, cells, tone, container.name, "", "container", container.labels))
    return apply_table(TableState(), TableReset(COLUMNS, tuple(rows), "containers", engine.name))


def _shortened(command: str) -> str:
    return command if len(command) <= COMMAND_LENGTH else f"{command[: COMMAND_LENGTH - 1]}…"


def _out_of_memory(engine: Engine, listed: Sequence[ContainerFacts]) -> set[str]:
    """The ids of those that the kernel killed because memory ran out; a stopped one may have the same exit code."""
    killed = [container.id for container in listed if container.exit_code == KILLED and container.state != "running"]
    found = set()
    for container in killed[:MOST_INSPECTED]:
        with contextlib.suppress(NbcontainerError):  # removed since
            if value_of(inspect(engine, container), "State", "OOMKilled"):
                found.add(container)
    return found


def _tone(container: ContainerFacts) -> Tone:
    match container.state:
        case "running":
            return Tone.BAD if "(unhealthy)" in container.status else Tone.GOOD
        case "exited" | "stopped":
            return Tone.BAD if container.exit_code and container.exit_code not in STOP_CODES else Tone.DIM
        case "dead":
            return Tone.BAD
        case "paused" | "restarting" | "removing":
            return Tone.WARNING
    return Tone.PLAIN


# --- some of them, by name


def find(engine: Engine, names: Sequence[str], *, missing: list[str] | None = None) -> list[ContainerFacts]:
    """The containers with these names or ids, or prefixes of ids, in that order, each once.

    Args:
        engine: the engine.
        names: names or ids.
        missing: collects the names that no container has, which otherwise are an error.

    Raises:
        NotFound: no container has a name; the error suggests a similar one.
        UsageError: several ids begin with it.
    """
    listed = list_containers(engine, every=True)
    found: dict[str, ContainerFacts] = {}
    for name in names:
        try:
            container = _named(engine, name, listed)
        except NotFound:
            if missing is None:
                raise
            missing.append(name)
        else:
            found[container.id] = container
    return list(found.values())


def _named(engine: Engine, name: str, listed: Sequence[ContainerFacts]) -> ContainerFacts:
    exact = next((one for one in listed if name.removeprefix("/") in one.names or name == one.id), None)
    if exact is not None:
        return exact
    matching = [one for one in listed if name and one.id.startswith(name)]
    if len(matching) > 1:
        ids = ", ".join(one.id[:SHORT_ID] for one in matching[:5])
        raise UsageError(f"{name!r} matches the ids of {len(matching)} containers: {ids}.", cure="Give more of the id.")
    if not matching:
        raise _not_found(engine, name, listed)
    return matching[0]


def not_found(engine: Engine, name: str) -> NotFound:
    """The error for a name that no container has, with a similar one."""
    return _not_found(engine, name, list_containers(engine, every=True))


def _not_found(engine: Engine, name: str, listed: Sequence[ContainerFacts]) -> NotFound:
    known = [known for one in listed for known in one.names]
    cure = f"{engine.commands.magic('ps', '-a')} lists them."
    return existence.not_found("container", name, engine.name, known=known, cure=cure)


# --- one container


def inspect(engine: Engine, container: str) -> JsonObject:
    """All that the engine knows of a container, as docker's own JSON.

    Raises:
        NotFound: there is no such container.
    """
    return object_of(engine.http().json("GET", f"/containers/{quoted(container)}/json"))


def stop(engine: Engine, container: str, *, seconds: int | None = None) -> None:
    """Stop a container: SIGTERM, then SIGKILL after `seconds`, which docker sets to 10; never if they are -1.

    Raises:
        NotFound: there is no such container.
    """
    wait = STOP_SECONDS if seconds is None else seconds
    patience = wait + 60 if wait >= 0 else None
    if wait < 0 and engine.is_podman:  # its API takes no negative number
        wait = FOR_EVER
    engine.http().call("POST", f"/containers/{quoted(container)}/stop", query={"t": wait}, timeout=patience)


def remove(engine: Engine, container: str, *, force: bool = False, volumes: bool = False) -> None:
    """Remove a container; `force` removes even a running one, `volumes` its anonymous volumes too.

    Raises:
        NotFound: there is no such container.
        Conflict: it is running.
    """
    try:
        engine.http().call("DELETE", f"/containers/{quoted(container)}", query={"force": force, "v": volumes})
    except Conflict as error:
        raise error.replaced(cure="Stop it first, or use `--force`.") from error
