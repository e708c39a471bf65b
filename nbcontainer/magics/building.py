"""The flags of a build, which `%%dockerfile` and `%docker build` share, and the request that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcontainer.errors import UsageError
from nbcontainer.protection import Unsaid
from nbcontainer.verbs.arguments import option, switch
from nbcontainer.verbs.shared import ENGINE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbcontainer.magics.calls import Call
    from nbcontainer.model.build import BuildRequest

__all__ = ["ENGINE", "FLAGS", "run_build", "shared_fields"]

FLAGS = (
    option("-t", "--tag", help="name and tag of the image", kind="list", metavar="NAME[:TAG]", completes="image"),
    switch("--push", help="push the image once it is built"),
    option("--build-arg", help="value of an ARG; without a value the environment's", kind="mapping", hidden=True),
    option("--secret", help="a build secret: id=NAME[,env=VARIABLE | ,src=FILE]; neither: asked for", kind="list",
           metavar="id=NAME,…"),
    option("--ssh", help="an ssh agent for RUN --mount=type=ssh", kind="list", metavar="default|ID=SOCKET"),
    option("--target", help="the stage to build", completes="stage"),
    option("--platform", help="the platform to build for", metavar="OS/ARCH"),
    option("--label", help="metadata of the image", kind="mapping"),
    option("--annotation", help="an annotation of the image", kind="mapping"),
    option("--build-context", help="a further named build context", kind="mapping", metavar="NAME=PATH"),
    option("--cache-from", help="an image whose layers may be used as cache", kind="list", completes="image"),
    option("-o", "--output", help="where the result goes in place of the engine's images: a folder, or "
           "type=local|tar|oci|docker,dest=PATH", kind="list", metavar="DEST"),
    switch("--load", help="keep the image in the engine, which is the default"),
    switch("--no-cache", help="run every step anew"),
    option("--no-cache-filter", help="stages that do not use the cache", kind="list", metavar="STAGE"),
    switch("--pull", help="look for newer base images"),
    option("--network", help="network of RUN steps", choices=("default", "none", "host")),
    option("--add-host", help="a further line of /etc/hosts", kind="list", metavar="HOST:IP"),
    option("--shm-size", help="size of /dev/shm", metavar="SIZE"),
    option("--ulimit", help="a limit, such as nofile=1024", kind="list"),
    option("--cgroup-parent", help="the cgroup of RUN steps"),
    option("--allow", help="a privilege for RUN steps", kind="list", choices=("network.host", "security.insecure")),
    option("--builder", help="a buildx builder's name, or a BuildKit address"),
    option("--iidfile", help="write the image's id to a file", metavar="PATH", completes="path"),
    option("--metadata-file", help="write id, digest and names to a file, as JSON", metavar="PATH", completes="path"),
    switch("-q", "--quiet", help="show nothing, return the result"),
    option("--progress", help="how it is shown; plain: as lines, with all that steps write",
           choices=("auto", "plain", "tty", "quiet")),
    option("--provenance", help="an attestation; only false", choices=("false",)),
    option("--sbom", help="an attestation; only false", choices=("false",)),
    switch("--check", help="check the text, with BuildKit's checks where it answers; build nothing"),
    ENGINE,
)  # fmt: skip


def shared_fields(call: Call) -> dict[str, Any]:
    """The fields of a `BuildRequest` that the shared flags give."""
    import os  # noqa: PLC0415 - loads with the first build

    values = call.values
    return {
        "tags": tuple(values.tag),
        "build_args": given_or_inherited(values.build_arg),
        "labels": _texts(values.label),
        "annotations": _texts(values.annotation),
        "target": values.target or "",
        "platform": values.platform or "",
        "secrets": tuple(_secret(word) for word in values.secret),
        "ssh": dict(_agent(word) for word in values.ssh),
        "no_cache": values.no_cache,
        "no_cache_filter": tuple(values.no_cache_filter),
        "pull": values.pull,
        "push": values.push,
        "outputs": tuple(values.output),
        "network": values.network or "",
        "add_hosts": tuple(values.add_host),
        "shm_size": values.shm_size or "",
        "ulimits": tuple(values.ulimit),
        "cgroup_parent": values.cgroup_parent or "",
        "allow": tuple(values.allow),
        "build_contexts": _texts(values.build_context),
        "cache_from": tuple(values.cache_from),
        "builder": values.builder or Unsaid(os.environ.get("BUILDX_BUILDER", "")),
    }


def run_build(call: Call, request: BuildRequest, command: Sequence[str], *, behind: bool = False) -> Any:
    """Check, or build and show, as the flags say; with `behind` at once with the running build."""
    from nbcontainer import api, views  # noqa: PLC0415 - loads with the first call
    from nbcontainer.views.build import BuildView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import Plain, Surface, choose_surface, show  # noqa: PLC0415 - as above

    values = call.values
    if values.check:
        return api.check(request, engine=values.context or "")
    files = _files(call)
    operation = api.build(request, command=command, engine=values.context or "")
    if behind:
        surface = choose_surface()
        if isinstance(surface, views.notebook.Notebook):
            surface.follow_behind(operation, BuildView())
        return operation
    if values.quiet or values.progress == "quiet":
        result = operation.result()
    else:
        plain = values.progress == "plain"
        chosen: Surface | None = Plain(only=True) if plain else None
        if values.progress == "tty":
            chosen = views.terminal.Terminal()
        result = show(operation, BuildView(whole=plain), chosen)
    _write_files(files, result)
    return result


def _files(call: Call) -> dict[str, tuple[Path, tuple[object, ...]]]:
    """Flag → the file that it names, and what is there before the build, whose output may put something else there."""
    from pathlib import Path  # noqa: PLC0415 - seldom

    paths = {flag: Path(path).expanduser() for flag in ("iidfile", "metadata_file") if (path := call.values[flag])}
    return {flag: (path, _place(path)) for flag, path in paths.items()}


def _place(path: Path) -> tuple[object, ...]:
    """Where a path leads, and which pipe or device is there, if it is one."""
    import os  # noqa: PLC0415 - seldom

    special = path.exists() and not path.is_file()
    return os.path.realpath(path), path.stat().st_ino if special else 0


def _write_files(files: dict[str, tuple[Path, tuple[object, ...]]], result: Any) -> None:
    import json  # noqa: PLC0415 - seldom

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
                "a link, or what is no ordinary file, there.",
                cure="Name a file outside of the output.",
            )
        try:
            path.write_text(texts[flag], encoding="utf-8")
        except OSError as error:
            raise UsageError(f"The image was built, but --{name} {path} cannot be written: {error.strerror}.") from None


def _texts(given: dict[str, str | None]) -> dict[str, str]:
    _check_names(given)
    return {key: value or "" for key, value in given.items()}


def _check_names(given: dict[str, str | None]) -> None:
    if "" in given:  # without its value, which may be secret
        raise UsageError("A value has no name: there is nothing before its =.", cure="Write NAME=VALUE.")


def given_or_inherited(given: dict[str, str | None]) -> dict[str, str]:
    """Variables by name; one without a value takes the environment's, or is left out, as docker does."""
    import os  # noqa: PLC0415 - seldom

    _check_names(given)
    found = {key: os.environ.get(key) if value is None else value for key, value in given.items()}
    return {key: value for key, value in found.items() if value is not None}


