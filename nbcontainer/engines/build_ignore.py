"""Which files of the build context a build leaves out: those in `.dockerignore`, except files added by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nbcontainer.buildkit.filestat import ContextError, unreadable
from nbcontainer.buildkit.patterns import InvalidPatternError, Patterns, read_ignore_file
from nbcontainer.errors import UsageError
from nbcontainer.model.build import BuildRequest

NAME = ".dockerignore"
_SPECIAL = re.compile(r"([*?\[\]\\^])")


def ignore_text(request: BuildRequest) -> str | None:
    """The patterns that a build follows, in the form of a `.dockerignore`; None where there are none.

    A file that the user adds by name is in the context whatever the patterns say, since an allow-list begins with `*`.

    Raises:
        ContextError: the file exists, but cannot be read.
    """
    text = _written(request)
    if text is None:
        return None
    added = [f"!/{_SPECIAL.sub(_escaped, path)}" for path in _names(request.files) if path != NAME]
    return "\n".join([text, *added, ""]) if added else text


def is_ignored(request: BuildRequest, path: str) -> bool:
    """Whether the patterns leave a file out."""
    with suppress(ContextError, ValueError):
        return Patterns(read_ignore_file(ignore_text(request) or "")).matches(path)
    return False


def sent(request: BuildRequest, paths: Iterable[str]) -> list[str]:
    """Those of some paths that are in the context; folders end in "/", and stay if a file below them may be."""
    with suppress(ContextError, ValueError):
        patterns = Patterns(read_ignore_file(ignore_text(request) or ""))
        return [
            path
            for path in paths
            if not patterns.matches(bare := path.strip("/"))
            or (path.endswith("/") and patterns.may_match_below(bare, exceptions=True))
        ]
    return [*paths]


def bad_pattern(request: BuildRequest) -> UsageError | None:
    """The error for the first invalid pattern, with its file and line; None where all are valid."""
    text = None
    with suppress(ContextError):
        text = _written(request)
    for number, line in enumerate((text or "").splitlines(), 1):
        try:
            Patterns(read_ignore_file(line)).matches("a")  # some errors show only when it is matched
        except InvalidPatternError as error:
            return UsageError(f"{NAME} line {number}: {line.strip()!r} is not a valid pattern: {error.reason}.")
    return None


def _written(request: BuildRequest) -> str | None:
    if request.ignore is not None:
        return request.ignore
    if NAME in request.files:
        return request.files[NAME].decode("utf-8", "surrogateescape")
    if request.context is None or "://" in request.context:
        return None
    try:
        return Path(request.context, NAME).read_text("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(NAME, error) from error


def _names(files: Iterable[str]) -> list[str]:
    return [path.removeprefix("./").lstrip("/") for path in files]


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[1]
