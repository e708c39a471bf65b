"""What a destroying call will do, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Plan", "several"]

SHOWN_NAMES = 10

Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan(Generic[Result]):
    """A call that destroys something, worked out and not yet done. A magic asks with it.

    Attributes:
        question: what to ask the user.
        changes: the names of what will go; nothing is asked where there are none.
        frees: the bytes that this frees, 0 where that is not known.
        nothing: what there is to say where there are no changes; "" where `do` says it.
    """

    question: str
    changes: tuple[str, ...]
    _do: Callable[[], Result] = field(repr=False, compare=False)
    frees: int = 0
    nothing: str = ""

    def do(self) -> Result:
        """Do it.

        Raises:
            Protected: its place has become protected meanwhile.
        """
        return self._do()


def several(kind: str, names: Sequence[str]) -> str:
    """Names as a question has them: "the volume data", or "2 volumes: data, logs,"."""
    shown = ", ".join(names[:SHOWN_NAMES]) + (f" and {len(names) - SHOWN_NAMES} more" * (len(names) > SHOWN_NAMES))
    return f"the {kind} {shown}" if len(names) == 1 else f"{len(names)} {kind}s: {shown},"
