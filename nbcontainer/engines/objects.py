"""What the calls of several nouns share: docker's filters, times, what is not there, and what is in use."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import datetime

from nbcontainer.engines.connection import Engine
from nbcontainer.engines.http import plain
from nbcontainer.errors import ApiError, Conflict, NotFound, UsageError

__all__ = ["filters_of", "in_use", "not_found", "time_of"]

SHOWN_USERS = 3


def filters_of(words: Sequence[str]) -> dict[str, list[str]]:
    """Docker's `--filter KEY=VALUE`, which may be repeated, as the API takes them.

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


def time_of(text: object) -> float:
    """A time of the API (RFC 3339) in seconds since the epoch; 0 where there is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0


def not_found(engine: Engine, kind: str, name: str, known: Sequence[str], *listed: str) -> NotFound:
    """The error for a name that nothing has; it says which name is nearly that.

    Args:
        engine: where it was looked for.
        kind: "volume".
        name: what was asked for.
        known: the names that there are.
        *listed: the verb that lists them: "volume", "ls".
    """
    near = difflib.get_close_matches(name, known, 1, 0.6)
    return NotFound(
        f"There is no {kind} {plain(name, 100)} in {engine.name}.",
        status=404,
        reason="not found",
        cure=f"Did you mean {near[0]}?" if near else f"{engine.commands.magic(*listed)} lists them.",
    )


def in_use(engine: Engine, what: str, users: Sequence[str], error: ApiError) -> Conflict:
    """The refusal to remove something that containers use.

    Args:
        engine: where it is.
        what: "volume data".
        users: the containers' names, at least one.
        error: how the engine refused.
    """
    shown = ", ".join(users[:SHOWN_USERS]) + (f" and {len(users) - SHOWN_USERS} more" * (len(users) > SHOWN_USERS))
    return Conflict(
        f"The {what} is used by {shown}.",
        status=error.status,
        reason="in use",
        cure=f"Remove what uses it first: {engine.commands.magic('rm', '-f', users[0])}",
    )
