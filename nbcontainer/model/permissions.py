"""Whether a user may do something."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.drawn import Drawn


@dataclass(frozen=True)
class Permission(Drawn):
    """Whether the user may do something; it is true or false itself.

    Attributes:
        what: in words: "delete pods in shop".
        reason: what the API server says about it, or "".
    """

    is_allowed: bool
    what: str
    reason: str = ""
    where: str = ""
    command: str = ""

    def __bool__(self) -> bool:
        """Whether it is allowed."""
        return self.is_allowed

    def __repr__(self) -> str:
        """The answer."""
        return f"Permission({'yes' if self.is_allowed else 'no'}: {self.what})"
