"""How many rows of a table are in which state, in words: "3 running · 1 pending"."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from nbcontainer.model.tables import Row, TableState, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcontainer.model.tables import Column

TONE_ORDER = (Tone.GOOD, Tone.RUNNING, Tone.CACHED, Tone.PLAIN, Tone.DIM, Tone.WARNING, Tone.BAD)
GENERIC = {Tone.BAD: "failing", Tone.WARNING: "pending", Tone.DIM: "ended"}
_SINGLE = re.compile("[A-Z]?[a-z]+")


class StatusCounts:
    """Counts a table's rows; from one state of the table to the next, only those that changed."""

    def __init__(self) -> None:
        self._columns: tuple[Column, ...] = ()
        self._place: int | None = None
        self._rows: Mapping[str, Row] = {}
        self._counts: Counter[tuple[Tone, str]] = Counter()

    def of(self, state: TableState) -> list[tuple[str, Tone, int]]:
        """A word, its tone and the number of rows for each tone; [] if the table has no status column.

        The word is the rows' status if they all have the same, else a general one.
        """
        if state.columns is not self._columns:
            self._columns, self._rows, self._counts = state.columns, {}, Counter()
            self._place = next((at for at, column in enumerate(state.columns) if column.kind == "status"), None)
        if self._place is None:
            return []
        if state.rows is not self._rows:
            self._count(state.rows, self._place)
        groups: dict[Tone, dict[str, int]] = {}
        for (tone, word), count in self._counts.items():
            groups.setdefault(tone, {})[word] = count
        found = [(_word(tone, groups[tone]), tone, sum(groups[tone].values())) for tone in TONE_ORDER if tone in groups]
        return [each for each in found if each[0]]

    def _count(self, rows: Mapping[str, Row], place: int) -> None:
        old, self._rows = self._rows, rows
        for key, row in rows.items():
            known = old.get(key)
            if known is row:
                continue
            self._counts[_status(row, place)] += 1
            if known is not None:
                self._counts[_status(known, place)] -= 1
        if len(rows) != len(old) or any(key not in rows for key in old):
            self._counts.subtract(_status(row, place) for key, row in old.items() if key not in rows)
        self._counts = +self._counts


def _status(row: Row, place: int) -> tuple[Tone, str]:
    return row.tone, str(row.cells[place] or "") if place < len(row.cells) else ""


def _word(tone: Tone, words: Mapping[str, int]) -> str:
    most = max(words, key=lambda word: words[word])
    if len(words) == 1 and tone is not Tone.BAD and _SINGLE.fullmatch(most):
        return most.lower()
    return GENERIC.get(tone) or "".join(most.lower().split()[:1])  # "up 3 hours"
