"""Help on the words of a Dockerfile: what each does, and an example."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nbcontainer.dockerfile.words import INSTRUCTIONS, nearest

_SECTION = re.compile(
    r"^## (?P<words>.*)\n\n`(?P<title>.*)`\n\n(?P<text>[^#]*?)\n\n"
    r"```dockerfile\n(?P<example>(?:.*\n)*?)```",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Help:
    """Help on one word.

    Attributes:
        title: the word's form, such as "COPY [--from=STAGE] SOURCE… DESTINATION".
        text: what it does, in a few sentences.
        example: Dockerfile text.
    """

    title: str
    text: str
    example: str = ""


def help_dockerfile(word: str) -> Help | None:
    """Help on an instruction ("COPY"), a flag ("COPY --from", "--mount"), a mount type ("--mount=type=cache") or a
    parser directive ("# syntax"); None where the word is unknown.
    """  # noqa: D205 - the summary is one long list
    texts = help_words()
    wanted = " ".join(word.split())
    if wanted.startswith("#"):
        return texts.get(f"# {wanted.lstrip('# ').partition('=')[0].strip().lower()}")
    instruction, _, flag = wanted.rpartition(" ") if "--" in wanted else (wanted, "", "")
    if not flag:
        return texts.get(instruction.upper()) or texts.get(nearest(instruction, INSTRUCTIONS, cutoff=0.8))
    name, _, value = flag.partition("=")
    if name == "--mount" and value.startswith("type="):
        return texts.get(f"--mount={value.partition(',')[0]}") or texts.get("RUN --mount")
    if instruction:
        return texts.get(f"{instruction.upper()} {name}")
    return next((text for known, text in texts.items() if known.endswith(f" {name}")), None)


@cache
def help_words() -> dict[str, Help]:
    """All help texts, keyed by the words that `help_dockerfile` takes."""
    texts = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")
    return {
        word: Help(found["title"], " ".join(found["text"].split()), found["example"].rstrip("\n"))
        for found in _SECTION.finditer(texts)
        for word in found["words"].split(", ")
    }
