"""`{{name}}` in a magic's line, and in a cell under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbcontainer.dockerfile.substitution import substitute, substitute_word
from nbcontainer.model.source_map import SourceMap
from nbcontainer.model.tables import Words


def substituted(
    words: Sequence[str], namespace: Mapping[str, object], written: dict[str, str] | None = None
) -> list[str]:
    """The words with `{{name}}` replaced by the variable's value; a word that only names a `Words` becomes several.

    Args:
        words: the words of the line.
        namespace: the variables.
        written: filled with the original of each new word.

    Raises:
        UsageError: there is no such variable, or its value cannot be part of a line.
    """
    found: list[str] = []
    for word in words:
        value = namespace.get(word[2:-2].strip()) if word.startswith("{{") and word.endswith("}}") else None
        new = list(value) if isinstance(value, Words) else [substitute_word(word, namespace)]
        if written is not None:
            written.update((one, word) for one in new if one != word)
        found += new
    return found


def body(cell: str, namespace: Mapping[str, object] | None) -> tuple[str, SourceMap]:
    """A cell's body with `{{name}}` replaced by the variable's value, and the map from its lines to the cell's.

    Args:
        cell: the body.
        namespace: the variables; None leaves `{{name}}` as it is.

    Raises:
        UsageError: there is no such variable.
    """
    if namespace is None:
        return cell, SourceMap.shifted(cell.count("\n") + 1, 1)
    return substitute(cell, namespace, first_line=2)
