"""What `%%dockerfile` and `%docker build` have in common: arguments from flags, the build, the files it writes."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcontainer import api, magics, views
from nbcontainer.errors import UsageError
from nbcontainer.magics.prompts import ask
from nbcontainer.model.secrecy import Secret
from nbcontainer.protection import Unsaid

if TYPE_CHECKING:
    from nbcontainer.api.engine import Engine
    from nbcontainer.magics.calls import Call
    from nbcontainer.model.build import BuildResult


def engine_of(call: Call) -> Engine:
    """The engine that a call uses."""
    return api.engine.engine(call.context)


def build_options(call: Call) -> dict[str, Any]:
    """The arguments for `images.build` and `images.check`, from the flags."""
    values = call.values
    for given in (values.labels, values.annotations, values.build_contexts):
        _check_names(given)
    options = call.verb.bind(values)[1]
    return {
        **options,
        "build_args": given_or_inherited(values.build_args),
        "secrets": [_secret(word) for word in values.secrets],
        "ssh": dict(_agent(word) for word in values.ssh),
        "builder": values.builder or Unsaid(os.environ.get("BUILDX_BUILDER", "")),
    }


def run_build(
    call: Call, text: str, options: Mapping[str, Any], command: Sequence[str], *, behind: bool = False
) -> object:
    """Check, or build and show progress, depending on the flags; with `behind`, return the running build immediately.

    Args:
        call: a call of `%%dockerfile` or `%docker build`.
        text: the Dockerfile.
        options: the other arguments for `images.build`.
        command: the words of the docker command, for the result.
        behind: whether to build in the background.
    """
    values, images = call.values, engine_of(call).images
    if values.check:
        return images.check(text, **options)
    files = _files(call)
    operation = images.build(text, **options, command=command)
    if behind:
        return magics.calls.show_behind(operation, views.build.BuildView())
    if values.quiet or values.progress == "quiet":
        result = operation.result()
    else:
        is_plain = values.progress == "plain"
        chosen: views.surfaces.Surface | None = views.surfaces.Plain(only=True) if is_plain else None
        if values.progress == "tty":
            chosen = views.terminal.Terminal()
        result = views.surfaces.show(operation, views.build.BuildView(whole=is_plain), chosen)
    _write_files(files, result)
    return result


def _files(call: Call) -> dict[str, tuple[Path, tuple[object, ...]]]:
    """Each flag's file and its identity before the build, whose output may put something else there."""
    paths = {flag: Path(path).expanduser() for flag in ("iidfile", "metadata_file") if (path := call.values[flag])}
    return {flag: (path, _place(path)) for flag, path in paths.items()}


def _place(path: Path) -> tuple[object, ...]:
    """Where a path leads, and which pipe or device it is, if it is one."""
    special = path.exists() and not path.is_file()
    return os.path.realpath(path), path.stat().st_ino if special else 0


def _write_files(files: dict[str, tuple[Path, tuple[object, ...]]], result: BuildResult) -> None:
    facts = {
        "containerimage.config.digest": result.id,
        "containerimage.digest": result.digest,
        "image.name": ",".join(result.tags),
    }
    metadata = json.dumps({name: value for name, value in facts.items() if value}, indent=2)
    texts = {"iidfile": result.id, "metadata_file": metadata}
    for flag, (path, place) in files.items():
        name = flag.replace("_", "-")
        if _place(path) != place:
            raise UsageError(
                f"The image was built, but --{name} {path} was not written: the build's output has put "
                "a link or a special file there.",
                cure="Name a file outside the output.",
            )
        try:
            path.write_text(texts[flag], encoding="utf-8")
        except OSError as error:
            raise UsageError(f"The image was built, but --{name} {path} cannot be written: {error.strerror}.") from None


def _check_names(given: dict[str, str | None]) -> None:
    if "" in given:  # the value is not shown, since it may be secret
        raise UsageError("A value has no name before its =.", cure="Write NAME=VALUE.")


def given_or_inherited(given: dict[str, str | None]) -> dict[str, str]:
    """Variables by name; as docker does, one without a value takes the environment's or is left out."""
    _check_names(given)
    found = {key: os.environ.get(key) if value is None else value for key, value in given.items()}
    return {key: value for key, value in found.items() if value is not None}


def _agent(word: str) -> tuple[str, str]:
    """The agent's id and socket of one `--ssh`."""
    name, equals, path = word.partition("=")
    path = path if equals else os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise UsageError("--ssh default needs an ssh agent, and SSH_AUTH_SOCK names none.", cure="Start ssh-agent.")
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116 - for stat.S_ISSOCK
    except OSError as error:
        raise UsageError(f"--ssh {name}: {path} cannot be used: {error.strerror}.") from None
    if not is_socket:
        raise UsageError(
            f"--ssh {name}: {path} is not an agent's socket.", cure="Add the key to an agent: ssh-add FILE."
        )
    return name, path


def _secret(word: str) -> Secret:
    """One `--secret`: id=NAME[,env=VARIABLE | ,src=FILE].

    With neither, it is the variable or the file of that name; if there is none, the user is asked in a hidden field.
    """
    parts = dict(part.partition("=")[::2] for part in word.split(","))
    name = parts.get("id", "")
    if parts.get("type") == "env" and "env" not in parts:
        parts["env"] = parts.pop("src", "") or parts.pop("source", "") or name
    if not name or set(parts) - {"id", "env", "src", "source", "type"}:
        raise UsageError(
            f"--secret {word.partition('=')[0]}… cannot be parsed.", cure="Write --secret id=NAME,env=VAR."
        )
    if variable := parts.get("env"):
        if variable not in os.environ:
            raise UsageError(f"--secret {name}: the environment variable {variable} is not set.")
        return Secret(name, os.environ[variable].encode, f"env {variable}")
    if file := parts.get("src") or parts.get("source"):
        path = Path(file).expanduser()
        if not path.is_file():
            raise UsageError(f"--secret {name}: there is no file {file}.")
        return Secret(name, path.read_bytes, f"file {file}")
    if name in os.environ:
        return Secret(name, os.environ[name].encode, f"env {name}")
    if Path(name).is_file():
        return Secret(name, Path(name).read_bytes, f"file {name}")

    def answer() -> bytes:
        cure = "--secret id=NAME,env=VARIABLE takes it from the environment."
        return ask(f"Secret {name}: ", cure, hidden=True).encode()

    return Secret(name, answer, "prompt", asks=True)
