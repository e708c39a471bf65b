"""What a text says: values as JSON has them, each with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbcontainer.errors import YamlError

__all__ = ["MOST_LEVELS", "Document", "Field"]

MOST_LEVELS = 200  # of nesting; no object of Kubernetes comes near it


@dataclass(frozen=True, slots=True)
class Field:
    """One value with the line that it stands on: that of its key in a mapping.

    Attributes:
        value: what JSON has: dict, list, str, int, float, bool or None.
        below: the fields of a mapping by key, or the items of a list by index.
        fault: why Kubernetes cannot take it, or "". Of a repeated key only the last value counts, so what is wrong
            with the others does not matter.
    """

    line: int
    value: Any
    below: Mapping[Any, Field] = field(default_factory=dict)
    fault: str = ""

    def check(self) -> None:
        """See to it that nothing in it is faulty.

        Raises:
            YamlError: something is; it has the line.
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
        repeated: line and key of each key that its mapping had already; the last one counts.
    """

    root: Field
    repeated: tuple[tuple[int, str], ...] = ()
