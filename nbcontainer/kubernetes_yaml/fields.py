"""The values of a text, as in JSON, each with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbcontainer.errors import YamlError

MOST_LEVELS = 200  # of nesting; no Kubernetes object comes near it


@dataclass(frozen=True, slots=True)
class Field:
    """One value with its line: in a mapping, the line of its key.

    Attributes:
        value: a JSON value: dict, list, str, int, float, bool or None.
        below: the fields of a mapping by key, or the items of a list by index.
        fault: why Kubernetes cannot accept it, or "". It is not raised at once: a later value of a repeated key
            replaces this one, and then the fault does not matter.
    """

    line: int
    value: Any
    below: Mapping[Any, Field] = field(default_factory=dict)
    fault: str = ""

    def check(self) -> None:
        """Check that nothing in it has a fault.

        Raises:
            YamlError: something has; it has the line.
        """
        for each in self._all():
            if each.fault:
                raise YamlError(each.line, each.fault)

    def _all(self) -> Iterator[Field]:
        waiting = [self]
        while waiting:
            each = waiting.pop()
            yield each
            waiting += reversed(list(each.below.values()))


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text.

    Attributes:
        repeated: line and key of each key that its mapping already had; the last one counts.
    """

    root: Field
    repeated: tuple[tuple[int, str], ...] = ()