def _agent(word: str) -> tuple[str, str]:
    """One `--ssh`: the agent's id and its socket."""
    import os  # noqa: PLC0415 - seldom
    import stat  # noqa: PLC0415 - seldom

    name, equals, path = word.partition("=")
    path = path if equals else os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise UsageError("--ssh default needs an ssh agent, and SSH_AUTH_SOCK names none.", cure="Start ssh-agent.")
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116 - as stat.S_ISSOCK wants it
    except OSError as error:
        raise UsageError(f"--ssh {name}: {path} cannot be used: {error.strerror}.") from None
    if not is_socket:
        raise UsageError(f"--ssh {name}: {path} is no agent's socket.", cure="Add the key to an agent: ssh-add FILE.")
    return name, path


def _secret(word: str) -> Any:
    """One `--secret`: id=NAME[,env=VARIABLE | ,src=FILE]; with neither it is asked for, hidden."""
    import os  # noqa: PLC0415 - seldom
    from pathlib import Path  # noqa: PLC0415 - seldom

    from nbcontainer.model.secrecy import Secret  # noqa: PLC0415 - loads with the first call

    parts = dict(part.partition("=")[::2] for part in word.split(","))
    name = parts.get("id", "")
    if not name or set(parts) - {"id", "env", "src", "source", "type"}:
        raise UsageError(f"--secret {word.partition('=')[0]}… cannot be read.", cure="Write --secret id=NAME,env=VAR.")
    if variable := parts.get("env"):
        if variable not in os.environ:
            raise UsageError(f"--secret {name}: the environment has no {variable}.")
        return Secret(name, os.environ[variable].encode, f"env {variable}")
    if file := parts.get("src") or parts.get("source"):
        path = Path(file).expanduser()
        if not path.is_file():
            raise UsageError(f"--secret {name}: there is no file {file}.")
        return Secret(name, path.read_bytes, f"file {file}")
    if name in os.environ:
        return Secret(name, os.environ[name].encode, f"env {name}")

    def ask() -> bytes:
        from nbcontainer.magics.prompts import ask_secret  # noqa: PLC0415 - seldom

        return ask_secret(f"Secret {name}: ", "--secret id=NAME,env=VARIABLE takes it from the environment.").encode()

    return Secret(name, ask, "prompt", asks=True)
