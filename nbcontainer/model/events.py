"""Events that operations of any kind emit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Missed:
    """Takes the place of `count` events that a listener was too slow to receive."""

    count: int


@dataclass(frozen=True, slots=True)
class SpoolCut:
    """The file with the whole output is incomplete: the disk is full, or there is no folder for it.

    `note` says so, and how much the file has.
    """

    note: str
