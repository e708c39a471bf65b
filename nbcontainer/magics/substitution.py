"""`{{name}}` in a magic's line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbcontainer.dockerfile.substitution import substitute_word
from nbcontainer.model.tables import Words

__all__ = ["substituted"]


def substituted(
    words: Sequence[str], namespace: Mapping[str, object], written: dict[str, str] | None = None
) -> list[str]:
    """The words with `{{name}}` as the variable's value; several words where the whole word is a name of `Words`.

    Args:
        words: as they stand in the line.
        namespace: the variables.
        written: takes what each new word was written as.

    Raises:
        UsageError: there is no such variable, or its value cannot stand in a line.
    """
    found: list[str] = []
    for word in words:
        value = namespace.get(word[2:-2].strip()) if word.startswith("{{") and word.endswith("}}") else None
        new = list(value) if isinstance(value, Words) else [substitute_word(word, namespace)]
        if written is not None:
            written.update((one, word) for one in new if one != word)
        found += new
    return found
