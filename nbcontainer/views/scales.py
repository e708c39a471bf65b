"""Axes of charts: round steps, and values as people read them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

from nbcontainer.views.quantities import format_seconds, format_size

_MOST, _LEAST = 1e300, 1e-290  # so that sums and quotients of values remain finite
NO_VALUE = "–"
_DIGITS = 4  # significant ones of a number
_HUGE = 1e15  # from here on, numbers are written with an exponent
_TINY = 1e-4  # the same of less
_LEAST_TENTH = 0.1  # seconds; less is written in milliseconds
_DAY = 86400
# steps of an axis of time, in seconds; beyond them, whole days
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, _DAY)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis. `low` and `high` are finite, and `low` is less than `high`."""

    low: float
    high: float
    step: float
    unit: str = ""

    def share(self, value: float) -> float:
        """Where a value is between the ends: 0…1, also for one beyond them."""
        return max(0.0, min(1.0, (value - self.low) / (self.high - self.low)))

    def ticks(self) -> list[tuple[float, str]]:
        """The round values between the ends: where each is, and its text. At most about six."""
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        return [
            (self.share(number * self.step), format_value(number * self.step, self.unit, self.step))
            for number in range(first, min(last, first + 20) + 1)
        ]


def scale_of(values: Iterable[float], unit: str = "", *, zero: bool = False) -> Scale:
    """The scale on which all finite values have a place; with `zero`, it includes 0 and both ends are round."""
    finite = [max(-_MOST, min(_MOST, value)) for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    if zero:
        low, high = min(0.0, low), max(0.0, high)
    if high - low < _LEAST:
        around = 0.5 if abs(low) < _HUGE else abs(low) / 8
        low, high = (low, low + 1.0) if zero else (low - around, low + around)
    step = _step((high - low) / 4, unit)
    if zero:
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Scale(low, high, step, unit)


def _step(least: float, unit: str) -> float:
    """A round step that is at least this long."""
    if unit in {"seconds", "time"} and least > 0.5:  # noqa: PLR2004 - else tenths, as for numbers
        return next((float(step) for step in _SECONDS if step >= least), math.ceil(least / _DAY) * float(_DAY))
    magnitude = 10.0 ** math.floor(math.log10(least))
    return magnitude * next((factor for factor in (1, 2, 5) if factor * magnitude >= least), 10)


def format_value(value: float, unit: str = "", step: float = 0.0) -> str:
    """A value with its unit: "7.9 MB", "14.2 s", "10:42:07", "1,204". `step` is that of its axis."""
    if not math.isfinite(value):
        return NO_VALUE
    if unit == "time":
        return _moment(value, step)
    sign, size = "−" if value < 0 else "", abs(value)
    if unit == "bytes" and size < _HUGE:
        return sign + format_size(size)
    if unit == "seconds" and size < _HUGE:
        return sign + (_number(size * 1000) + " ms" if 0 < size < _LEAST_TENTH else _seconds(size, step))
    return sign + _number(size) + {"bytes": " B", "seconds": " s"}.get(unit, "")


def _seconds(seconds: float, step: float) -> str:
    text = format_seconds(seconds)
    return text.replace(".0 s", " s") if step >= 1 else text  # the ticks of an axis need no tenths


def _number(size: float) -> str:
    if size == 0:
        return "0"
    if not _TINY <= size < _HUGE:
        return f"{size:.3g}"
    digits = max(0, _DIGITS - 1 - math.floor(math.log10(size)))
    text = f"{size:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def _moment(value: float, step: float) -> str:
    """A time of day, or where the steps are days, a date."""
    try:
        moment = time.localtime(value)
    except (OverflowError, ValueError, OSError):
        return _number(abs(value))
    if step >= _DAY:
        return time.strftime("%Y-%m-%d", moment)
    tenths = f".{int(value * 10 % 10)}" if 0 < step < 1 else ""
    return time.strftime("%H:%M:%S", moment) + tenths
