"""What the calls of several nouns share: docker's filters, tolerant reading of JSON, and the usual refusals."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from nbcontainer.engines.connection import Engine
from nbcontainer.engines.failures import plain
from nbcontainer.errors import ApiError, Conflict, NotFound, UsageError

__all__ = ["entries_of", "filters_of", "in_use", "not_found", "number_of", "object_of", "text_of", "texts_of"]

Found = Mapping[str, object]
"""A JSON object that an engine sent."""

SHOWN_USERS = 3


def filters_of(words: Sequence[str]) -> dict[str, list[str]]:
    """Docker's `--filter KEY=VALUE`, which may be repeated, in the API's form.

    Raises:
        UsageError: one has no value.
    """
    filters: dict[str, list[str]] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"--filter takes KEY=VALUE, not {word!r}.", cure="Such as dangling=true or label=tier=db.")
        filters.setdefault(key, []).append(value)
    return filters


def entries_of(found: object) -> list[Found]:
    """The JSON objects of a list that an engine sent; anything else in it is left out; [] for null."""
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def object_of(found: object) -> Found:
    """A JSON object that an engine sent; an empty one for anything else."""
    return found if isinstance(found, dict) else {}


def text_of(found: Found, key: str) -> str:
    """A string of a JSON object; "" where it has none."""
    return str(found.get(key) or "")


def texts_of(found: Found, key: str) -> dict[str, str]:
    """Strings by name, such as labels; {} where there are none."""
    return {str(name): str(value) for name, value in object_of(found.get(key)).items()}


def number_of(found: Found, key: str) -> int:
    """A whole number of a JSON object; 0 where it has none."""
    value = found.get(key)
    return value if isinstance(value, int) else 0


def not_found(engine: Engine, kind: str, name: str, known: Iterable[str], lists: str) -> NotFound:
    """The error for a name that nothing has.

    Args:
        engine: where it was searched for.
        kind: such as "volume".
        name: what was searched for.
        known: the names that exist; the most similar one is suggested.
        lists: the `%docker` line that lists them.
    """
    near = difflib.get_close_matches(name, list(known), 1, 0.6)
    return NotFound(
        f"There is no {kind} {plain(name, 100)} in {engine.name}.",
        status=404,
        reason="not found",
        cure=f"Did you mean {near[0]}?" if near else f"{lists} lists them.",
    )


def in_use(engine: Engine, what: str, users: Sequence[str], error: ApiError) -> Conflict:
    """The refusal to remove something that containers use.

    Args:
        engine: where it is.
        what: such as "volume data".
        users: the containers' names, at least one.
        error: the engine's own.
    """
    shown = ", ".join(users[:SHOWN_USERS]) + (f" and {len(users) - SHOWN_USERS} more" * (len(users) > SHOWN_USERS))
    return Conflict(
        f"The {what} is used by {shown}.",
        status=error.status,
        reason="in use",
        cure=f"Remove what uses it first: {engine.commands.magic('rm', '-f', users[0])}",
    )
