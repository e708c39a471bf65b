"""Sizes, durations and ages as people read them."""

from __future__ import annotations

import math

DIGEST_LENGTH = 12
_WHOLE = 2.0**53  # from here on, a float has no fraction
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400

# the steps of k8s.io/apimachinery/pkg/util/duration's HumanDuration: below how many seconds, and the one or two units
_AGES = (
    (2 * _MINUTE, (1, "s"), None),
    (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
    (3 * _HOUR, (_MINUTE, "m"), None),
    (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
    (2 * _DAY, (_HOUR, "h"), None),
    (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
    (2 * _YEAR, (_DAY, "d"), None),
    (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
    (math.inf, (_YEAR, "y"), None),
)


# frontend/src/format.ts formats what the page counts by itself; tests/recordings/quantities.json tests both


def format_size(size: float) -> str:
    """Bytes in decimal units, as docker writes them: "7.9 MB"."""
    value, units = float(size), ["TB", "GB", "MB", "kB", "B"]
    while abs(value) >= 999.5 and len(units) > 1:  # noqa: PLR2004 - from here on, three digits are shown in the next unit
        value /= 1000
        units.pop()
    unit = units[-1]
    places = 0 if unit == "B" or abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2  # noqa: PLR2004 - three digits
    return f"{_rounded(value, places):g} {unit}"


def format_lines(count: int) -> str:
    """A number of lines: "1 line", "2,000 lines"."""
    return "1 line" if count == 1 else f"{count:,} lines"


def format_seconds(seconds: float) -> str:
    """A duration: "0.3 s", "14.2 s", "2 min 05 s"."""
    if not math.isfinite(seconds):
        return "–"
    tenths = _rounded(max(0.0, seconds), 1)
    if tenths < _MINUTE:
        return f"{tenths:.1f} s"
    minutes, rest = divmod(int(_rounded(seconds)), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes:02d} min"


def format_whole_seconds(seconds: float) -> str:
    """A duration without tenths: "7 s", "2 min 05 s"; "" in the first second."""
    if seconds < 1:
        return ""
    whole = _rounded(seconds)
    return f"{whole:g} s" if whole < _MINUTE else format_seconds(whole)


def _rounded(value: float, places: int = 0) -> float:
    """Rounds halves up, as a page does; `round` rounds them to even digits."""
    if not abs(value) < _WHOLE:  # or it is not a number
        return value
    scale = 10.0**places
    return math.floor(value * scale + 0.5) / scale


def before_these(count: int, unit: str, spool: str) -> str:
    """How much of an output precedes what is shown, and the path of the file with all of it, if there is one."""
    return f"… {count:,} {unit} before" + (f"; all of them are in {spool}" if spool else "")


def short_digest(digest: str) -> str:
    """A digest as in tables and pictures: its algorithm and first characters."""
    algorithm, _, hexadecimal = digest.rpartition(":")
    return f"{algorithm}:{hexadecimal[:DIGEST_LENGTH]}" if algorithm else digest[:DIGEST_LENGTH]


def format_age(seconds: float) -> str:
    """An age as kubectl writes it: "38s", "4m12s", "3h7m", "12d", "2y270d".

    One in the future is "0s", since the clock of a server may be ahead of ours; kubectl writes "<invalid>" from 2 s on.
    """
    if not math.isfinite(seconds):
        return "–"
    total = max(0, int(seconds))
    (size, unit), second = next((first, second) for below, first, second in _AGES if total < below)
    text = f"{total // size}{unit}"
    rest = total % size // second[0] if second else 0
    return f"{text}{rest}{second[1]}" if second and rest else text
