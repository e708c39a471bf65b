"""The arguments of a public call, checked against its annotations before it does anything."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from numbers import Integral, Real
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from nbcontainer.errors import UsageError

Words = ParamSpec("Words")
Answer = TypeVar("Answer")

SHOWN = {str: "a str", bool: "True or False", int: "an int", float: "a finite number", bytes: "bytes", NoneType: "None"}
NUMBERS: dict[type, type] = {int: Integral, float: Real}  # numpy's numbers count as well


def checks(call: Callable[Words, Answer]) -> Callable[Words, Answer]:
    """Check the arguments of a function that has no mark, as `checked` does."""

    @wraps(call)
    def checking(*words: Words.args, **named: Words.kwargs) -> Answer:
        given, keywords = checked(call, words, named)
        return call(*given, **keywords)

    return checking


def same_arguments(other: Callable[Words, object]) -> Callable[[Callable[..., Answer]], Callable[Words, Answer]]:
    """Give a method the signature of another one, instead of a copy of it; it takes `self`, and the rest by name."""
    signature = inspect.signature(other)

    def mark(method: Callable[..., Answer]) -> Callable[Words, Answer]:
        @wraps(method)
        def same(*words: Words.args, **named: Words.kwargs) -> Answer:
            given = signature.bind(*words, **named)
            given.apply_defaults()
            return method(**given.arguments)

        returned = inspect.signature(method).return_annotation
        same.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]
        return same

    return mark


def also_takes(**defaults: str) -> Callable[[Callable[Words, Answer]], Callable[Words, Answer]]:
    """Write out the keywords of a call's `**how: Unpack[…]` in its signature: they are checked and documented there."""

    def mark(call: Callable[Words, Answer]) -> Callable[Words, Answer]:
        found = inspect.signature(call)
        own = [one for one in found.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation="str")
            for name, value in defaults.items()
        ]
        call.__signature__ = found.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return call

    return mark


def checked(
    call: Callable[..., object], words: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call as its annotations want them: one string may stand for a sequence of strings.

    Values are not shown in the error, since they may be secret. Annotations of other kinds than text, numbers, bytes,
    our own classes, and sequences and mappings of these are not checked.

    Raises:
        UsageError: an argument has the wrong type; the error names it.
        TypeError: Python's own, for an argument that is missing or that the call does not have.
    """
    signature, kinds = _signature(call)
    bound = signature.bind(*words, **named)
    for name, value in bound.arguments.items():
        kind = kinds.get(name)
        if kind is None:
            continue
        if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            bound.arguments[name] = tuple(_fitted(f"Each of {name}", kind, one) for one in value)
        else:
            bound.arguments[name] = _fitted(name, kind, value)
    return bound.args, bound.kwargs


@cache
def _signature(call: Callable[..., object]) -> tuple[inspect.Signature, dict[str, Any]]:
    """A call's signature, and the types of its parameters as far as they are known when it runs."""
    signature = inspect.signature(call)
    kinds: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        one = SimpleNamespace(__annotations__={name: parameter.annotation})
        try:
            kinds |= get_type_hints(one, getattr(inspect.unwrap(call), "__globals__", {}))
        except NameError:  # it is only imported for the type checker: an argument of ours
            continue
    kinds = {name: kind for name, kind in kinds.items() if all(map(_is_checked, _each(kind)))}
    return signature, kinds


def _is_checked(kind: object) -> bool:
    if get_origin(kind) in {Sequence, Mapping}:
        return all(_is_checked(one) for inner in get_args(kind) for one in _each(inner))
    return isinstance(kind, type) and (kind in SHOWN or kind.__module__.startswith("nbcontainer."))


def _each(kind: object) -> tuple[Any, ...]:
    """The types that a union allows, or the only one."""
    return get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)


def _fitted(what: str, kind: object, value: object) -> object:
    kinds = _each(kind)
    if any(_is_of(value, one) for one in kinds if isinstance(one, type)):
        return value
    for one in kinds:
        match get_origin(one), get_args(one):
            case origin, (name_kind, item_kind) if origin is Mapping and isinstance(value, Mapping):
                return {
                    _fitted(f"A name in {what}", name_kind, name): _fitted(f"{what}[{name!r}]", item_kind, item)
                    for name, item in value.items()
                }
            case origin, (item_kind,) if origin is Sequence:
                if value is None or (isinstance(value, str) and item_kind is str):
                    return (value,) if value else ()
                if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
                    return tuple(_fitted(f"{what}[{index}]", item_kind, item) for index, item in enumerate(value))
    wanted = " or ".join(_shown(one) for one in kinds)
    given = str(value) if isinstance(value, float | NoneType) else f"a value of type {type(value).__name__}"
    raise UsageError(f"{what} must be {wanted}, not {given}.")


def _is_of(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is bytes:
        return isinstance(value, bytes | bytearray | memoryview)
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, NUMBERS.get(kind, kind))


def _shown(kind: Any) -> str:
    if get_origin(kind) is Sequence:
        return f"a list, each item {' or '.join(map(_shown, _each(get_args(kind)[0])))}"
    if get_origin(kind) is Mapping:
        return "a mapping of names to values"
    return SHOWN.get(kind, f"a {kind.__name__}")
