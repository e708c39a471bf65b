"""`%docker`: an engine's nouns, drawn for a notebook."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from nbcontainer.errors import UsageError
from nbcontainer.magics.building import ENGINE, FLAGS, run_build, shared_fields
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.magics.prompts import ask_secret
from nbcontainer.verbs import declared, docker_registries
from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb

if TYPE_CHECKING:
    from pathlib import Path

    from nbcontainer.api.engine import Engine


__all__ = ["VERBS"]

VERBS = Verbs(
    "docker",
    "Images, containers and registries of the engine in use.",
    shared=(ENGINE,),
    shared_spellings={"-c": "--context", "-H": "--context", "--host": "--context"},
)

IMAGE = positional("IMAGE", help="the image's name", completes="image")
QUIET = switch("-q", "--quiet", help="only the ids")


def engine_of(call: Call) -> Engine:
    """The engine that a call is for."""
    from nbcontainer.api.engine import engine  # noqa: PLC0415 - loads with the first call

    return engine(call.context)


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


@VERBS.add(
    Verb(
        "build",
        "Builds a Dockerfile of the build context.",
        (
            positional("PATH", help="the build context's folder", completes="path"),
            option("-f", "--file", help="the Dockerfile (default PATH/Dockerfile)", completes="path"),
            *FLAGS,
        ),
        example="%docker build -t web:1 ./web",
        command=("docker", "build"),
        aliases=("image build",),
    )
)
def build(call: Call) -> Any:
    """Read the file, build, show."""
    from pathlib import Path  # noqa: PLC0415 - loads with the first call

    from nbcontainer.model.build import BuildRequest  # noqa: PLC0415 - as above

    values = call.values
    remote = "://" in values.path or values.path.startswith("git@")
    if values.path == "-" or (remote and not values.file):
        where = "standard input" if values.path == "-" else values.path
        raise UsageError(
            f"The Dockerfile cannot be read from {where}.",
            cure="%%dockerfile builds the cell"
            + (f", and takes the context from a URL: %%dockerfile {values.path}" if remote else "."),
        )
    file = Path(values.file).expanduser() if values.file else Path(values.path).expanduser() / "Dockerfile"
    text = read_text(file)
    ignore = file.with_name(f"{file.name}.dockerignore")
    request = BuildRequest(
        dockerfile=text,
        context=values.path if remote else str(Path(values.path).expanduser()),
        ignore=read_text(ignore) if ignore.is_file() else None,
        **shared_fields(call),
    )
    return run_build(call, request, call.command)


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


@VERBS.add(
    Verb(
        "push",
        "Pushes an image to the registry that its name says.",
        (IMAGE, ENGINE),
        example="%docker push registry.example.com/team/web:1",
        command=("docker", "push"),
        aliases=("image push",),
    )
)
def push(call: Call) -> Any:
    """Push, with each layer's progress."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.views.images import TransferView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above

    return show(api.push(call.values.image, engine=call.values.context or ""), TransferView())


@VERBS.add(
    Verb(
        "pull",
        "Pulls an image from a registry.",
        (IMAGE, option("--platform", help="the platform to pull", metavar="OS/ARCH"), ENGINE),
        example="%docker pull busybox",
        command=("docker", "pull"),
        aliases=("image pull",),
    )
)
def pull(call: Call) -> Any:
    """Pull, with each layer's progress."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.views.images import TransferView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above

    return show(
        api.pull(call.values.image, platform=call.values.platform or "", engine=call.values.context or ""),
        TransferView(),
    )


@VERBS.add(
    Verb(
        "tag",
        "Gives an image a further name.",
        (IMAGE, positional("TARGET", help="the new name", completes="image"), ENGINE),
        example="%docker tag web:1 registry.example.com/team/web:1",
        command=("docker", "tag"),
        aliases=("image tag",),
    )
)
def tag(call: Call) -> Any:
    """Tag it."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call

    return api.tag(call.values.image, call.values.target, engine=call.values.context or "")


@VERBS.add(
    Verb(
        "images",
        "Lists images.",
        (
            positional("NAME", help="only images of this name", required=False, completes="image"),
            switch("-a", "--all", help="intermediate images too"),
            QUIET,
            ENGINE,
        ),
        example="%docker images",
        command=("docker", "images"),
        aliases=("image ls", "image list"),
    )
)
def images(call: Call) -> Any:
    """The table of images."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call

    table = api.images(name=call.values.name or "", all=call.values.all, engine=call.values.context or "")
    return table.column("IMAGE ID") if call.values.quiet else table


VERBS.declare(declared("docker"), engine_of)
