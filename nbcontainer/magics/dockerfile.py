"""`%%dockerfile`: the cell is an image."""

from __future__ import annotations

import shlex
from typing import Any

from nbcontainer.errors import UsageError
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.magics.verbs import Verb, option, positional, switch

__all__ = ["VERBS"]

VERBS = Verbs("dockerfile", "Builds the cell.", cell=True)

DOCKERFILE = Verb(
    "",
    "Builds the cell as a Dockerfile. PATH is the build context, sent only where COPY or ADD needs it.",
    (
        positional("PATH", help="the build context's folder (default .)", required=False, completes="path"),
        option("-t", "--tag", help="name and tag of the image", kind="list", metavar="NAME[:TAG]", completes="image"),
        switch("--push", help="push the image once it is built"),
        option("--add", help="put a Python variable (str or bytes) into the context as a file", kind="mapping",
               metavar="PATH=VARIABLE", own=True, completes="variable"),
        option("--build-arg", help="value of an ARG", kind="mapping"),
        option("--secret", help="a build secret: id=NAME[,env=VARIABLE | ,src=FILE]; neither: asked for", kind="list",
               metavar="id=NAME,…"),
        option("--target", help="the stage to build", completes="stage"),
        option("--platform", help="the platform to build for", metavar="OS/ARCH"),
        option("--label", help="metadata of the image", kind="mapping"),
        option("--build-context", help="a further named build context", kind="mapping", metavar="NAME=PATH"),
        option("--cache-from", help="an image whose layers may be used as cache", kind="list", completes="image"),
        switch("--no-cache", help="run every step anew"),
        option("--no-cache-filter", help="stages that do not use the cache", kind="list", metavar="STAGE"),
        switch("--pull", help="look for newer base images"),
        option("--network", help="network of RUN steps", choices=("default", "none", "host")),
        option("--add-host", help="a further line of /etc/hosts", kind="list", metavar="HOST:IP"),
        option("--shm-size", help="size of /dev/shm", metavar="SIZE"),
        option("--ulimit", help="a limit, such as nofile=1024", kind="list"),
        option("--cgroup-parent", help="the cgroup of RUN steps"),
        option("--builder", help="a buildx builder's name, or a BuildKit address"),
        switch("--check", help="check the text, build nothing"),
        option("--save", help="also write the Dockerfile to a file", own=True, metavar="PATH", completes="path"),
        option("--into", help="also keep the result in a Python variable", own=True, metavar="NAME"),
        switch("--bg", help="build in the background and return at once", own=True),
        switch("--raw", help="leave {{name}} as it is", own=True),
    ),
    example='%%dockerfile -t hello:1 --add hello.sh=script\nFROM busybox\nCOPY hello.sh /\nCMD ["sh", "/hello.sh"]',
    command=("docker", "build"),
    body="yes",
)  # fmt: skip


@VERBS.add(DOCKERFILE)
def dockerfile(call: Call) -> Any:
    """Parse, build, show."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.views.build import BuildView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import Notebook, choose_surface, show  # noqa: PLC0415 - as above

    request = request_of(call)
    if call.values.check:
        return api.check(request)
    operation = api.build(request, command=_command(call))
    if call.values.bg:
        surface = choose_surface()
        if isinstance(surface, Notebook):
            surface.follow_behind(operation, BuildView())
        result: Any = operation
    else:
        result = show(operation, BuildView())
    if call.values.into:
        call.shell.user_ns[call.values.into] = result
    return None if call.values.into else result


def _command(call: Call) -> str:
    """The command reads the Dockerfile from standard input where there is no file of it."""
    words = call.command
    source = f" -f {shlex.quote(call.values.save)}" if call.values.save else " -f-"
    return words.replace("docker build", f"docker build{source}", 1) + ("" if call.values.path else " .")


def request_of(call: Call) -> Any:
    """The `BuildRequest` that a cell and its magic line ask for."""
    from nbcontainer.dockerfile.substitution import substitute  # noqa: PLC0415 - loads with the first call
    from nbcontainer.model.build import BuildRequest, SourceMap  # noqa: PLC0415 - as above

    values = call.values
    text = call.cell or ""
    lines = SourceMap.shifted(text.count("\n") + 1, 1)
    if not values.raw:
        text, lines = substitute(text, call.namespace, first_line=2)
    if values.save:
        from pathlib import Path  # noqa: PLC0415 - seldom

        Path(values.save).expanduser().write_text(text, encoding="utf-8")
    return BuildRequest(
        dockerfile=text,
        context=values.path or ".",
        files={path: _content(call, path, name) for path, name in values.add.items()},
        tags=tuple(values.tag),
        build_args=_arguments(values.build_arg),
        labels={key: value or "" for key, value in values.label.items()},
        target=values.target or "",
        platform=values.platform or "",
        secrets=tuple(_secret(word) for word in values.secret),
        no_cache=values.no_cache,
        no_cache_filter=tuple(values.no_cache_filter),
        pull=values.pull,
        push=values.push,
        network=values.network or "",
        add_hosts=tuple(values.add_host),
        shm_size=values.shm_size or "",
        ulimits=tuple(values.ulimit),
        cgroup_parent=values.cgroup_parent or "",
        build_contexts={key: value or "" for key, value in values.build_context.items()},
        cache_from=tuple(values.cache_from),
        builder=values.builder or "",
        source_map=lines,
    )


def _content(call: Call, path: str, name: str | None) -> bytes:
    if not name:
        raise UsageError(f"--add {path} names no variable.", cure="--add app.py=source puts the variable source there.")
    value = call.variable(name)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise UsageError(f"--add {path}={name}: {name} is a {type(value).__name__}, not str or bytes.")


def _arguments(given: dict[str, str | None]) -> dict[str, str]:
    """Build arguments; one without a value takes the environment's, as docker build does."""
    import os  # noqa: PLC0415 - seldom

    found = {key: os.environ.get(key) if value is None else value for key, value in given.items()}
    return {key: value for key, value in found.items() if value is not None}


def _secret(word: str) -> Any:
    """One `--secret`: id=NAME[,env=VARIABLE | ,src=FILE]; with neither it is asked for, hidden."""
    import os  # noqa: PLC0415 - seldom
    from pathlib import Path  # noqa: PLC0415 - seldom

    from nbcontainer.model.build import Secret  # noqa: PLC0415 - loads with the first call

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
    from nbcontainer.magics.prompts import ask_secret  # noqa: PLC0415 - seldom

    value = ask_secret(f"Secret {name}: ", "--secret id=NAME,env=VARIABLE takes it from the environment.").encode()
    return Secret(name, lambda: value, "prompt")
