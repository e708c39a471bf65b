"""Columns beyond the server's own: labels, and those of `-o custom-columns=…`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from nbcontainer.clusters import jsonpath
from nbcontainer.clusters.secret_values import hide
from nbcontainer.errors import UsageError
from nbcontainer.json_objects import JsonObject, texts_of
from nbcontainer.model.tables import Column

NONE = "<none>"
Read: TypeAlias = Callable[[JsonObject], str]  # from an object to its cell


def label_columns(names: Sequence[str], *, show_labels: bool) -> list[tuple[Column, Read]]:
    """The columns of `-L` and of `--show-labels`, each with what reads its cell from an object."""
    keys = [key for name in names for key in name.split(",") if key]
    found = [(Column(key.rpartition("/")[2].upper()), _label(key)) for key in keys]
    return [*found, (Column("LABELS"), _all_labels)] if show_labels else found


def custom_columns(specification: str) -> list[tuple[Column, Read]]:
    """The columns of `NAME:.metadata.name,IP:.status.podIP`; a Secret's values are hidden in them.

    Raises:
        UsageError: one of them is not a name with a JSONPath.
    """
    found = []
    for part in specification.split(","):
        name, colon, path = part.partition(":")
        if not colon or not name or not path:
            raise UsageError(
                f"{part!r} is not a column: a name, a colon and a JSONPath.",
                cure="For example: NAME:.metadata.name,IMAGE:.spec.containers[*].image",
            )
        found.append((Column(name), _custom(path)))
    return found


def _label(key: str) -> Read:
    return lambda item: texts_of(item, "metadata", "labels").get(key, "")


def _all_labels(item: JsonObject) -> str:
    labels = texts_of(item, "metadata", "labels")
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def _custom(path: str) -> Read:
    select = jsonpath.selector(path)
    return lambda item: ",".join(map(_go_text, select(hide(item)))) or NONE


def _go_text(value: Any) -> str:
    """A value as Go's fmt prints it, which kubectl uses here."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_go_text, value))}]"
    return NONE if value is None else jsonpath.as_text(value)
