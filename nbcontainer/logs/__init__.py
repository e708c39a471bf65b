"""Logs as they travel: one writer of their files, and the operation that reads one. `model.log_file` has the reader."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nbcontainer.model.log_file import LogReader


def export(path: str | Path, target: str | Path) -> Path:
    """Write a log as a file of lines, each with its time, source and stream; returns the file's path.

        2026-11-23T10:42:07.113200Z web-7c9d5b-x2x8q stdout GET /cart 200 3.1ms

    "-" stands for a time or a source that is not known.

    Args:
        path: the log's own file: `result.state.spool`, which the output names, too.
        target: the file to write; one that exists is replaced.

    Raises:
        OSError: the log's files were removed, or the target cannot be written.
    """
    target = Path(target)
    with target.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        for chunk in LogReader(path).chunks():
            source = "".join(chunk.source.split()) or "-"
            for line in chunk.lines:
                moment = f"{datetime.fromtimestamp(line.time, UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if line.time else "-"
                file.write(f"{moment} {source} {line.stream} {line.text}\n")
    return target
