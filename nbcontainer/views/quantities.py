"""Sizes, durations and ages as people read them."""

from __future__ import annotations

import math

__all__ = ["before_these", "format_age", "format_seconds", "format_size", "format_whole_seconds", "short_digest"]

DIGEST_LENGTH = 12
_THOUSAND = 1000.0
_ROUNDED_UP = 999.5  # from here on, three digits are shown in the next unit
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def format_size(size: float) -> str:
    """Bytes in decimal units, as docker writes them: "7.9 MB"."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < _ROUNDED_UP:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= _THOUSAND
    return f"{value:.3g} TB"


def format_seconds(seconds: float) -> str:
    """A duration: "0.3 s", "14.2 s", "2 min 05 s"."""
    if not math.isfinite(seconds):
        return "–"
    seconds = max(0.0, seconds)
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes:02d} min"


def format_whole_seconds(seconds: float) -> str:
    """A duration without tenths: "7 s", "2 min 05 s"; "" in the first second."""
    if seconds < 1:
        return ""
    return f"{seconds:.0f} s" if seconds < _MINUTE - 0.5 else format_seconds(seconds)


def before_these(count: int, unit: str, spool: str) -> str:
    """How much of an output precedes what is shown, and the path of the file with all of it, if there is one."""
    return f"… {count:,} {unit} before" + (f"; all of them are in {spool}" if spool else "")


def short_digest(digest: str) -> str:
    """A digest as in tables and pictures: its algorithm and first characters."""
    algorithm, _, hexadecimal = digest.rpartition(":")
    return f"{algorithm}:{hexadecimal[:DIGEST_LENGTH]}" if algorithm else digest[:DIGEST_LENGTH]


def format_age(seconds: float) -> str:  # noqa: PLR0911 - one return for each of kubectl's steps
    """An age in kubectl's manner: "38s", "4m12s", "3h7m", "12d"."""
    if not math.isfinite(seconds):
        return "–"
    total = max(0, int(seconds))
    if total < 2 * _MINUTE:
        return f"{total}s"
    minutes, rest = divmod(total, _MINUTE)
    if minutes < 10:  # noqa: PLR2004 - kubectl's own steps, k8s.io/apimachinery/pkg/util/duration
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if total < 3 * _HOUR:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, _MINUTE)
    if hours < 8:  # noqa: PLR2004 - kubectl's own steps
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    if total < 2 * _DAY:
        return f"{hours}h"
    days, hours = divmod(hours, 24)
    if days < 8:  # noqa: PLR2004 - kubectl's own steps
        return f"{days}d{hours}h" if hours else f"{days}d"
    return f"{days}d"
