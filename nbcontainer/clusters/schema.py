"""Decoded YAML or JSON to data classes, as strictly as Go reads it into its structs. Pure.

A wrong type is an error that names the field; a field that is not in the schema is ignored; null is the field's
default. The error never contains a value, except words that YAML readers take for true or false.
"""

from __future__ import annotations

import base64
import binascii
import functools
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, field, fields, is_dataclass
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

Entry = TypeVar("Entry")
Default = TypeVar("Default")
Reader = Callable[[object], object]

BOOLEAN_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "0", "1"}
KINDS: tuple[tuple[type | types.UnionType, str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false"),
    (int | float, "a number"),
    (str, "text"),
    (list, "a list"),
    (Mapping, "a mapping"),
)
QUOTES = "YAML does not read it as text: put it in quotes."


class WrongType(Exception):
    """A field does not have its schema's type.

    Attributes:
        path: the keys and indexes that lead to the field.
        wanted, found: what it must be and what it is, in words.
        cure: what to do, or "".
    """

    def __init__(self, wanted: str, found: str, *, cure: str = "") -> None:
        self.path: tuple[str | int, ...] = ()
        self.wanted, self.found, self.cure = wanted, found, cure
        super().__init__(f"must be {wanted}, not {found}")


def key(name: str, default: Default, *, shown: bool = True) -> Default:
    """A field of a data class with another name in the document; `shown`: whether the repr includes it."""
    return field(default=default, repr=shown, metadata={"key": name})


def read(schema: type[Entry], document: object) -> Entry:
    """Read a document into a data class.

    The fields' types may be str, bool, bytes (base64 in the document), object (any value), other data classes,
    these or None, `tuple[X, ...]` and `Mapping[str, X]`. A field's key is its name with hyphens, else what `key` says.

    Raises:
        WrongType: a field has another type.
    """
    return schema(**dict(_fields(schema, _mapping(document))))


def _fields(schema: type, document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, in_document, reader in _readers(schema):
        found = document.get(in_document)
        if found is not None:
            yield name, _below(in_document, reader, found)


def _below(where: str | int, reader: Reader, found: object) -> object:
    try:
        return reader(found)
    except WrongType as error:
        error.path = (where, *error.path)
        raise


@functools.cache
def _readers(schema: type) -> list[tuple[str, str, Reader]]:
    """Each field's name, key in the document, and reader."""
    hints = get_type_hints(schema)
    return [(one.name, _key(one), _reader(hints[one.name])) for one in fields(schema)]


def _key(one: Field[object]) -> str:
    return str(one.metadata.get("key") or one.name.replace("_", "-"))


def _reader(hint: object) -> Reader:
    simple: dict[object, Reader] = {str: _text, bool: _boolean, bytes: _bytes, object: lambda found: found}
    if hint in simple:
        return simple[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return functools.partial(read, hint)
    inner = [one for one in get_args(hint) if one not in (type(None), Ellipsis)]
    if get_origin(hint) in (types.UnionType, Union):
        return _reader(inner[0])
    return functools.partial(_items if get_origin(hint) is tuple else _values, inner[-1])


def _items(hint: object, found: object) -> tuple[object, ...]:
    if not isinstance(found, list):
        raise WrongType("a list", _words(found))
    reader = _reader(hint)
    return tuple(_below(index, reader, _or_empty(hint, item)) for index, item in enumerate(found))


def _values(hint: object, found: object) -> dict[str, object]:
    reader = _reader(hint)
    return {name: _below(name, reader, _or_empty(hint, value)) for name, value in _mapping(found).items()}


def _or_empty(hint: object, item: object) -> object:
    """A null in a list or mapping is the type's empty value, as in Go."""
    if item is not None or hint is object:
        return item
    empty: dict[object, object] = {str: "", bool: False, bytes: ""}
    return empty.get(hint, {} if is_dataclass(hint) else [])


def _mapping(found: object) -> Mapping[str, object]:
    if not isinstance(found, Mapping):
        raise WrongType("a mapping", _words(found))
    return {_key_text(name): value for name, value in found.items()}


def _key_text(name: object) -> str:
    return str(name).lower() if isinstance(name, bool) else str(name)


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise WrongType("text", _words(found), cure="" if isinstance(found, list | Mapping) else QUOTES)
    return found


def _boolean(found: object) -> bool:
    if isinstance(found, bool):
        return found
    cure = "Remove the quotes." if isinstance(found, str) and found in {"true", "false"} else ""
    raise WrongType("true or false", _words(found), cure=cure)


def _bytes(found: object) -> bytes:
    text = _text(found)
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise WrongType("base64", "what it is") from None


def _words(found: object) -> str:
    """The kind of a value, without the value itself, which may be a secret in the wrong place."""
    if isinstance(found, str) and found.lower() in BOOLEAN_WORDS:
        return f'the text "{found}"'
    return next((words for kinds, words in KINDS if isinstance(found, kinds)), f"a {type(found).__name__}")
