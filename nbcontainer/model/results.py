"""Small answers: a line or a few, each with a meaning."""

from __future__ import annotations

from dataclasses import dataclass

from nbcontainer.model.tables import Tone

__all__ = ["Remark", "Report"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of a report: a sign's meaning, the words, and what to do next ("" for nothing)."""

    text: str
    tone: Tone = Tone.GOOD
    cure: str = ""


@dataclass(frozen=True)
class Report:
    """What a call that has no better object to give had to say.

    Attributes:
        command: the same as a docker or kubectl command, or "".
    """

    remarks: tuple[Remark, ...]
    command: str = ""

    def __repr__(self) -> str:
        """The lines, as one."""
        return f"Report({'; '.join(remark.text for remark in self.remarks)})"

    def __str__(self) -> str:
        """The lines."""
        return "\n".join(remark.text for remark in self.remarks)
