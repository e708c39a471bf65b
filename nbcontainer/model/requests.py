"""Requests from the words of a call: `run("busybox", command=["date"])` in place of `run(RunRequest(…))`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from numbers import Integral, Real
from typing import Any, TypeVar

from nbcontainer.errors import UsageError

__all__ = ["bytes_from", "command_words", "names_from", "request_from"]

Request = TypeVar("Request")
_NUMBERS: dict[str, type] = {"int": Integral, "float": Real}


def request_from(kind: type[Request], given: Request | str, words: Mapping[str, Any], *, by: str) -> Request:
    """The request that a call means.

    Args:
        kind: the request's class, a dataclass.
        given: the request itself, or the text that names it.
        words: its other fields, where `given` is no request. A list does for a tuple, and so does one text for a
            tuple of one; a command that is one text is split as a shell splits it.
        by: the field that `given` is where it is a text.

    Raises:
        UsageError: it has no field of that name, lacks one, a value is of no kind that fits, or fields were given
            beside a request.
    """
    known: dict[str, Field[Any]] = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(given, str | kind):
        raise UsageError(f"Wanted is a text or a {kind.__name__}, not a {type(given).__name__}.")
    if not isinstance(given, str):
        if words:
            raise UsageError(f"{', '.join(words)}: given beside a {kind.__name__}, which has them.")
        return given
    unknown = [name for name in words if name not in known]
    if unknown:
        raise UsageError(f"There is no {unknown[0]!r}.", cure=f"Known: {', '.join(known)}.")
    values = {name: _as_field(known[name], value) for name, value in {by: given, **words}.items()}
    lacking = [name for name, item in known.items() if _is_required(item) and name not in values]
    if lacking:
        raise UsageError(f"{' and '.join(lacking)}: missing for the {kind.__name__}.")
    return kind(**values)


def _is_required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _as_field(item: Field[Any], value: Any) -> Any:
    if item.name == "files" and isinstance(value, Mapping):
        return {path: bytes_from(f"The file {path}", content) for path, content in value.items()}
    if str(item.type).startswith("Mapping") and not isinstance(value, Mapping):
        raise UsageError(f"{item.name} is a mapping of names to values, not a {type(value).__name__}.")
    wanted = _NUMBERS.get(str(item.type))
    if wanted is not None and (isinstance(value, bool) or not isinstance(value, wanted)):
        raise UsageError(f"{item.name} is a number, not {value!r}.")
    if not str(item.type).startswith("tuple"):
        return value
    if isinstance(value, str) and item.name == "command":
        return command_words(value)
    return names_from(value) if value else ()


def bytes_from(what: str, content: Any) -> bytes:
    """The bytes of a content that may be a text.

    Args:
        what: what it is the content of, for the error.
        content: str, in UTF-8, or bytes.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise UsageError(f"{what} is a {type(content).__name__}, not str or bytes.")


def command_words(command: Sequence[str] | str) -> tuple[str, ...]:
    """The words of a command, of which one text is split as a shell splits it.

    Raises:
        UsageError: a quote is left open.
    """
    if not isinstance(command, str):
        return tuple(command)
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {error}.", cure="A list of its words needs no quotes.") from None


def names_from(names: Sequence[str] | str) -> tuple[str, ...]:
    """Names, of which one alone needs no list around it."""
    return (names,) if isinstance(names, str) else tuple(names)
