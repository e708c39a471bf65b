"""Which objects a table has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class TableRequest(TypedDict, total=False):
    """Which objects of a kind a table has; those of the namespace, if nothing is given.

    Attributes:
        all_namespaces: objects in all namespaces.
        selector: a label selector, such as "app=web".
        field_selector: a field selector, such as "status.phase=Running".
        sort_by: a JSONPath of what the rows are sorted by; "" for the order of their names.
        label_columns: labels that have a column of their own.
        show_labels: whether there is a column of all labels.
        columns: the columns instead of the server's: a name and a JSONPath for each, "NAME:.metadata.name,IP:.spec.ip".
    """

    all_namespaces: bool
    selector: str
    field_selector: str
    sort_by: str
    label_columns: Sequence[str]
    show_labels: bool
    columns: str
