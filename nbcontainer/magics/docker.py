"""`%docker`: an engine's nouns, drawn for a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbcontainer.errors import UsageError
from nbcontainer.magics.building import build_options, engine_of, given_or_inherited, run_build
from nbcontainer.magics.calls import TTY, YES, Call, Verbs, refuse_terminal
from nbcontainer.magics.prompts import ask_secret
from nbcontainer.verbs import declared, docker_images, docker_registries
from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ENGINE

__all__ = ["VERBS"]

VERBS = Verbs(
    "docker",
    "Images, containers and registries of the engine in use.",
    shared=(ENGINE,),
    shared_spellings={"-c": "--context", "-H": "--context", "--host": "--context"},
)

IMAGE = positional("IMAGE", help="the image's name", completes="image")
CONTAINER = positional("CONTAINER", help="a container's name or id", completes="container")
QUIET = switch("-q", "--quiet", help="only the ids")
CONTAINERS = positional("CONTAINER", help="containers' names or ids", many=True, completes="container")


@VERBS.add(docker_registries.LOGIN)
def login(call: Call) -> Any:
    """Ask for what is missing, check it, keep it."""
    values = call.values
    username = values.username or ask_username()
    source = values.password_from
    if not source:
        registry = values.registry or "Docker Hub"
        password = ask_secret(
            f"Password of {username} at {registry}: ",
            "--password-from NAME takes a variable, env:NAME the environment.",
        )
    elif source.startswith("env:"):
        if source[4:] not in os.environ:
            raise UsageError(f"The environment has no {source[4:]}.")
        password = os.environ[source[4:]]
    else:
        password = str(call.variable(source))
    return engine_of(call).registries.login(values.registry or "", username=username, password=password)


def ask_username() -> str:
    """Ask for the user's name, which may be seen."""
    try:
        name = input("Username: ").strip()
    except (EOFError, RuntimeError, NotImplementedError):
        raise UsageError("No user was named.", cure="%docker login REGISTRY -u USER") from None
    if not name:
        raise UsageError("No user was named.", cure="%docker login REGISTRY -u USER")
    return name


@VERBS.add(docker_images.BUILD)
def build(call: Call) -> Any:
    """Read the file, build, show."""
    values = call.values
    remote = "://" in values.path or values.path.startswith("git@")
    if values.path == "-" or (remote and not values.file):
        where = "standard input" if values.path == "-" else values.path
        raise UsageError(
            f"The Dockerfile cannot be read from {where}.",
            cure="%%dockerfile builds the cell"
            + (f", and takes the context from a URL: %%dockerfile {values.path}" if remote else "."),
        )
    folder = Path(values.path).expanduser()
    file = Path(values.file).expanduser() if values.file else folder / "Dockerfile"
    text = read_text(file)
    ignore = file.with_name(f"{file.name}.dockerignore")
    options = build_options(call)
    options["context"] = values.path if remote else str(folder)
    options["ignore"] = read_text(ignore) if ignore.is_file() else None
    return run_build(call, text, options, call.command)


