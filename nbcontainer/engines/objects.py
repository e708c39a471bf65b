"""What the calls of several nouns share: docker's filters, and the usual refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from nbcontainer import existence
from nbcontainer.engines.connection import Engine
from nbcontainer.errors import ApiError, Conflict, UsageError
from nbcontainer.json_objects import text_of

Answer = TypeVar("Answer")

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


def prune_filters(verb: str, words: Sequence[str], known: Sequence[str]) -> dict[str, list[str]]:
    """The filters of a prune, in the API's form. What a list filters by, such as a name, is none of them.

    Raises:
        UsageError: one is not among `known`, or has no value.
    """
    filters = filters_of(words)
    wrong = next((key for key in filters if key not in known), None)
    if wrong is not None:
        raise UsageError(f"{verb} has no filter {wrong!r}.", cure=f"Its filters are {', '.join(known)}.")
    return filters


def matches_labels(labels: Mapping[str, str], filters: Mapping[str, Sequence[str]]) -> bool:
    """Whether Docker's prune would take an object with these labels.

    Args:
        labels: those of the object.
        filters: "label" are labels that it must all have; if it has all of "label!", it is kept.
    """

    def has(word: str) -> bool:
        name, equals, value = word.partition("=")
        return name in labels and (not equals or labels[name] == value)

    kept = filters.get("label!", ())
    return all(map(has, filters.get("label", ()))) and not (kept and all(map(has, kept)))


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


def in_use(engine: Engine, kind: str, name: str, users: Sequence[str], error: ApiError) -> Conflict:
    """The refusal to remove something that containers use.

    Args:
        engine: where it is.
        kind: such as "volume".
        name: its name.
        users: the containers' names, at least one.
        error: the engine's own.
    """
    cure = f"Remove what uses it first: {engine.commands.magic('rm', '-f', users[0])}"
    return existence.in_use(kind, name, users, status=error.status, cure=cure)
