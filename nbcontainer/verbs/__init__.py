"""The declarations of arguments, verbs and magics, and the parser of their lines.

The verbs of `%docker` are in `docker_<noun>.py`, a file for each noun; those of another magic in a file of its name.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from nbcontainer.loading import modules_on_use

if TYPE_CHECKING:
    from nbcontainer.verbs import dockerfile as dockerfile
    from nbcontainer.verbs import lines as lines
    from nbcontainer.verbs.grammar import Verb
else:
    __getattr__ = modules_on_use(__name__)

__all__ = ["declared"]


def declared(magic: str) -> tuple[Verb, ...]:
    """The verbs that the files of a magic declare."""
    files = [
        found.name for found in iter_modules(__path__) if found.name == magic or found.name.startswith(f"{magic}_")
    ]
    found = (verb for file in files for verb in getattr(import_module(f"{__name__}.{file}"), "VERBS", ()))
    return tuple(import_module(f"{__name__}.shared").acting(verb) for verb in found)
