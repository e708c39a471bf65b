"""What the calls of several nouns share: docker's filters, times, and the refusal to remove what is in use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nbcontainer.engines.connection import Engine
from nbcontainer.errors import ApiError, Conflict, UsageError

__all__ = ["filters_of", "in_use", "time_of"]

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
