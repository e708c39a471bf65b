"""Which objects own an object, and which of several objects are owned. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from nbcontainer.json_objects import JsonObject, entries_of, text_of


def owner_ids(found: JsonObject) -> set[str]:
    """The uids of an object's owners."""
    return {text_of(owner, "uid") for owner in entries_of(found, "metadata", "ownerReferences")}


def owned(objects: Iterable[JsonObject], owners: Collection[str]) -> list[JsonObject]:
    """Those of the objects that one of these uids owns."""
    return [one for one in objects if not owner_ids(one).isdisjoint(owners)]
