"""From the API server's own Tables to rows: columns, ages, tones. Pure.

A Table (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables) contains what
kubectl prints; the server makes it, for any kind.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nbcontainer.clusters.further_columns import Read
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of
from nbcontainer.model.tables import Cell, Column, Row, Tone

_STATUS_COLUMNS = frozenset({"STATUS", "PHASE"})
_NUMBER_TYPES = frozenset({"integer", "number"})
_AGE_UNITS = {"y": 365 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_AGE = re.compile(r"(\d+)([ydhms])")
MOST_SHARED = 4_000  # texts that rows have in common, or might
_TEXTS = frozenset({"text", "status"})
_WITHOUT_TABLE = ({"name": "Name"}, {"name": "Age", "type": "date"})  # what kubectl prints of such objects
_LEADING_NUMBER = re.compile(r"\s*(-?\d+)(?: \((\w+) ago\))?")  # RESTARTS is "3 (5m ago)"

_GOOD = frozenset({"running", "active", "ready", "bound", "available", "complete"})
_DIM = frozenset({"completed", "succeeded", "normal", "none", ""})
_WAITING = ("pending", "creating", "terminating", "initializing", "notready", "not ready", "unknown", "released")
_BAD = ("error", "backoff", "fail", "evicted", "oomkilled", "crash", "lost", "invalid", "outof", "deadline")


@functools.lru_cache(maxsize=256)  # a table of thousands has few words
def status_tone(word: str) -> Tone:
    """The tone of an API status word: "CrashLoopBackOff" is bad, "Pending" a warning, "Completed" dim."""
    lower = word.lower()
    if lower in _GOOD:
        return Tone.GOOD
    if lower in _DIM:
        return Tone.DIM
    if any(part in lower for part in _BAD) or lower.startswith(("err", "init:err")):
        return Tone.BAD
    if any(part in lower for part in _WAITING) or lower.startswith(("init:", "podinit", "scheduling", "warning")):
        return Tone.WARNING
    return Tone.PLAIN


def epoch(timestamp: str | None) -> float | None:
    """An API timestamp (RFC 3339) as seconds since the epoch."""
    try:
        return datetime.fromisoformat(timestamp).timestamp() if timestamp else None
    except ValueError:
        return None


def age_seconds(text: str) -> float | None:
    """An age in the API server's form ("5m32s", "3d4h") in seconds, or None if it is not an age ("<unknown>")."""
    word = text.partition(" ")[0]  # events have "5m (x3 over 10m)"
    parts = _AGE.findall(word)
    if not parts or "".join(number + unit for number, unit in parts) != word:
        return None
    return float(sum(int(number) * _AGE_UNITS[unit] for number, unit in parts))


def age_text(seconds: float) -> str:
    """Seconds as an age in kubectl's form: "42s", "5m32s", "3h", "12d"."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:  # noqa: PLR2004 - kubectl's own steps, in duration.HumanDuration
        return f"{whole}s"
    if minutes < 10:  # noqa: PLR2004 - kubectl's
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if hours < 3:  # noqa: PLR2004 - kubectl's
        return f"{minutes}m"
    if hours < 8:  # noqa: PLR2004 - kubectl's
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:  # noqa: PLR2004 - kubectl's
        return f"{hours}h"
    return f"{days}d{hours % 24}h" if days < 8 and hours % 24 else f"{days}d"  # noqa: PLR2004 - kubectl's


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the cells under one set of columnDefinitions are turned into ours."""

    columns: tuple[Column, ...]
    columns_but_age: tuple[Column, ...]  # the same, with the cell of the own age as it is: the metadata says it exactly
    status: int | None
    age: int | None  # the column that shows the object's own age
    restarts: int | None = None


