"""What the calls of several nouns share: docker's filters, and the usual refusals."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from nbcontainer.engines.connection import Engine
from nbcontainer.engines.failures import shown_name
from nbcontainer.errors import ApiError, Conflict, NotFound, UsageError
from nbcontainer.json_objects import text_of

__all__ = ["filters_of", "in_use", "made_id", "not_found", "repeated"]

Answer = TypeVar("Answer")

SHOWN_USERS = 3
RETRIES = 4


def filters_of(words: Sequence[str]) -> dict[str, list[str]]:
    """Docker's `--filter KEY=VALUE`, which may be repeated, in the API's form.

    Raises:
        UsageError: one has no value.
    """
    filters: dict[str, list[str]] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(
                f"`--filter` takes KEY=VALUE, not {word!r}.", cure="Such as dangling=true or label=tier=db."
            )
        filters.setdefault(key, []).append(value)
    return filters


def repeated(call: Callable[[], Answer], *, error: type[ApiError], says: str = "") -> Answer:
    """What `call` returns. It is tried again a few times after this error, for calls of Podman that disturb each other.

    Args:
        call: the call, which has changed nothing if it raises the error.
        error: the error's class.
        says: what the error says, if others of its class are no reason to try again.
    """
    for _ in range(RETRIES):
        try:
            return call()
        except error as passing:
            if says not in passing.message:
                raise
    return call()


def made_id(answer: object) -> str:
    """The id of what an engine has made, as it answers.

    Raises:
        ApiError: the answer names none.
    """
    found = text_of(answer, "Id")
    if not found:
        raise ApiError("The engine has not said the id of what it was to make.", reason="garbage")
    return found


def not_found(engine: Engine, kind: str, name: str, known: Iterable[str], lists: str) -> NotFound:
    """The error for a name that nothing has.

    Args:
        engine: where it was searched for.
        kind: such as "volume".
        name: what was searched for.
        known: the names that exist; the most similar one is suggested.
        lists: the `%docker` line that lists them.
    """
    near = difflib.get_close_matches(name, [each.removesuffix(":latest") for each in known], 1, 0.6)
    return NotFound(
        f"There is no {kind} {shown_name(name)} in {engine.name}.",
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
