"""Careful readers of JSON from other programs: a value that does not have the wanted type counts as missing.

Each reader takes the keys that lead to a value, from the outermost object inwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

JsonObject = Mapping[str, object]
"""A JSON object whose members may be anything."""

_TEXT = frozenset({str})


def value_of(found: object, *keys: str) -> object:
    """The value below `keys`, of any type; None if there is none."""
    for key in keys:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def object_of(found: object, *keys: str) -> JsonObject:
    """The JSON object below `keys`; an empty one for null or any other type."""
    found = value_of(found, *keys)
    return found if isinstance(found, dict) else {}


def entries_of(found: object, *keys: str) -> list[JsonObject]:
    """The JSON objects in the list below `keys`; other items, such as null, are left out."""
    found = value_of(found, *keys)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def words_of(found: object, *keys: str) -> list[str]:
    """The items of the list below `keys` as strings; none if there is no list."""
    found = value_of(found, *keys)
    return [str(word) for word in found] if isinstance(found, list) else []


def text_of(found: object, *keys: str) -> str:
    """The string below `keys`; "" if there is none."""
    for key in keys:  # not by `value_of`: that call doubles the cost, and a table has thousands of strings
        if not isinstance(found, dict):
            return ""
        found = found.get(key)
    return found if isinstance(found, str) else str(found or "")


def texts_of(found: object, *keys: str) -> Mapping[str, str]:
    """Strings by name, such as labels; {} if there are none."""
    texts = object_of(found, *keys)
    return texts if _are_texts(texts) else {name: str(value) for name, value in texts.items()}


def _are_texts(found: JsonObject) -> TypeGuard[Mapping[str, str]]:
    return _TEXT.issuperset(map(type, found.values()))


def number_of(found: object, *keys: str) -> int:
    """The integer below `keys`; 0 if there is none."""
    found = value_of(found, *keys)
    return found if isinstance(found, int) else 0
