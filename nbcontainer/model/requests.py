"""Requests from the arguments of a call, which may be lists, or one string in place of a list."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, fields
from typing import TypeVar

from nbcontainer.errors import UsageError

__all__ = ["bytes_from", "command_words", "names_from", "refuse_negative", "request_of"]

Request = TypeVar("Request")


def request_of(kind: type[Request], given: Mapping[str, object]) -> Request:
    """The request whose fields are the arguments of a call: those in `given`, its `locals()`, that are fields.

    A list is taken for a tuple, one string for a tuple of one, and None for an empty mapping.

    Raises:
        UsageError: a value has the wrong type.
    """
    values = {}
    for item in fields(kind):  # type: ignore[arg-type]
        is_mapping = str(item.type).startswith("Mapping")
        if item.name in given and not (is_mapping and given[item.name] is None):
            values[item.name] = _as_field(item, given[item.name])
    return kind(**values)


def _as_field(item: Field[object], value: object) -> object:
    if item.name == "files" and isinstance(value, Mapping):
        return {path: bytes_from(f"The file {path}", content) for path, content in value.items()}
    if str(item.type).startswith("Mapping") and not isinstance(value, Mapping):
        raise UsageError(f"{item.name} is a mapping of names to values, not a {type(value).__name__}.")
    if not str(item.type).startswith("tuple"):
        return value
    if not value or isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, Iterable):
        raise UsageError(f"{item.name} is a list, not a {type(value).__name__}.")
    return tuple(value)


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


def names_from(names: Sequence[str] | str) -> tuple[str, ...]:
    """Several names, or one, which needs no list around it."""
    return (names,) if isinstance(names, str) else tuple(names)


def refuse_negative(**seconds: float | None) -> None:
    """Check the times of a call, by the names of its arguments; None is one that was not given.

    Raises:
        UsageError: one is negative.
    """
    for name, value in seconds.items():
        if value is not None and value < 0:
            raise UsageError(f"{name} must not be negative.")
