"""Objects in full, as text."""

from __future__ import annotations

from nbcontainer.model.manifests import Manifests
from nbcontainer.model.tables import Tone
from nbcontainer.views.ansi import plain
from nbcontainer.views.blocks import Code, CodeLine
from nbcontainer.views.kit import Line, Picture, Span
from nbcontainer.views.registry import draws


@draws(Manifests)
def _manifests(manifests: Manifests) -> Picture:
    """What is saved: without the values of Secrets."""
    picture = _picture(manifests, manifests.text)
    if not manifests.revealed:
        return picture
    note = Line.of(Span("The values of Secrets are shown only in a live page or a terminal, and not saved.", Tone.DIM))
    return Picture((*picture.blocks, note), picture.label)


def revealed(manifests: Manifests) -> Picture:
    """What is shown and not saved."""
    return _picture(manifests, manifests.revealed)


def printed(manifests: Manifests) -> str:
    """What a terminal shows: exactly what kubectl prints, without what could control the terminal."""
    return "\t".join(map(plain, str(manifests).split("\t"))).removesuffix("\n")


def _picture(manifests: Manifests, text: str) -> Picture:
    lines = tuple(CodeLine(line) for line in text.splitlines())
    return Picture((Code(lines, manifests.language),) if lines else (), label="manifests")
