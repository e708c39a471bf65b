"""Times that a call is given, as the APIs of engines and clusters take them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from nbcontainer.errors import UsageError
from nbcontainer.verbs.words import seconds_of

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")


def utc_of(given: str) -> datetime:
    """A time or a date in ISO 8601, in UTC; one without a zone is local.

    Raises:
        ValueError: it is neither.
    """
    return datetime.fromisoformat(given).astimezone(UTC)


def moment_of(flag: str, given: float | str) -> str:
    """A time as docker's `--since` takes it, as RFC 3339 in UTC; "" for 0 or "".

    Args:
        flag: what it is given as, for the error.
        given: seconds ago; or as text a time, a date, a duration ago ("1h30m"), or seconds since the epoch.

    Raises:
        UsageError: it is none of these, or negative.
    """
    if not given:
        return ""
    if not isinstance(given, str):
        if given < 0:
            raise UsageError(f"`{flag}` cannot be negative.")
        return _written(time.time() - given)
    if re.fullmatch(r"\d+(?:\.\d+)?", given):
        return _written(float(given))
    if _DURATION.fullmatch(given):
        return _written(time.time() - seconds_of(flag, given))
    try:
        return _written(utc_of(given).timestamp())
    except (ValueError, OverflowError):
        cure = "Write 10m, 2026-01-02 or 2026-01-02T03:04:05Z."
        raise UsageError(f"`{flag}` takes a duration or a time, not {given!r}.", cure=cure) from None


def _written(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        raise UsageError(f"{seconds:g} is too far away to be a time.") from None
