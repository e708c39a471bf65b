"""`%%dockerfile`: the cell is an image."""

from __future__ import annotations

import keyword
from pathlib import Path

from nbcontainer.dockerfile.substitution import substitute
from nbcontainer.errors import UsageError
from nbcontainer.magics.building import build_options, run_build
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.model.source_map import SourceMap
from nbcontainer.verbs.dockerfile import DOCKERFILE

VERBS = Verbs("dockerfile", "Builds the cell.")


@VERBS.add(DOCKERFILE)
def dockerfile(call: Call) -> object:
    """Parse, build, show."""
    values = call.values
    if values.into and (not values.into.isidentifier() or keyword.iskeyword(values.into)):
        raise UsageError(f"--into {values.into!r} is not a valid name for a Python variable.")
    text, lines = _text(call)
    files = {path: _content(call, path, name) for path, name in values.files.items()}
    options = {**build_options(call), "context": values.path or ".", "files": files, "source_map": lines}
    result = run_build(call, text, options, _command(call), behind=values.bg)
    if not values.into:
        return result
    call.assign(values.into, result)
    return None


def _command(call: Call) -> list[str]:
    """The equivalent command; without a file, it reads the Dockerfile from standard input."""
    verb, *words = call.command
    source = f"--file={call.values.save}" if call.values.save else "-f-"
    return [verb, source, *words, *([] if call.values.path else ["."])]


def _text(call: Call) -> tuple[str, SourceMap]:
    """The cell's Dockerfile, and the cell line of each of its lines; `--save` writes it to a file."""
    text = call.cell or ""
    lines = SourceMap.shifted(text.count("\n") + 1, 1)
    if not call.values.raw:
        text, lines = substitute(text, call.namespace, first_line=2)
    if file := call.values.save:
        try:
            Path(file).expanduser().write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--save {file} cannot be written: {error.strerror}.") from None
    return text, lines


def _content(call: Call, path: str, name: str | None) -> bytes:
    if not name:
        raise UsageError(
            f"--add {path} does not name a variable.",
            cure="--add app.py=source adds the variable source as the file app.py.",
        )
    value = call.variable(name)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise UsageError(f"--add {path}={name}: {name} is of type {type(value).__name__}, not str or bytes.")
