"""An unexpected error: one line for the user, and a file with the traceback for whoever fixes it.

Neither contains values: no locals, no lines of cells, and only messages that Python makes of names. A message from a
library may contain a password, or a URL with one, and notebooks are saved.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from pathlib import Path
from traceback import extract_tb

from nbcontainer.errors import InternalError
from nbcontainer.spool import Spool

PACKAGE = Path(__file__).parents[1]
MADE_OF_NAMES = (AttributeError, ImportError, MemoryError, NameError, RecursionError, ZeroDivisionError)
MOST_FRAMES = 60  # kept of one error at each end


def internal_error(error: BaseException) -> InternalError:
    """Write the traceback of `error` to a file; the error returned says in one line what happened and where it is."""
    what = f"Unexpected {_words(error)} in {_place(error)}"
    spool = Spool(f"traceback-{type(error).__name__}")
    spool.write("\n".join([*_lines(error, set()), ""]).encode(errors="replace"))
    spool.close()
    if not spool.whole:
        notes: list[str] = []
        spool.when_cut(notes.append)
        return InternalError(f"{what}; its traceback could not be saved. {notes[0]}", traceback=spool.path)
    return InternalError(
        f"{what}; its traceback is in {spool.path}.",
        traceback=spool.path,
        cure="This is a bug in nbcontainer: please report it with that file, which contains none of your values.",
    )


def _words(error: BaseException) -> str:
    """The error's class, with its message if that cannot contain a value."""
    name = type(error).__name__
    if isinstance(error, OSError):  # the message may name a file or an address; strerror is the system's own text
        return f"{name} ({error.strerror})" if error.strerror else name
    message = str(error) if type(error) in MADE_OF_NAMES else ""
    return f"{name} ({message})" if message else name


def _place(error: BaseException) -> str:
    """The line of our code in which it happened, or which called the code in which it happened."""
    own = [frame for frame in extract_tb(error.__traceback__) if _is_own(frame.filename)]
    return f"{_relative(own[-1].filename)}, line {own[-1].lineno}" if own else "a call of nbcontainer"


def _is_own(filename: str) -> bool:
    return PACKAGE in Path(filename).parents


def _relative(filename: str) -> str:
    return Path(filename).relative_to(PACKAGE.parent).as_posix()


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    """The traceback as Python prints it, causes first, without anything that could be a value."""
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _lines(earlier, seen)
        cause = "The above exception was the direct cause of the following exception:"
        yield from ("", cause if error.__cause__ else "During handling of the above exception, this one occurred:", "")
    yield "Traceback (most recent call last):"
    frames = extract_tb(error.__traceback__)
    for index, frame in enumerate(frames):
        if MOST_FRAMES <= index < len(frames) - MOST_FRAMES:
            if index == MOST_FRAMES:
                yield f"  … {len(frames) - 2 * MOST_FRAMES} frames …"
            continue
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        if _is_own(frame.filename):  # another file may be the user's own, with a password in it
            yield f"    {linecache.getline(frame.filename, frame.lineno or 0).strip()}"
    yield _words(error)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield ""
            yield from _lines(each, seen)
