"""kubectl's JSONPath templates, by the rules of client-go. Pure.

A template is text with expressions in braces, such as `{range .items[*]}{.metadata.name}, {end}`:
https://kubernetes.io/docs/reference/kubectl/jsonpath/
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from nbcontainer.errors import UsageError
from nbcontainer.kubernetes_yaml.printing import as_json

Json: TypeAlias = Any
Step: TypeAlias = Callable[[list[Json]], list[Json]]  # from the values so far to the next ones

DOCUMENTATION = "https://kubernetes.io/docs/reference/kubectl/jsonpath/ describes it."
_FIELD = re.compile(r"(?:\\.|[^\s.\[\]{}\"'|()<>=!,@$\\])+")
_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"")
_SLICE = re.compile(r"\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?)?")
_RELAXED = re.compile(r"\{\.?([^{}]+)\}|\.?([^{}]+)")
_COMPARISON = re.compile(r"==|!=|<=|>=|<|>")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class _Path:
    """An expression: what it selects, from the root or from the current object."""

    steps: tuple[Step, ...]

    def select(self, value: Json) -> list[Json]:
        """The values that it leads to; raises as `evaluate`."""
        found = [value]
        for step in self.steps:
            found = step(found)
        return found


@dataclass(frozen=True, slots=True)
class _Range:
    """`{range …}` to its `{end}`: what is repeated for each value."""

    path: _Path
    parts: tuple[_Part, ...]


_Part: TypeAlias = "str | _Path | _Range"


def evaluate(template: str, value: Json) -> str:
    """The text that a template makes of a value, such as `{.metadata.name}` of an object. What is missing is left out.

    Raises:
        UsageError: the template is not valid, or selects an item that does not exist.
    """
    return "".join(_written(_Reader(template).parts(), value))


def check(template: str) -> None:
    """Check a template before anything is sent; raises as `evaluate`."""
    _Reader(template).parts()


def selector(path: str) -> Callable[[Json], list[Json]]:
    """What a single path selects, in any of the forms `{.metadata.name}`, `.metadata.name`, `metadata.name`.

    An item that does not exist selects nothing: not every object has as many.

    Raises:
        UsageError: it is not a valid path.
    """
    match = _RELAXED.fullmatch(path)
    if match is None:
        raise _invalid(path, "it is not a path such as .metadata.name")
    parts = _Reader(f"{{.{match[1] or match[2]}}}", strict=False).parts()
    if len(parts) != 1 or not isinstance(parts[0], _Path):
        raise _invalid(path, "it is not a path such as .metadata.name")
    return parts[0].select


def as_text(value: Json) -> str:
    """A value as client-go prints it: objects and lists as JSON, everything else as it is."""
    if isinstance(value, Mapping | list):
        return as_json(value, indent=None)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _written(parts: Iterable[_Part], value: Json) -> Iterator[str]:
    for part in parts:
        match part:
            case str():
                yield part
            case _Path():
                yield " ".join(map(as_text, part.select(value)))
            case _Range():
                for item in part.path.select(value):
                    yield from _written(part.parts, item)


def _invalid(template: str, why: str) -> UsageError:
    return UsageError(f"The JSONPath {template!r} is not valid: {why}.", cure=DOCUMENTATION)


class _Reader:
    """Reads one template."""

    def __init__(self, template: str, *, strict: bool = True) -> None:
        self._text = template
        self._strict = strict  # whether an item that does not exist is an error
        self._at = 0

    def parts(self) -> tuple[_Part, ...]:
        """The whole template."""
        parts = self._parts()
        if self._at < len(self._text):
            raise self._error("{end} without a {range}")
        return parts

    def _error(self, why: str) -> UsageError:
        return _invalid(self._text, why)

    def _parts(self) -> tuple[_Part, ...]:
        """Text and expressions, up to the end, or to an {end}, which is left."""
        parts: list[_Part] = []
        while self._at < len(self._text):
            opening = self._text.find("{", self._at)
            if opening != self._at:
                parts.append(self._text[self._at : opening if opening >= 0 else None])
                self._at = opening if opening >= 0 else len(self._text)
                continue
            if self._text.startswith("{end}", self._at):
                break
            self._at += 1
            parts.append(self._expression())
        return tuple(parts)

    def _expression(self) -> _Part:
        """What stands between braces; the opening one has been read."""
        self._space()
        quoted = self._match(_QUOTED)
        if quoted is not None:
            self._close("}")
            return _unquoted(quoted)
        if not self._text.startswith("range", self._at) or self._text[self._at + 5 : self._at + 6] not in {" ", "\t"}:
            path = self._path()
            self._close("}")
            return path
        self._at += len("range")
        path = self._path()
        self._close("}")
        parts = self._parts()
        if not self._text.startswith("{end}", self._at):
            raise self._error("a {range} has no {end}")
        self._at += len("{end}")
        return _Range(path, parts)

    def _path(self) -> _Path:
        self._space()
        begins = self._at
        self._skip("$@")
        steps: list[Step] = []
        while True:
            if self._skip(".."):
                steps.append(_descendants)
                if self._peek() not in {"[", ""} and self._peek() not in "} )=!<>":
                    steps.append(self._field())
            elif self._skip("."):
                if self._peek() not in {"[", "}", ""}:
                    steps.append(self._field())
            elif self._skip("["):
                steps.append(self._brackets())
            else:
                break
        if self._at == begins:
            raise self._error(f"unexpected {self._text[self._at : self._at + 10]!r}")
        return _Path(tuple(steps))

    def _field(self) -> Step:
        if self._skip("*"):
            return _children
        match = self._match(_FIELD)
        if match is None:
            raise self._error(f"a field's name is missing before {self._text[self._at : self._at + 10]!r}")
        return _fields([re.sub(r"\\(.)", r"\1", match[0])])

    def _brackets(self) -> Step:
        """What is between brackets; the opening one has been read."""
        self._space()
        if self._skip("*"):
            self._close("]")
            return _children
        if self._skip("?("):
            return self._filter()
        steps: list[Step] = []
        while True:
            self._space()
            quoted = self._match(_QUOTED)
            if quoted is not None:
                steps.append(_fields([_unquoted(quoted)]))
            else:
                steps.append(self._items())
            self._space()
            if not self._skip(","):
                break
        self._close("]")
        return steps[0] if len(steps) == 1 else lambda values: [one for step in steps for one in step(values)]

    def _items(self) -> Step:
        begins = self._at
        match = self._match(_SLICE)
        if match is None or not match[0].strip():
            raise self._error(f"{self._text[begins : begins + 10]!r} is not an index")
        numbers = [int(group) if group else None for group in match.groups()]
        if ":" in match[0]:
            if numbers[2] == 0 or (numbers[2] or 1) < 0:
                raise self._error("the step of a slice must be positive")
            return lambda values: [item for value in _lists(values) for item in value[slice(*numbers)]]
        index = numbers[0] or 0
        return lambda values: [item for value in _lists(values) for item in self._item(value, index)]

    def _item(self, value: Sequence[Json], index: int) -> Sequence[Json]:
        if -len(value) <= index < len(value) or not self._strict:
            return value[index : index + 1 or None]
        raise UsageError(f"JSONPath {self._text!r}: there is no item {index} in a list of {len(value)}.")

    def _filter(self) -> Step:
        """`?(@.type=="Ready")`, up to its brackets."""
        left = self._operand()
        self._space()
        match = self._match(_COMPARISON)
        if match is None:
            self._close(")")
            self._close("]")
            return lambda values: [item for value in _lists(values) for item in value if left(item)]
        compare, right = _COMPARISONS[match[0]], self._operand()
        self._close(")")
        self._close("]")

        def holds(item: Json) -> bool:
            ones, others = left(item), right(item)
            if not ones or not others:
                return False
            try:
                return compare(ones[0], others[0])
            except TypeError:
                return False

        return lambda values: [item for value in _lists(values) for item in value if holds(item)]

    def _operand(self) -> Callable[[Json], list[Json]]:
        self._space()
        quoted = self._match(_QUOTED)
        if quoted is not None:
            text = _unquoted(quoted)
            return lambda _: [text]
        number = self._match(_NUMBER)
        if number is not None:
            return lambda _: [json.loads(number[0])]
        for word in ("true", "false"):
            if self._skip(word):
                return lambda _: [word == "true"]
        return self._path().select

    # --- characters

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _space(self) -> None:
        while self._peek().isspace():
            self._at += 1

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def _skip(self, words: str) -> bool:
        """Skip a word; "$@" is either of them."""
        if words == "$@":
            found = self._peek() in {"$", "@"}
            self._at += found
            return found
        found = self._text.startswith(words, self._at)
        self._at += len(words) if found else 0
        return found

    def _close(self, bracket: str) -> None:
        self._space()
        if not self._skip(bracket):
            found = self._text[self._at : self._at + 10]
            raise self._error(f"{bracket} is missing" + (f" before {found!r}" if found else ""))


def _unquoted(match: re.Match[str]) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), match[1] or match[2] or "")


def _lists(values: Iterable[Json]) -> Iterator[list[Json]]:
    return (value for value in values if isinstance(value, list))


def _fields(names: Sequence[str]) -> Step:
    return lambda values: [
        value[name] for name in names for value in values if isinstance(value, Mapping) and name in value
    ]


def _children(values: Iterable[Json]) -> list[Json]:
    return [child for value in values for child in _items_of(value)]


def _items_of(value: Json) -> Iterable[Json]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _descendants(values: Iterable[Json]) -> list[Json]:
    """Each value that has children, and those of its children that have some, and so on."""
    found: list[Json] = []
    for value in values:
        children = list(_items_of(value))
        if children:
            found += [value, *_descendants(children)]
    return found
