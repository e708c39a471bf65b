"""JSON that another program sent, read with care: what is not of the type that is asked for is as if it were not there.

Each reader takes the keys that lead to a value, from the outermost object inwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

__all__ = ["JsonObject", "entries_of", "number_of", "object_of", "text_of", "texts_of", "value_of", "words_of"]

JsonObject = Mapping[str, object]
"""A JSON object whose members may be anything."""

_TEXT = frozenset({str})


def value_of(found: object, *keys: str) -> object:
    """Whatever stands below `keys`; None where nothing does."""
    for key in keys:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def object_of(found: object, *keys: str) -> JsonObject:
    """The JSON object below `keys`; an empty one for null, or whatever else."""
    found = value_of(found, *keys)
    return found if isinstance(found, dict) else {}


def entries_of(found: object, *keys: str) -> list[JsonObject]:
    """The JSON objects of the list below `keys`; what is no object is left out, and so is null."""
    found = value_of(found, *keys)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def words_of(found: object, *keys: str) -> list[str]:
    """The list below `keys`, as texts; none where there is no list."""
    found = value_of(found, *keys)
    return [str(word) for word in found] if isinstance(found, list) else []


def text_of(found: object, *keys: str) -> str:
    """The text below `keys`; "" where there is none."""
    for key in keys:  # as `value_of`, whose call would cost as much again, and a table has thousands
        if not isinstance(found, dict):
            return ""
        found = found.get(key)
    return found if isinstance(found, str) else str(found or "")


def texts_of(found: object, *keys: str) -> Mapping[str, str]:
    """Texts by name, as labels are; {} where there are none."""
    texts = object_of(found, *keys)
    return texts if _are_texts(texts) else {name: str(value) for name, value in texts.items()}


def _are_texts(found: JsonObject) -> TypeGuard[Mapping[str, str]]:
    return _TEXT.issuperset(map(type, found.values()))


def number_of(found: object, *keys: str) -> int:
    """The whole number below `keys`; 0 where there is none."""
    found = value_of(found, *keys)
    return found if isinstance(found, int) else 0
