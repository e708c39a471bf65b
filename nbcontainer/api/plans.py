"""What a destroying call will do, before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Plan"]

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
