"""Type hints as JSON: how the values of each are written, read and checked.

    dataclass, NamedTuple       an object with a member for each field
    tuple, list, set, Sequence  an array
    Mapping[str, …]             an object, in the mapping's order; with other keys, an array of [key, value]
    Enum, Literal               the value
    str, int, bool, None        as in JSON
    float                       a number, or "Infinity", "-Infinity", "NaN"
    bytes, datetime             base64; ISO 8601
    X | None                    X, or null
    any other union             strings, numbers, booleans and null as such, the rest as {"type": …, "value": …}
    Any                         JSON already, such as a manifest
    an abstract class           {"type": …, "value": …} of the value's own class
    a class with such a base    as its base: Words(tuple[str, ...])
    an error                    an object with a member for each attribute that its class and its bases declare

A value of a subclass of str or int is written as if it were of str or int.
"""

from __future__ import annotations

import base64
import functools
import inspect
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import GenericAlias, NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from nbcontainer.errors import NbcontainerError, SerializationError, restored

Convert = Callable[[Any], Any]

_SCALARS = (str, bool, int, float, NoneType)  # what JSON distinguishes by itself
_NOT_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
_BUILDERS: dict[object, Callable[[Iterable[object]], object]] = {
    tuple: tuple,
    Sequence: tuple,
    list: list,
    set: set,
    frozenset: frozenset,
    AbstractSet: frozenset,
}


class _Form(NamedTuple):
    """How the values of one type hint are written and read. Both raise `_Mismatch`."""

    encode: Convert
    decode: Convert


class _Mismatch(Exception):
    """A value is not what its type hint says. `path` grows on the way out: the fields and indexes that lead to it."""

    path = ""


def converted(name: str, convert: Convert, value: object) -> object:
    """Encode or decode a value; errors call it `name`.

    Raises:
        SerializationError: the value does not have the form.
    """
    try:
        return convert(value)
    except _Mismatch as mismatch:
        path = name + mismatch.path
        raise SerializationError(f"{path} {mismatch}.", path=path) from None
    except RecursionError:
        raise SerializationError(f"{name} is nested too deeply.", path=name) from None


def quoted(word: object) -> str:
    """A word from somebody else's document, for a message: short, and without control characters."""
    return repr(word)[:60] if isinstance(word, str | int | float | None) else type(word).__name__


@functools.cache
def form_of(hint: object) -> _Form:  # noqa: PLR0911 - a return for each kind of hint
    """The form of a type hint.

    Raises:
        SerializationError: its values are not plain data.
    """
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin in _BASIC:
        return _BASIC[origin]
    if origin in (Union, UnionType):
        others = [argument for argument in arguments if argument is not NoneType]
        return _optional(form_of(others[0])) if len(others) == 1 else _union(arguments)
    if origin is Literal:
        words = {word: word for word in arguments}
        return _checked(f"one of {', '.join(map(repr, words))}", words.__getitem__, words.__getitem__)
    if origin in _BUILDERS and origin is not hint:
        return _array(origin, arguments)
    if origin in (Mapping, dict) and origin is not hint:
        return _mapping(*arguments)
    if isinstance(hint, TypeVar) and hint.__bound__:
        return form_of(hint.__bound__)
    if isinstance(hint, type):
        return _abstract(hint) if inspect.isabstract(hint) else _exactly(hint, _class(hint))
    raise SerializationError(f"{hint!r} has no JSON form.")


def _wrong(wanted: str, found: object) -> _Mismatch:
    return _Mismatch(f"must be {wanted}, not {type(found).__name__}")


def _at(place: str | int, convert: Convert, value: object) -> object:
    """Convert a part of a value; a fault in it says where it is."""
    try:
        return convert(value)
    except _Mismatch as mismatch:
        is_name = isinstance(place, str) and place.isidentifier()
        mismatch.path = (f".{place}" if is_name else f"[{quoted(place)}]") + mismatch.path
        raise


def _exactly(kind: type, form: _Form) -> _Form:
    """The form for values of exactly this class: one of a subclass would be read back as its base."""

    def encode(value: object) -> object:
        if type(value) is not kind:
            raise _wrong(kind.__name__, value)
        return form.encode(value)

    return form._replace(encode=encode)


