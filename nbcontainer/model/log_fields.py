"""Structured logs: what JSON and logfmt lines say, their levels, and how many there were over time.

Lines are read only when they are asked for.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcontainer.drawn import Drawn
from nbcontainer.errors import UsageError
from nbcontainer.model.log_lines import LogLine
from nbcontainer.model.tables import dataframe
from nbcontainer.model.timestamps import seconds_of

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped,import-not-found,unused-ignore]

    from nbcontainer.model.logs import LogMatches

LEVELS = ("trace", "debug", "info", "warning", "error", "fatal")
_WORDS = {
    **dict.fromkeys(("trace", "trc", "verbose", "silly", "finest"), "trace"),
    **dict.fromkeys(("debug", "dbg", "fine"), "debug"),
    **dict.fromkeys(("info", "inf", "information", "informational", "notice", "log"), "info"),
    **dict.fromkeys(("warning", "warn", "wrn", "w"), "warning"),
    **dict.fromkeys(("error", "err", "e", "severe"), "error"),
    **dict.fromkeys(
        ("fatal", "ftl", "f", "critical", "crit", "panic", "dpanic", "alert", "emerg", "emergency"), "fatal"
    ),
    "t": "trace",
    "d": "debug",
    "i": "info",
}
_LEVEL_KEYS = r"level|lvl|severity|severity_text|log\.level|loglevel|levelname|@l"
# a field with the level; glog's and klog's first letter; or one of the usual words in capitals, near the beginning
_LEVEL = re.compile(
    rf'"(?:{_LEVEL_KEYS})"\s*:\s*"?(?P<json>[A-Za-z]+|\d+)'
    rf'|(?:^|\s)(?:{_LEVEL_KEYS})="?(?P<logfmt>[A-Za-z]+|\d+)'
    r"|^(?P<glog>[IWEF])\d{4} \d\d:\d\d:\d\d"
    r"|^[^a-z\n]{0,40}?\b(?P<word>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|FATAL|PANIC)\b"
    r"|^[^\n]{0,60}?[\[(<](?P<bracketed>trace|debug|info|notice|warn|warning|error|err|critical|fatal)[\])>]"
)
_PAIR = re.compile(r'(?:^|(?<=\s))([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)')
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(\.\d+)?")
_TIME_KEYS = ("time", "ts", "timestamp", "@timestamp", "@t", "t")
_PINO_STEP = 10  # pino and bunyan: 10 is trace, 20 debug, …
_EPOCHS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # nanoseconds, microseconds, milliseconds since the epoch
BINS = 80  # at most, of counts over time
_TENTHS = 10  # of a second, the finest step
_STEPS = (1, 2, 5, 10, 20, 50, 100, 300, 600, 1_200, 3_000, 6_000, 18_000, 36_000, 108_000, 216_000, 864_000)
MOST_SERIES = 8


# a level that is a number or a letter, in lower case
_SHORT_LEVEL = re.compile(rf'(?:{_LEVEL_KEYS})"?\s*[:=]\s*"?(?:\d|[a-z]\b)')
_GLOG_LEVEL = re.compile(r"\n[iwef]\d{4} \d\d:")
_KEY_PARTS = ("level", "lvl", "severity", "@l")  # each key has one of these


def words_of_levels(levels: Collection[str]) -> tuple[str, ...]:
    """The shortest texts of which a line of such a level has one in lower case, unless `has_short_levels`."""
    words = sorted((word for word, level in _WORDS.items() if level in levels and len(word) > 1), key=len)
    return tuple(word for at, word in enumerate(words) if not any(other in word for other in words[:at]))


def has_short_levels(text: str) -> bool:
    """Whether a line of this text, which is in lower case and without colours, may have a level that is no word."""
    if _GLOG_LEVEL.search(f"\n{text}"):
        return True
    return any(part in text for part in _KEY_PARTS) and _SHORT_LEVEL.search(text) is not None


def without_colours(text: str) -> str:
    """A text without the escape sequences that colour it."""
    return _COLOUR.sub("", text) if "\x1b" in text else text


def level_of(text: str) -> str:
    """A line's level, one of `LEVELS`; "" where none is found."""
    found = _LEVEL.search(without_colours(text))
    if found is None:
        return ""
    word = found[found.lastgroup or 0].lower()
    if word.isdecimal():
        return LEVELS[min(max(int(word) // _PINO_STEP, 1), len(LEVELS)) - 1]
    return _WORDS.get(word, "")


def fields_of(text: str) -> dict[str, object]:
    """The fields of a JSON or logfmt line, those of objects within with a dot: "http.status"; {} for other lines."""
    text = _COLOUR.sub("", text).strip()
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return dict(_flat(found))
    pairs = _PAIR.findall(text) if "=" in text else []
    if len(pairs) < 2 and not (pairs and text.startswith(f"{pairs[0][0]}=")):  # noqa: PLR2004 - one may be by chance
        return {}
    return {key: _logfmt_value(value) for key, value in pairs}


def _flat(found: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in found.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _logfmt_value(text: str) -> object:
    if text.startswith('"'):
        try:
            return json.loads(text, strict=False)
        except ValueError:
            return text[1:-1]
    number = _NUMBER.fullmatch(text)
    return text if number is None else float(text) if number[1] else int(text)


def time_of(line: LogLine, fields: Mapping[str, object]) -> float:
    """When a line was written, in seconds since the epoch: as the server says, or its own fields; 0 if unknown."""
    if line.time:
        return line.time
    value = next((fields[key] for key in _TIME_KEYS if key in fields), None)
    if isinstance(value, str):
        return seconds_of(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return value / next((unit for least, unit in _EPOCHS if value >= least), 1.0)


@dataclass(frozen=True)
class LogCounts(Drawn):
    """How many lines there were over time.

    Attributes:
        title: whose log.
        by: what is counted apart: "level", "source", or a field.
        start: of the first bin, in seconds since the epoch; `step` is the length of each.
        counts: for each level, source or value: how many lines in each bin.
        undated: how many lines have no time.
    """

    title: str
    by: str
    start: float
    step: float
    counts: Mapping[str, tuple[int, ...]]
    undated: int = 0


class StructuredLog(ABC):
    """What can be asked of lines, whatever their form."""

    @abstractmethod
    def __iter__(self) -> Iterator[LogLine]:
        """The lines."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Whose log it is."""

    @abstractmethod
    def _matching(self, wanted: Mapping[str, tuple[str, ...]]) -> LogMatches:
        """The lines whose fields have these values."""

    def records(self) -> Iterator[dict[str, object]]:
        """Each line as a dict: `time`, `source`, `level`, the fields of a JSON or logfmt line, and the whole `text`.

        `time` is in seconds since the epoch, 0 where it is unknown. A field of the line with one of these names has a
        "_" after it, unless it says the same.
        """
        for line in self:
            fields = fields_of(line.text)
            record = {"time": time_of(line, fields), "source": line.source, "level": level_of(line.text)}
            for key, value in fields.items():
                if key not in {"level", *([] if line.time else _TIME_KEYS)}:
                    record[f"{key}_" if key in {"time", "source", "text"} else key] = value
            yield {**record, "text": line.text}

    def dataframe(self) -> DataFrame:
        """The lines as a pandas DataFrame, with a column for each field of JSON and logfmt lines; see `records`.

        Raises:
            UsageError: pandas is not installed.
            LinesMissing: the file of the log is incomplete, or was removed.
        """
        found = list(self.records())
        names = list(dict.fromkeys(name for record in found for name in record if name != "text"))
        columns = [*(names or ["time", "source", "level"]), "text"]
        frame = dataframe(columns, [[record.get(name) for name in columns] for record in found])
        import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore] # noqa: PLC0415 - optional

        frame["time"] = pd.to_datetime(frame["time"].where(frame["time"] > 0), unit="s", utc=True)
        return frame

    def where(self, **conditions: object) -> LogMatches:
        """The lines whose fields have these values: `logs.where(level="error")`, `logs.where(status=[500, 503])`.

        Args:
            **conditions: by field; "level" is a line's level, whatever it calls it, and "source" and "stream" are the
                line's own. Several values mean any of them. A field within another has a dot:
                `logs.where(**{"http.status": 500})`.

        Raises:
            UsageError: there is no such level.
        """
        wanted = {name: _values(value) for name, value in conditions.items()}
        levels = tuple(_WORDS.get(word.lower(), "") for word in wanted.get("level", ()))
        if "" in levels:
            raise UsageError(f"There is no level {conditions['level']!r}.", cure=f"Levels are {', '.join(LEVELS)}.")
        if levels:
            wanted["level"] = levels
        return self._matching(wanted)

    @property
    def levels(self) -> dict[str, int]:
        """How many lines of each level there are; "" for those without one."""
        counts = Counter(level_of(line.text) for line in self)
        return {level: counts[level] for level in (*LEVELS, "") if counts[level]}

    def chart(self, by: str = "level") -> LogCounts:
        """How many lines there were over time, as a chart.

        Args:
            by: what is counted apart: "level", "source", or a field of the lines.
        """
        counts: dict[str, Counter[int]] = {}
        undated = 0
        for line in self:
            fields = {} if line.time and by in {"level", "source"} else fields_of(line.text)
            time = time_of(line, fields)
            if not time:
                undated += 1
                continue
            counts.setdefault(_series(by)(line, fields), Counter())[int(time * _TENTHS)] += 1
        return _binned(self.name, by, counts, undated)


def _series(by: str) -> Callable[[LogLine, Mapping[str, object]], str]:
    if by == "level":
        return lambda line, _: level_of(line.text) or "no level"
    if by == "source":
        return lambda line, _: line.source
    return lambda _, fields: str(fields.get(by, f"no {by}"))


def _values(value: object) -> tuple[str, ...]:
    several = value if isinstance(value, list | tuple | set | frozenset) else (value,)
    return tuple(_word(one) for one in several)


def _word(value: object) -> str:
    """A value as it is compared: True is "true", as in JSON."""
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def fits(line: LogLine, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a line's fields have these values."""
    fields: dict[str, object] | None = None
    for name, values in wanted.items():
        if name == "level":
            found = level_of(line.text)
        elif name in {"source", "stream"}:
            found = line.source if name == "source" else line.stream
        else:
            fields = fields_of(line.text) if fields is None else fields
            if name not in fields:
                return False
            found = _word(fields[name])
        if found not in values:
            return False
    return True


def _binned(title: str, by: str, counts: Mapping[str, Counter[int]], undated: int) -> LogCounts:
    tenths = [tenth for each in counts.values() for tenth in each]
    if not tenths:
        return LogCounts(title, by, 0.0, 1.0, {}, undated)
    first, last = min(tenths), max(tenths)
    step = next((one for one in _STEPS if (last - first) // one < BINS), (last - first) // BINS + 1)
    first -= first % step
    size = (last - first) // step + 1
    order = {level: number for number, level in enumerate((*LEVELS, "no level"))}
    names = sorted(counts, key=lambda name: (-counts[name].total(), name))
    shown = set(names[:MOST_SERIES] if len(names) <= MOST_SERIES else names[: MOST_SERIES - 1])
    binned: dict[str, list[int]] = {}
    for name in sorted(counts, key=lambda name: (name not in shown, order.get(name, -1), names.index(name))):
        series = binned.setdefault(name if name in shown else "others", [0] * size)
        for tenth, count in counts[name].items():
            series[(tenth - first) // step] += count
    return LogCounts(
        title, by, first / _TENTHS, step / _TENTHS, {name: tuple(series) for name, series in binned.items()}, undated
    )
