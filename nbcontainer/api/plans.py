"""What a destroying call will do, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

SHOWN_NAMES = 10

Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan(Generic[Result]):
    """A destructive call that has been worked out but not done yet; a magic asks the user to confirm it.

    Attributes:
        question: what to ask the user.
        changes: the names of what will be removed; if there are none, nothing is asked.
        frees: the bytes that this frees, 0 if unknown.
        nothing: what to say if there are no changes; "" if `do` says it.
        preview: what is shown before the question; None for nothing.
    """

    question: str
    changes: tuple[str, ...]
    _do: Callable[[], Result] = field(repr=False, compare=False)
    frees: int = 0
    nothing: str = ""
    preview: object = field(default=None, repr=False, compare=False)

    def do(self) -> Result:
        """Do it.

        Raises:
            Protected: the place has become protected in the meantime.
        """
        return self._do()


def several(kind: str, names: Sequence[str]) -> str:
    """Names as a question has them: "the volume data", or "2 volumes: data, logs,"."""
    shown = some_of(names)
    return f"the {kind} {shown}" if len(names) == 1 else f"{len(names)} {kind}s: {shown},"


def some_of(names: Sequence[str]) -> str:
    """The first names, and how many more there are: "data, logs and 3 more"."""
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {len(names) - SHOWN_NAMES} more" * (len(names) > SHOWN_NAMES))
