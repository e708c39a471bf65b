"""The declarations of arguments, verbs and magics, and the parser of their lines.

The verbs of `%docker` are in `docker_<noun>.py`, a file for each noun; those of another magic in a file of its name.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbcontainer.verbs.grammar import Verb

__all__ = ["declared"]


def declared(magic: str) -> tuple[Verb, ...]:
    """The verbs that the files of a magic declare."""
    files = [
        found.name for found in iter_modules(__path__) if found.name == magic or found.name.startswith(f"{magic}_")
    ]
    return tuple(verb for file in files for verb in import_module(f"{__name__}.{file}").VERBS)
