"""Whether a user may do something."""

from __future__ import annotations

from nbcontainer.model.permissions import Permission
from nbcontainer.model.tables import Tone
from nbcontainer.views.kit import SIGNS, Line, Picture, Span
from nbcontainer.views.registry import draws


@draws(Permission)
def _permission(found: Permission) -> Picture:
    tone = Tone.GOOD if found else Tone.BAD
    spans = (
        Span(f"{SIGNS[tone]} {'yes' if found else 'no'}", tone),
        Span(f"  {found.what}"),
        Span(f"  {found.reason}", Tone.DIM),
        Span("  "),
        Span(found.where, Tone.DIM, chip=True),
    )
    return Picture((Line(spans, head=True),), label="permission")
