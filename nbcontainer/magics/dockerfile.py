"""`%%dockerfile`: the cell is an image."""

from __future__ import annotations

import keyword
from typing import Any

from nbcontainer.errors import UsageError
from nbcontainer.magics.building import FLAGS, run_build, shared_fields
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.verbs.arguments import option, positional, refused, switch
from nbcontainer.verbs.grammar import Verb

__all__ = ["VERBS"]

VERBS = Verbs("dockerfile", "Builds the cell.")

DOCKERFILE = Verb(
    "",
    "Builds the cell as a Dockerfile. PATH is the build context, sent only where COPY or ADD needs it.",
    (
        positional("PATH", help="the build context's folder (default .)", required=False, completes="path"),
        *FLAGS,
        refused("-f", "--file", help="the cell is the Dockerfile", cure="%docker build -f FILE PATH builds a file."),
        option("--add", help="put a Python variable (str or bytes) into the context as a file", kind="mapping",
               metavar="PATH=VARIABLE", own=True, completes="variable"),
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
    name = call.values.into
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise UsageError(f"--into {name!r} is no name of a Python variable.")
    result = run_build(call, request_of(call), _command(call), behind=call.values.bg)
    if call.values.into:
        call.assign(call.values.into, result)
    return None if call.values.into else result


def _command(call: Call) -> list[str]:
    """The command reads the Dockerfile from standard input where there is no file of it."""
    verb, *words = call.command
    source = f"--file={call.values.save}" if call.values.save else "-f-"
    return [verb, source, *words, *([] if call.values.path else ["."])]


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

        try:
            Path(values.save).expanduser().write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--save {values.save} cannot be written: {error.strerror}.") from None
    return BuildRequest(
        dockerfile=text,
        context=values.path or ".",
        files={path: _content(call, path, name) for path, name in values.add.items()},
        **shared_fields(call),
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
