"""Timestamps (RFC 3339) as engines and clusters write them: in any zone, with up to nine digits of a second."""

from __future__ import annotations

import re
from datetime import datetime

SECOND = len("2026-01-02T03:04:05")
NANOSECONDS = len("2026-01-02T03:04:05.123456789Z")
LONGEST_STAMP = len("2026-01-02T03:04:05.123456789+00:00")
BILLION = 1_000_000_000
STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def stamp_before(message: bytes) -> bytes:
    """The timestamp at the beginning of a message, and the space after it; b"" where there is none."""
    found = STAMP.match(message)
    end = found.end() + 1 if found else 0
    return message[:end] if message[end - 1 : end] == b" " else b""


def nanoseconds_of(stamp: bytes) -> int | None:
    """Nanoseconds since the epoch; None if it is not a timestamp."""
    found = STAMP.fullmatch(stamp)
    if found is None:
        return None
    second, fraction, zone = found.groups(b"")
    try:
        whole = int(datetime.fromisoformat((second + zone).decode()).timestamp())
    except (ValueError, OverflowError):
        return None
    return whole * BILLION + int(fraction.ljust(9, b"0"))


def seconds_of(text: str) -> float:
    """Seconds since the epoch; 0 if it is empty, not a timestamp, or Go's zero time."""
    if text.startswith("0001-"):
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0