def _class(kind: Any) -> _Form:
    if issubclass(kind, Enum):
        return _checked(f"a {kind.__name__}", operator.attrgetter("value"), kind)
    if is_dataclass(kind):
        return _record(kind)
    if issubclass(kind, NbcontainerError):
        return _error(kind)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named_tuple(kind)
    bases = vars(kind).get("__orig_bases__", kind.__bases__)
    if bases in ((), (object,)):
        raise SerializationError(f"{kind.__name__} has no JSON form: it is neither a dataclass nor a sequence.")
    inner = form_of(bases[0])
    return _Form(inner.encode, lambda document: kind(inner.decode(document)))


def _record(kind: Any) -> _Form:
    """A dataclass. Its fields are looked up on first use, because it may contain values of its own class."""
    return _object(lambda: _fields(kind), lambda given: kind(**given))


def _named_tuple(kind: Any) -> _Form:
    forms = [(name, form_of(hint), name not in kind._field_defaults) for name, hint in get_type_hints(kind).items()]
    return _object(lambda: forms, lambda given: kind(**given))


def _error(kind: type[NbcontainerError]) -> _Form:
    """An error with its attributes. Its cause, its context and its traceback are left out."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name[0] != "_"}
    facts = [(name, form_of(hint), not hasattr(kind, name)) for name, hint in hints.items()]
    defaults = {name: getattr(kind, name) for name, _, required in facts if not required}
    return _object(lambda: facts, lambda given: restored(kind, (given["message"],), {**defaults, **given}))


def _object(
    members: Callable[[], Sequence[tuple[str, _Form, bool]]], build: Callable[[dict[str, object]], object]
) -> _Form:
    """The form of an object with these members: the name, the form, and whether it is required."""

    def encode(value: object) -> dict[str, object]:
        return {name: _at(name, form.encode, getattr(value, name)) for name, form, _ in members()}

    def decode(document: object) -> object:
        if not isinstance(document, dict):
            raise _wrong("an object", document)
        given = {name: _at(name, form.decode, document[name]) for name, form, _ in members() if name in document}
        if len(given) < len(document):
            raise _Mismatch(f"has no field {quoted(next(name for name in document if name not in given))}")
        missing = [name for name, _, required in members() if required and name not in given]
        if missing:
            raise _Mismatch(f"lacks {' and '.join(missing)}")
        return build(given)

    return _Form(encode, decode)


@functools.cache
def _fields(kind: type) -> tuple[tuple[str, _Form, bool], ...]:
    """The fields that are written: the name, the form, and whether it is required."""
    hints = get_type_hints(kind)
    found = []
    for item in fields(kind):
        hint = hints[item.name]
        required = item.default is MISSING and item.default_factory is MISSING
        if item.name.startswith("_") or Callable in {get_origin(part) for part in (hint, *get_args(hint))}:
            if required:
                raise SerializationError(f"{kind.__name__} has no JSON form: it needs {item.name}, which is not data.")
            continue
        form = form_of(hint)
        if "to_json" in item.metadata:
            form = form._replace(encode=_chained(item.metadata["to_json"], form.encode))
        found.append((item.name, form, required))
    return tuple(found)


def _chained(first: Convert, then: Convert) -> Convert:
    return lambda value: then(first(value))


def _array(kind: Any, arguments: tuple[object, ...]) -> _Form:
    is_fixed = kind is tuple and arguments[1:] != (...,)
    forms = [form_of(argument) for argument in (arguments if is_fixed else arguments[:1])]

    def converter(wanted: Any, parts: list[Convert], build: Callable[[Iterable[object]], object]) -> Convert:
        converts = parts if is_fixed else itertools.repeat(parts[0])

        def convert(items: object) -> object:
            if not isinstance(items, wanted) or isinstance(items, str | bytes):
                raise _wrong("an array" if wanted is list else wanted.__name__, items)
            if is_fixed and len(items) != len(parts):
                raise _Mismatch(f"must have {len(parts)} items, not {len(items)}")
            return build(map(_at, itertools.count(), converts, items))

        return convert

    write = functools.partial(sorted, key=repr) if issubclass(kind, AbstractSet) else list
    return _Form(
        converter(kind, [form.encode for form in forms], write),
        converter(list, [form.decode for form in forms], _BUILDERS[kind]),
    )


def _mapping(keys: object, values: object) -> _Form:
    if keys is not str:
        pairs = _array(tuple, (GenericAlias(tuple, (keys, values)), ...))
        return _checked(
            "a mapping", lambda value: pairs.encode(tuple(value.items())), lambda document: dict(pairs.decode(document))
        )

    def converter(convert: Convert) -> Convert:
        def convert_all(items: object) -> dict[str, object]:
            if not isinstance(items, Mapping):
                raise _wrong("an object", items)
            return {text(key): _at(key, convert, item) for key, item in items.items()}

        return convert_all

    text, inner = _BASIC[str].encode, form_of(values)
    return _Form(converter(inner.encode), converter(inner.decode))


def _optional(inner: _Form) -> _Form:
    return _Form(
        lambda value: None if value is None else inner.encode(value),
        lambda document: None if document is None else inner.decode(document),
    )


def _union(hints: tuple[Any, ...]) -> _Form:
    if any(get_origin(hint) or not isinstance(hint, type) for hint in hints):
        raise SerializationError(f"{hints!r} have no JSON form as a union: only classes can be told apart by name.")
    scalars = [hint for hint in _SCALARS if hint in hints]
    named: dict[str, type] = {hint.__name__: hint for hint in hints if hint not in _SCALARS or hint is float}
    wanted = " or ".join(hint.__name__ for hint in hints)

    def scalar(value: object) -> _Form:
        for hint in scalars:
            if _is_a(hint, value):
                return _BASIC[hint]
        raise _wrong(wanted, value)

    def encode(value: object) -> object:
        name = type(value).__name__
        if named.get(name) is type(value) and not (isinstance(value, float) and math.isfinite(value)):
            return {"type": name, "value": form_of(named[name]).encode(value)}
        return scalar(value).encode(value)

    def decode(document: object) -> object:
        if not isinstance(document, dict):
            return scalar(document).decode(document)
        name = document.get("type")
        if document.keys() != {"type", "value"} or not isinstance(name, str) or name not in named:
            raise _Mismatch(f"must be {wanted}, with its type and its value")
        return form_of(named[name]).decode(document["value"])

    return _Form(encode, decode)


def _abstract(kind: type) -> _Form:
    """Values of its subclasses, which are looked up on use, because they may be defined later."""

    def encode(value: object) -> object:
        if not isinstance(value, kind):
            raise _wrong(kind.__name__, value)
        return _union((type(value),)).encode(value)

    def decode(document: object) -> object:
        return _union(tuple(_below(kind))).decode(document)

    return _Form(encode, decode)


def _below(kind: type[object]) -> Iterator[type[object]]:
    for item in kind.__subclasses__():
        if not inspect.isabstract(item):
            yield item
        yield from _below(item)


def _is_a(kind: type, value: object) -> bool:
    """Whether a value is of a scalar type: an int is taken as a float, but a bool is not a number."""
    return isinstance(value, int | float if kind is float else kind) and (kind is bool or not isinstance(value, bool))


def _scalar(kind: type) -> _Form:
    def check(value: object) -> object:
        if type(value) is kind or _is_a(kind, value):
            return value
        raise _wrong("null" if kind is NoneType else kind.__name__, value)

    return _Form(check, check)


def _checked(wanted: str, encode: Convert, decode: Convert) -> _Form:
    """A form whose functions raise Python's own errors for a value that does not fit."""

    def converter(convert: Convert) -> Convert:
        def check(value: object) -> object:
            try:
                return convert(value)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                raise _Mismatch(f"must be {wanted}") from None

        return check

    return _Form(converter(encode), converter(decode))


def _encode_float(value: float) -> float | str:
    if not _is_a(float, value):
        raise _wrong("a number", value)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decode_float(document: float | str) -> float:
    if isinstance(document, str):
        return _NOT_FINITE[document]
    if not _is_a(float, document):
        raise _wrong("a number", document)
    return float(document)


def _copy(value: object) -> object:
    """A copy, if it is JSON; a tuple, for instance, is refused, because it would be read back as a list."""
    if isinstance(value, Mapping):
        return form_of(Mapping[str, Any]).encode(value)
    if isinstance(value, list):
        return form_of(list[Any]).encode(value)
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise _wrong("JSON", value)


_BASIC: dict[object, _Form] = {
    **{kind: _scalar(kind) for kind in (str, bool, int, NoneType)},
    float: _checked("a number", _encode_float, _decode_float),
    bytes: _checked(
        "base64", lambda value: base64.b64encode(value).decode(), functools.partial(base64.b64decode, validate=True)
    ),
    datetime: _checked("a time in ISO 8601", datetime.isoformat, datetime.fromisoformat),
    Any: _Form(_copy, _copy),
}