def read_text(file: Path) -> str:
    """A file of the person's.

    Raises:
        UsageError: it cannot be read, or is no text.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text.") from None


RUN = Verb(
    "run",
    "Runs a command in a new container. As %%docker run, the cell is its standard input.",
    (
        IMAGE,
        positional("COMMAND", help="the command and its arguments", kind="rest", required=False),
        option("--name", help="the container's name"),
        switch("-d", "--detach", help="leave it running and return at once"),
        switch("--rm", help="remove it when it ends"),
        switch("-i", "--interactive", help="keep standard input open (the cell is it)"),
        TTY,
        option("-e", "--env", help="an environment variable", kind="mapping"),
        option("-p", "--publish", help="publish a port", kind="list", metavar="[IP:][HOST:]PORT"),
        option("-v", "--volume", help="mount a volume or a folder", kind="list", metavar="SOURCE:TARGET"),
        option("--entrypoint", help="in place of the image's own"),
        option("-u", "--user", help="the user it runs as"),
        option("-w", "--workdir", help="the working directory"),
        option("--network", help="the network it joins", completes="network"),
        option("--hostname", help="its host name"),
        option("-m", "--memory", help="memory limit", metavar="SIZE"),
        option("--cpus", help="number of CPUs"),
        option("-l", "--label", help="a label", kind="mapping"),
        option("--platform", help="the image's platform", metavar="OS/ARCH"),
        option("--pull", help="when to pull the image", choices=("always", "missing", "never")),
        option("--restart", help="restart policy"),
        switch("--read-only", help="mount its root filesystem read-only"),
        ENGINE,
    ),
    example="%docker run --rm busybox echo hello",
    command=("docker", "run"),
    aliases=("container run",),
    body="optional",
    rest_after_first=True,
)


@VERBS.add(RUN)
def run(call: Call) -> Any:
    """Run it; its output is shown while it runs."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.model.containers import RunRequest  # noqa: PLC0415 - as above
    from nbcontainer.views.logs import LogView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above

    values = call.values
    refuse_terminal(values.tty, "%%docker run")
    try:
        cpus = float(values.cpus or 0)
    except ValueError:
        raise UsageError(f"--cpus takes a number, not {values.cpus!r}.") from None
    request = RunRequest(
        image=values.image,
        command=tuple(values.command),
        name=values.name or "",
        detach=values.detach,
        remove=values.rm,
        environment=given_or_inherited(values.env),
        publish=tuple(values.publish),
        volumes=tuple(values.volume),
        entrypoint=values.entrypoint or "",
        user=values.user or "",
        workdir=values.workdir or "",
        network=values.network or "",
        hostname=values.hostname or "",
        memory=values.memory or "",
        cpus=cpus,
        labels={key: value or "" for key, value in values.label.items()},
        platform=values.platform or "",
        pull=values.pull or "missing",
        read_only=values.read_only,
        restart=values.restart or "",
        stdin=None if call.cell is None else call.cell.encode(),
    )
    operation = api.run(request, engine=values.context or "")
    # a detached container shows nothing of its own: its name and id are the result
    if request.detach:
        return operation.result()
    return show(operation, LogView("Run", f"{request.image} {call.as_written(request.command)}".rstrip()))


@VERBS.add(
    Verb(
        "ps",
        "Lists containers.",
        (switch("-a", "--all", help="those that ended, too"), QUIET, ENGINE),
        example="%docker ps -a",
        command=("docker", "ps"),
        aliases=("container ls", "container list", "container ps"),
    )
)
def ps(call: Call) -> Any:
    """The table of containers."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call

    table = api.containers(all=call.values.all, engine=call.values.context or "")
    return table.column("CONTAINER ID") if call.values.quiet else table


@VERBS.add(
    Verb(
        "logs",
        "Shows a container's output.",
        (
            CONTAINER,
            switch("-f", "--follow", help="go on as it is written"),
            option("--tail", help="only the last lines", kind="number", default=-1),
            option("--since", help="only what is younger", kind="seconds", default=0.0),
            switch("-t", "--timestamps", help="with the time of each line"),
            option("--timeout", help="stop following after this time", kind="seconds", own=True, default=0.0),
            ENGINE,
        ),
        example="%docker logs -f web",
        command=("docker", "logs"),
        aliases=("container logs",),
    )
)
def logs(call: Call) -> Any:
    """Show the log; following it goes on until it is stopped."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.magics.following import log_request, show_log  # noqa: PLC0415 - as above

    asked = log_request(call, (call.values.container,))
    return show_log(call, api.container_logs(asked, engine=call.values.context or ""))


@VERBS.add(
    Verb(
        "stop",
        "Stops containers.",
        (CONTAINERS, option("-t", "--time", help="seconds to wait before killing", kind="number"), ENGINE),
        example="%docker stop web",
        command=("docker", "stop"),
        aliases=("container stop",),
    )
)
def stop(call: Call) -> Any:
    """Stop them."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call

    return api.stop_containers(call.values.container, seconds=call.values.time, engine=call.values.context or "")


@VERBS.add(
    Verb(
        "rm",
        "Removes containers.",
        (
            CONTAINERS,
            switch("-f", "--force", help="running ones too"),
            switch("-v", "--volumes", help="and their anonymous volumes"),
            YES,
            ENGINE,
        ),
        example="%docker rm -f web",
        command=("docker", "rm"),
        aliases=("container rm", "container remove"),
    )
)
def rm(call: Call) -> Any:
    """Find them, ask, then remove them."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call

    values = call.values
    plan = api.plan_container_removal(
        values.container, force=values.force, volumes=values.volumes, engine=values.context or ""
    )
    if plan.containers:
        call.confirm(plan.question)
    return plan.remove()


VERBS.declare(declared("docker"), engine_of)
