"""Which objects a table has."""

from __future__ import annotations

from typing import TypedDict


class TableRequest(TypedDict, total=False):
    """Which objects of a kind a table has; those of the namespace, if nothing is given.

    Attributes:
        all_namespaces: objects in all namespaces.
        selector: a label selector, such as "app=web".
        field_selector: a field selector, such as "status.phase=Running".
    """

    all_namespaces: bool
    selector: str
    field_selector: str
