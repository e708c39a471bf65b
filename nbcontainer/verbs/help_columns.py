"""The columns of a help text."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence


def table(rows: Sequence[tuple[str, str]]) -> list[str]:
    """An empty line, and two columns; nothing if there are no rows."""
    width = min(34, max((len(name) for name, _ in rows), default=0))
    return ["", *(line for name, text in rows for line in beside(name, text, width))] if rows else []


def beside(name: str, text: str, width: int) -> list[str]:
    """`text` in a column to the right of `name`, broken so that the terminal does not wrap it."""
    columns = max(60, min(100, shutil.get_terminal_size((100, 24)).columns))
    head = f"  {name:<{width}}  " if width else "  "
    return textwrap.wrap(text, columns, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)
