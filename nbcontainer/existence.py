"""The words for objects of any kind that do not exist, exist already, or are in use; the same in every message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from nbcontainer.errors import Conflict, NotFound

SHOWN_CHARACTERS = 100  # of a name
SHOWN_USERS = 3


def shown_name(name: str) -> str:
    """A name for a message, cut if it is long; in quotes if it is empty or has other characters than a name."""
    shown = name if len(name) <= SHOWN_CHARACTERS else f"{name[: SHOWN_CHARACTERS - 1]}…"
    return shown if shown.isprintable() and shown.split() == [name] else repr(shown)


def none_called(kind: str, names: str | Sequence[str], where: str, *, plural: str = "") -> str:
    """What is said of names that nothing has: "There is no volume data in Docker Engine 28.5.2" and a period.

    Args:
        kind: in the singular, such as "volume".
        names: one or several.
        where: the engine, the cluster with its namespace, or the object that could have it.
        plural: the kind's plural, if an s does not make it.
    """
    several = [names] if isinstance(names, str) else names
    shown = ", ".join(map(shown_name, several))
    what = f"There is no {kind}" if len(several) == 1 else f"There are no {plural or f'{kind}s'}"
    return f"{what} {shown} in {where}."


def no_objects(kind: str, where: str, *, which: str = "", condition: str = "") -> str:
    """What is said where nothing is found: "There are no unused volumes in …", "There are no pods with app=web in …".

    Args:
        kind: in the singular.
        where: the engine, or the cluster with its namespace.
        which: an adjective.
        condition: what would be found: "with app=web".
    """
    words = ["There are no", which, f"{kind}s", condition, f"in {where}."]
    return " ".join(filter(None, words))


def not_found(
    kind: str, names: str | Sequence[str], where: str, *, known: Iterable[str] = (), cure: str = "", plural: str = ""
) -> NotFound:
    """The error for names that nothing has.

    Args:
        kind: in the singular.
        names: one or several.
        where: where they were searched for.
        known: the names that exist; the most similar one is suggested.
        cure: what to do if none is similar.
        plural: the kind's plural, if an s does not make it.
    """
    wanted = names if isinstance(names, str) else "".join(names[:1])
    near = difflib.get_close_matches(wanted, [each.removesuffix(":latest") for each in known], 1, 0.6)
    cure = f"Did you mean {near[0]}?" if near else cure
    return NotFound(none_called(kind, names, where, plural=plural), reason="not found", cure=cure)


def already_exists(kind: str, name: str, where: str, *, cure: str) -> Conflict:
    """The error for a name that another object has."""
    return Conflict(f"There is already a {kind} {shown_name(name)} in {where}.", reason="exists", cure=cure)


def in_use(kind: str, name: str, users: Sequence[str], *, status: int = 409, cure: str) -> Conflict:
    """The refusal to remove an object that others, at least one, use."""
    more = f" and {len(users) - SHOWN_USERS} more" if len(users) > SHOWN_USERS else ""
    return Conflict(
        f"The {kind} {shown_name(name)} is used by {', '.join(users[:SHOWN_USERS])}{more}.",
        status=status,
        reason="in use",
        cure=cure,
    )
