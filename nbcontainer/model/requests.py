"""Requests from the arguments of a call."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TypeVar

from nbcontainer.errors import UsageError

Request = TypeVar("Request")


def request_of(kind: type[Request], given: Mapping[str, object]) -> Request:
    """The request whose fields are the arguments of a call: those in `given`, its `locals()`, that are fields.

    None stands for an empty mapping, and the `files` of a build may be text.
    """
    found = {item.name: given[item.name] for item in fields(kind) if item.name in given}  # type: ignore[arg-type]
    mappings = {item.name for item in fields(kind) if str(item.type).startswith("Mapping")}  # type: ignore[arg-type]
    found = {name: value for name, value in found.items() if value is not None or name not in mappings}
    files = found.get("files")
    if isinstance(files, Mapping):
        found["files"] = {path: bytes_from(f"The file {path}", content) for path, content in files.items()}
    return kind(**found)


def bytes_from(what: str, content: object) -> bytes:
    """A content as bytes.

    Args:
        what: what has this content, for the error.
        content: bytes, or a str, which is encoded as UTF-8.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise UsageError(f"{what} is a {type(content).__name__}, not str or bytes.")


def command_words(command: Sequence[str] | str) -> tuple[str, ...]:
    """The words of a command; a string is split as a shell splits it.

    Raises:
        UsageError: a quote is not closed.
    """
    if not isinstance(command, str):
        return tuple(command)
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {error}.", cure="A list of its words needs no quotes.") from None


def refuse_negative(**seconds: float | None) -> None:
    """Check the times of a call, by the names of its arguments; None is one that was not given.

    Raises:
        UsageError: one is negative.
    """
    for name, value in seconds.items():
        if value is not None and value < 0:
            raise UsageError(f"{name} must not be negative.")


def grace_period_of(*, now: bool, grace_period: int | None) -> int | None:
    """The seconds that pods have to shut down; `now` is one, as with kubectl's `--now`.

    Raises:
        UsageError: it is negative, or both are given.
    """
    refuse_negative(grace_period=grace_period)
    if now and grace_period is not None:
        raise UsageError("Give `--now` or `--grace-period`, not both.")
    return 1 if now else grace_period
