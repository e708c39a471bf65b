"""`%docker`: an engine's nouns, drawn for a notebook."""

from __future__ import annotations

from pathlib import Path

from nbcontainer.errors import UsageError
from nbcontainer.magics.building import build_options, engine_of, run_build
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.magics.prompts import ask, password_of
from nbcontainer.user_files import read_text
from nbcontainer.verbs import declared, docker_images, docker_registries
from nbcontainer.verbs.shared import ENGINE

VERBS = Verbs(
    "docker",
    "Images, containers, networks, volumes, registries and disk space of the engine in use.",
    shared=(ENGINE,),
)


@VERBS.add(docker_registries.LOGIN)
def login(call: Call) -> object:
    """Ask for what is missing, log in, store the credentials."""
    values = call.values
    username = values.username or ask("Username: ", "%docker login REGISTRY -u USER").strip()
    password = password_of(call, f"Password of {username} at {values.registry or 'Docker Hub'}: ")
    return engine_of(call).registries.login(values.registry or "", username=username, password=password)


@VERBS.add(docker_images.BUILD)
def build(call: Call) -> object:
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


VERBS.declare(declared("docker"), engine_of)
