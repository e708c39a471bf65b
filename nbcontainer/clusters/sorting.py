"""`--sort-by`: the order of kubectl, as texts that sort the same in Python and in a page. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nbcontainer.clusters import jsonpath
from nbcontainer.clusters.secret_values import hide

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?")
_UNITS = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
    **{unit: Decimal(1000) ** -power for power, unit in enumerate("mun", 1)},
}
_WIDTH = 40  # digits; the largest quantity has 19 before the point, and 9 after it
_PLACES = Decimal(10) ** 9


def rank_of(path: str) -> Callable[[Any], str]:
    """A function that gives an object's place among others: a text, "" where the path selects nothing.

    What is missing comes first, then numbers and quantities by value ("500m", "2Gi"), then text.

    Raises:
        UsageError: the path is not a valid JSONPath.
    """
    select = jsonpath.selector(path)

    def rank(item: Any) -> str:
        found = select(hide(item))  # a page is sent the texts
        return _rank(found[0]) if found else ""

    return rank


def is_of_metadata(path: str) -> bool:
    """Whether a path selects something of an object's metadata, for which the whole object need not be read.

    Its managedFields do not count: they are not read either.
    """
    return path.lstrip("{").lstrip(".").startswith("metadata.") and "managedFields" not in path


def _rank(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"b{value:d}"
    text = str(value)
    number = _number(text)
    if number is None:
        return f"t{text}"
    scaled = int(number * _PLACES)
    return f"n1{scaled:0{_WIDTH}d}" if scaled >= 0 else f"n0{10**_WIDTH + scaled:0{_WIDTH}d}"


def _number(text: str) -> Decimal | None:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    unit = match[2] or ""
    if unit[:1] in {"e", "E"} and len(unit) > 1 and unit[1] != "i":
        return Decimal(match[1] + unit)
    return Decimal(match[1]) * _UNITS.get(unit, 1)
