"""Writes src/lab/words.json: what the page completes by itself, while the kernel is busy.

Run it after a change of the language or of a magic's flags: python nbcontainer/frontend/words.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TARGET = Path(__file__).parent / "src" / "lab" / "words.json"


def words() -> dict[str, Any]:
    """The Dockerfile's words, and the magics' verbs and flags."""
    from nbcontainer.language.dockerfile import words as dockerfile_words  # noqa: PLC0415 - of this clone, see below
    from nbcontainer.magics.registration import MAGICS, verbs_of  # noqa: PLC0415 - as above

    return {
        "dockerfile": dockerfile_words(),
        "magics": {
            name: {
                verb.name: [
                    {"name": argument.long, "detail": argument.help, "values": list(argument.choices)}
                    for argument in verb.arguments
                    if argument.is_flag
                ]
                for verb in verbs_of(name).magic.verbs
            }
            for name in MAGICS
        },
    }


def text() -> str:
    """The file's content."""
    return json.dumps(words(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    TARGET.write_text(text(), "utf-8")
