"""Why a container did not start, in plain words.

The engines pass on the messages of their parts (runc, crun, port proxies); only these distinguish the cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nbcontainer import existence
from nbcontainer.engines.connection import Engine
from nbcontainer.engines.failures import plain
from nbcontainer.errors import ApiError, CommandFailed, Conflict, NbcontainerError
from nbcontainer.model.containers import ContainerFacts, RunRequest

COMMAND_NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as docker's own exit codes
_PORT = re.compile(
    r":(\d+)(?:/\w+)?(?: failed)?: (?:port is already allocated|bind: address already in use)"
    r"|bind host port for \S*?:(\d+):\S*: address already in use"
)
_NO_COMMAND = re.compile(
    r'exec: "?([^"]*?)"?: (?:executable file not found|stat [^:]*: no such file|no such file)'
    r"|executable file `?([^`']*?)['`]? not found|exec: \"([^\"]*)\": is a directory"
)
_NO_USER = re.compile(r"unable to find user (.+?): no matching entries in passwd file")
_NOT_RUNNING = re.compile(r"of a non running container|dependencies of container \S+ are not started")
_JOINED = "container:"  # in a network's name
_NOT_EXECUTABLE = re.compile(r'exec: "?([^"]*?)"?: permission denied|open executable: Permission denied')


def start_failed(
    error: ApiError, engine: Engine, request: RunRequest, others: Iterable[ContainerFacts]
) -> NbcontainerError:
    """The error for a container that was created but did not start.

    Args:
        error: the engine's own.
        engine: where.
        request: what was to run.
        others: the running containers.
    """
    said = error.message
    if found := _PORT.search(said):
        return _port_in_use(found[1] or found[2], engine, request, others)
    if found := _NO_COMMAND.search(said):
        command = plain(found[1] or found[2] or found[3] or "")
        return CommandFailed(
            f"{request.image} has no command {command!r}, so nothing ran.",
            exit_code=COMMAND_NOT_FOUND,
            cure=_command_cure(command),
        )
    if found := _NOT_EXECUTABLE.search(said):
        command = plain(found[1] or request.entrypoint or "".join(request.command[:1]))
        return CommandFailed(
            f"{command or 'The command'} in {request.image} is not executable, so nothing ran.",
            exit_code=NOT_EXECUTABLE,
            cure="Build it with RUN chmod +x, or COPY --chmod=755.",
        )
    if found := _NO_USER.search(said):
        cure = "Create it in the Dockerfile: RUN useradd NAME. Or give a number, which needs no entry."
        return existence.not_found("user", plain(found[1]), request.image, cure=cure)
    if request.network.startswith(_JOINED) and _NOT_RUNNING.search(said):
        joined = request.network.removeprefix(_JOINED)
        return Conflict(
            f"The container {existence.shown_name(joined)} is not running, so its network cannot be joined.",
            reason="not running",
            cure=f"Its log may say why: {engine.commands.magic('logs', joined)}",
        )
    return error


def _command_cure(command: str) -> str:
    if command.startswith("-"):
        return f"What follows the image is its command: put {command} before the image."
    if command.rpartition("/")[2] in {"sh", "bash", "ash"}:
        return "An image without a shell runs what it was built for: leave the command out."
    return "Check its spelling, and that the image was built with it."


def _port_in_use(port: str, engine: Engine, request: RunRequest, others: Iterable[ContainerFacts]) -> Conflict:
    holder = next((other.name for other in others if f":{port}->" in other.ports), "")
    whose = f" by the container {holder}" if holder else ""
    stop = f", or stop it: {engine.commands.magic('stop', holder)}" if holder else ""
    inside = next((one.rpartition(":")[2] for one in request.publish if f"{port}:" in one), "PORT")
    return Conflict(
        f"Port {port} is already in use{whose}, so {engine.name} cannot publish it.",
        reason="port in use",
        cure=f"Publish another one: `--publish={int(port) + 1}:{inside}`{stop}.",
    )


def name_in_use(engine: Engine, error: Conflict, name: str) -> Conflict:
    """The error where another container already has the name."""
    if not name:
        return error
    cure = f"Choose another `--name`, or remove it: {engine.commands.magic('rm', '-f', name)}"
    return existence.already_exists("container", name, engine.name, cure=cure)
