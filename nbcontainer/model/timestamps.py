"""Timestamps (RFC 3339) as engines and clusters write them: in any zone, with up to nine digits of a second."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from nbcontainer.errors import UsageError

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


def moment_of(flag: str, given: float | str) -> str:
    """A time as docker's `--since` takes it, as RFC 3339 in UTC; "" for 0 or "".

    Args:
        flag: what it is given as, for the error.
        given: seconds ago; or as text a time, a date, a duration ago ("1h30m"), or seconds since the epoch.

    Raises:
        UsageError: it is none of these, or negative.
    """
    if isinstance(given, str) and not given:
        return ""
    if not isinstance(given, str):
        if given < 0:
            raise UsageError(f"`{flag}` cannot be negative.")
        return _utc(time.time() - given) if given else ""
    if re.fullmatch(r"\d+(?:\.\d+)?", given):
        return _utc(float(given))
    if re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+", given):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", given)
        return _utc(time.time() - sum(float(number) * _UNITS[unit] for number, unit in parts))
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        cure = "Write 10m, 2026-01-02 or 2026-01-02T03:04:05Z."
        raise UsageError(f"`{flag}` takes a duration or a time, not {given!r}.", cure=cure) from None
    return _utc(moment.astimezone(UTC).timestamp())  # one without a zone is local


def _utc(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        raise UsageError(f"{seconds:g} is too far away to be a time.") from None


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
