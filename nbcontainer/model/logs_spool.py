"""The lines of a log's spool file: time, source, stream and text, separated by single spaces.

    2026-11-23T10:42:07.113200Z web-7c9d5b-x2x8q stdout GET /cart 200 3.1ms

"-" stands for a time or a source that is not known. Line N of the file is line N of the log, so a writer writes one
such line for each `LogLine`, in order, before it emits that line.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from nbcontainer.model.logs import LogLine

STREAMS = frozenset({"stdout", "stderr"})
LAST_TIME = 253402300799.0  # the last second of the year 9999, datetime's last year


def encode_lines(lines: Iterable[LogLine]) -> bytes:
    """The lines as they are written to the spool file. A newline in a text becomes "␊", so each stays one line."""
    parts = []
    second, prefix = -1, ""
    for line in lines:
        moment = "-"
        if 0 < line.time < LAST_TIME:
            whole = int(line.time)
            if whole != second:
                second, prefix = whole, datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            moment = f"{prefix}.{min(999_999, round((line.time - whole) * 1e6)):06d}Z"
        source = "".join(line.source.split()) or "-"
        text = line.text.replace("\n", "␊") if "\n" in line.text else line.text
        parts.append(f"{moment} {source} {line.stream if line.stream in STREAMS else 'stdout'} {text}\n")
    return "".join(parts).encode("utf-8", "replace")


def decode_line(raw: str) -> LogLine:
    """The log line that a line of the file stands for; a line without this form is taken as text."""
    parts = raw.split(" ", 3)
    if len(parts) != 4 or parts[2] not in STREAMS:  # noqa: PLR2004 - the four parts above
        return LogLine("", raw)
    moment = 0.0
    if parts[0] != "-":
        try:
            moment = datetime.fromisoformat(parts[0]).timestamp()
        except (ValueError, OverflowError):
            return LogLine("", raw)
    return LogLine("" if parts[1] == "-" else parts[1], parts[3], moment, parts[2])
