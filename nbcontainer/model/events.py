"""Events that running things of any kind tell."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Missed", "SpoolCut"]


@dataclass(frozen=True, slots=True)
class Missed:
    """Stands in a listener's stream where `count` events were dropped because it was too slow."""

    count: int


@dataclass(frozen=True, slots=True)
class SpoolCut:
    """The file with an output's whole text is not whole: the disk is full, or there is no folder for it.

    `note` says so, and how much the file has.
    """

    note: str
