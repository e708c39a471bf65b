"""That the file with an output's whole text is not whole."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SpoolCut"]


@dataclass(frozen=True, slots=True)
class SpoolCut:
    """The disk is full, or there is no folder for the file: `note` says so, and how much the file has."""

    note: str
