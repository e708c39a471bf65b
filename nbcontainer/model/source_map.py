"""Where the lines of a text come from, when a cell is not sent as it was written."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SourceMap:
    """Which line of which cell a Dockerfile line came from.

    Attributes:
        lines: for each Dockerfile line, in order, (cell name, line in that cell).
        changed: the Dockerfile lines that are not as the user wrote them, since they contain values.
    """

    lines: tuple[tuple[str, int], ...] = ()
    changed: tuple[int, ...] = field(default=(), repr=False)

    @classmethod
    def shifted(cls, count: int, offset: int, cell: str = "") -> SourceMap:
        """The map of a text of `count` lines whose first line is line `1 + offset` of one cell."""
        return cls(tuple((cell, line + offset) for line in range(1, count + 1)))

    def own(self, line: int) -> int:
        """The user's own line for a Dockerfile line (the same line where it is not in the map)."""
        return self.lines[line - 1][1] if 0 < line <= len(self.lines) else line
