"""Writes src/lab/words.json: what the page completes by itself, while the kernel is busy.

Run it after a change of the language or of a magic's flags: python nbcontainer/frontend/words.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcontainer.verbs.arguments import Argument

ROOT = Path(__file__).parents[2]
TARGET = Path(__file__).parent / "src" / "lab" / "words.json"


def words() -> dict[str, Any]:
    """The Dockerfile's words, and the magics' verbs and flags."""
    from nbcontainer.language.dockerfile import words as dockerfile_words  # noqa: PLC0415 - of this clone, see below
    from nbcontainer.magics.catalogue import MAGICS, verbs_of  # noqa: PLC0415 - as above

    return {
        "dockerfile": dockerfile_words(),
        "magics": {
            name: {
                "shared": [
                    {**_flag(argument), "names": [*argument.names, *_further(argument, magic.shared_spellings)]}
                    for argument in magic.shared
                ],
                "verbs": [
                    {
                        "path": verb.path,
                        "aliases": list(verb.aliases),
                        "flags": [_flag(argument) for argument in verb.arguments if argument.is_flag],
                    }
                    for verb in magic.verbs
                ],
            }
            for name in MAGICS
            for magic in [verbs_of(name).magic]
        },
    }


def _flag(argument: Argument) -> dict[str, Any]:
    return {"name": argument.long, "detail": argument.help, "values": list(argument.choices)}


def _further(argument: Argument, spellings: Mapping[str, str]) -> list[str]:
    return [name for name, of in spellings.items() if of == argument.long]


def text() -> str:
    """The file's content."""
    return json.dumps(words(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    TARGET.write_text(text(), "utf-8")