class Decoder:
    """Turns the pages of one table into rows of one shape.

    Args:
        kind: the objects' kind, for the rows.
        with_namespace: whether there is a column for it, before all others.
        custom: the columns instead of the server's, with what reads each cell from an object.
        further: columns after all others, likewise.
        rank: gives an object's place among the others.
    """

    def __init__(
        self,
        kind: str,
        *,
        with_namespace: bool,
        custom: Sequence[tuple[Column, Read]] = (),
        further: Sequence[tuple[Column, Read]] = (),
        rank: Callable[[JsonObject], str] | None = None,
    ) -> None:
        self._kind = kind
        self._with_namespace = with_namespace and not custom
        self._custom = custom
        self._further = further
        self._rank = rank
        self._plan = _Plan((), (), None, None)
        self._shared: dict[Any, Any] = {}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, known once a page has been read."""
        space = (Column("NAMESPACE"),) if self._with_namespace else ()
        own = (column for column, _ in self._custom) if self._custom else self._plan.columns
        return (*space, *own, *(column for column, _ in self._further))

    def rows(self, page: JsonObject, namespace: str = "") -> list[Row]:
        """The rows of a page, or of the Table in a watch event.

        Args:
            page: a Table; without columnDefinitions, it has those of the previous page. Or objects, from an aggregated
                API server that makes no Tables.
            namespace: the namespace of all rows, where the page does not contain it (includeObject=None).
        """
        definitions = entries_of(page, "columnDefinitions") if _is_table(page) else _WITHOUT_TABLE
        if definitions:
            self._plan = _plan(definitions, self._kind)
        now = time.time()
        if len(self._shared) > MOST_SHARED:
            self._shared.clear()
        return [self._row(row, namespace, now) for row in _rows(page)]

    def keys(self, page: JsonObject, namespace: str = "") -> Iterable[str]:
        """The keys of a page's rows."""
        return [_key(row, namespace) for row in _rows(page)]

    def _row(self, row: JsonObject, namespace: str, now: float) -> Row:
        plan, shared = self._plan, self._shared.setdefault  # the same text once, for all rows that have it
        metadata = object_of(row, "object", "metadata")
        namespace = text_of(metadata, "namespace") or namespace
        namespace = shared(namespace, namespace)
        found = _cells(row)
        dated = plan.age is not None and plan.age < len(found) and "creationTimestamp" in metadata
        columns = plan.columns_but_age if dated else plan.columns
        cells = [  # most are text already, and a table has tens of thousands
            shared(cell, cell) if type(cell) is str and column.kind in _TEXTS else _cell(cell, column, now)
            for cell, column in zip(found, columns, strict=False)
        ]
        if dated and plan.age is not None:
            cells[plan.age] = epoch(text_of(metadata, "creationTimestamp"))
        status = cells[plan.status] if plan.status is not None and plan.status < len(cells) else ""
        restarts = found[plan.restarts] if plan.restarts is not None and plan.restarts < len(found) else None
        if self._custom:
            cells = [read(object_of(row, "object")) for _, read in self._custom]
        if self._further:
            cells += [read(object_of(row, "object")) for _, read in self._further]
        if self._with_namespace:
            cells.insert(0, namespace)
        name = text_of(metadata, "name") or (str(found[0]) if found else "")
        labels = texts_of(metadata, "labels")
        return Row(
            key=f"{namespace}/{name}",
            cells=tuple(cells),
            tone=status_tone(str(status)) if status else Tone.PLAIN,
            name=shared(name, name),
            namespace=namespace,
            kind=self._kind,
            labels=shared(tuple(labels.items()), labels),
            restarted=_restarted(restarts, now) if isinstance(restarts, str) and " " in restarts else 0.0,
            rank=self._rank(object_of(row, "object")) if self._rank else "",
        )


def _restarted(restarts: str, now: float) -> float:
    """When the last of a pod's restarts was, as far as the API server says."""
    match = _LEADING_NUMBER.match(restarts)
    age = age_seconds(match[2]) if match and match[2] else None
    return now - age if age is not None else 0.0


def _is_table(page: JsonObject) -> bool:
    return page.get("kind") == "Table" or "rows" in page or "columnDefinitions" in page


def _rows(page: JsonObject) -> Sequence[JsonObject]:
    """The rows of a Table, or of objects."""
    if _is_table(page):
        return entries_of(page, "rows")
    items = entries_of(page, "items") if "items" in page else [page] if text_of(page, "metadata", "name") else []
    return [{"cells": [text_of(item, "metadata", "name"), None], "object": item} for item in items]


def _key(row: JsonObject, namespace: str) -> str:
    metadata, cells = object_of(row, "object", "metadata"), _cells(row)
    name = text_of(metadata, "name") or (str(cells[0]) if cells else "")
    return f"{text_of(metadata, 'namespace') or namespace}/{name}"


def _cells(row: JsonObject) -> list[object]:
    cells = row.get("cells")
    return cells if isinstance(cells, list) else []


def _plan(definitions: Sequence[JsonObject], kind: str) -> _Plan:
    columns = []
    for definition in definitions:
        name = text_of(definition, "name").upper()
        columns.append(Column(name, _kind_of(name, definition, kind), wide=number_of(definition, "priority") > 0))
    names = [column.name for column in columns]
    status = next((index for index, column in enumerate(columns) if column.kind == "status"), None)
    undated = tuple(replace(column, kind="text") if column.name == "AGE" else column for column in columns)
    places = {name: names.index(name) for name in ("AGE", "RESTARTS") if name in names}
    restarts = places.get("RESTARTS") if kind == "Pod" else None
    return _Plan(tuple(columns), undated, status, places.get("AGE"), restarts)


def _kind_of(name: str, definition: JsonObject, kind: str) -> str:
    is_date = definition.get("type") == "date" and name != "CREATED AT"  # an instant, which kubectl shows as it is
    if name in {"AGE", "LAST SEEN", "FIRST SEEN"} or is_date:
        return "age"
    if name == "RESTARTS":
        return "restarts"
    if text_of(definition, "type") in _NUMBER_TYPES:
        return "number"
    is_status = name in _STATUS_COLUMNS or (name == "TYPE" and kind == "Event")
    return "status" if is_status and not definition.get("priority") else "text"


def _cell(cell: object, column: Column, now: float) -> Cell:
    if isinstance(cell, str):
        if column.kind == "age":
            age = age_seconds(cell)
            return now - age if age is not None else epoch(cell) or cell  # "<unknown>"
        if column.kind in {"number", "restarts"}:
            number = _LEADING_NUMBER.match(cell)
            return int(number.group(1)) if number else None
        return cell
    if cell is None or isinstance(cell, (int, float)):
        return cell
    return ", ".join(map(str, cell)) if isinstance(cell, list) else str(cell)
