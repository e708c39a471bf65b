"""Logs as they travel: one writer of their files, and the operation that reads one. `model.log_file` has the reader."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from nbcontainer.errors import UsageError
from nbcontainer.model.log_file import INDEX_SUFFIX, LogReader


def export(path: str | Path, target: str | Path) -> Path:
    """Write a log as a file of lines, each with its time, source and stream; returns the file's path.

        2026-11-23T10:42:07.113200Z web-7c9d5b-x2x8q stdout GET /cart 200 3.1ms

    "-" stands for a time or a source that is not known: times are, of merged or followed logs, and with timestamps.

    Args:
        path: the log's own file: `result.state.spool`, which the output names, too.
        target: the file to write, readable only by you; one that exists is replaced once the new one is complete.

    Raises:
        UsageError: there is no such log, or `target` is the log itself.
        OSError: the target cannot be written.
    """
    path, target = Path(path), Path(target)
    if not path.exists():
        raise UsageError(
            f"There is no log {path}.", cure="Files in the system's temporary directory are kept for a week."
        )
    if not Path(f"{path}{INDEX_SUFFIX}").exists():
        raise UsageError(f"{path} is not the file of a log: there is no {path.name}{INDEX_SUFFIX} beside it.")
    if target.exists() and target.samefile(path):
        raise UsageError(f"{path} cannot be written over itself.", cure="Name another file.")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            for chunk in LogReader(path).chunks():
                source = "".join(chunk.source.split()) or "-"
                for line in chunk.lines:
                    moment = f"{datetime.fromtimestamp(line.time, UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if line.time else "-"
                    file.write(f"{moment} {source} {line.stream} {line.text}\n")
        written.replace(target)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return target
