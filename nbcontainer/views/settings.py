"""How the settings are drawn: a table of their values and meanings."""

from __future__ import annotations

from nbcontainer.model.tables import Tone
from nbcontainer.settings import NBContainer
from nbcontainer.views.kit import Grid, Line, Picture, Span
from nbcontainer.views.registry import draws


@draws(NBContainer)
def _settings(settings: NBContainer) -> Picture:
    rows = []
    for name, meaning in settings.meanings().items():
        value = settings.value(name)
        words = ", ".join(value) if isinstance(value, tuple) else str(value)
        shown = Span(words or "–", code=bool(words))
        rows.append((Span(name), shown, Span(meaning, Tone.DIM), Span(settings.origin(name))))
    hints = (
        "%nbcontainer settings NAME VALUE changes one for this session",
        "c.NBContainer.NAME = VALUE in ipython_config.py, or NBCONTAINER_NAME in the environment, sets one permanently",
    )
    grid = Grid(tuple(rows), ("Setting", "Value", "Meaning", "Set by"), flexible=2, wraps=True)
    wrong = [Line.of(Span(f"✕ {problem.remark}", Tone.BAD), wraps=True) for problem in settings.problems]
    return Picture((*wrong, grid, *(Line.of(Span(hint, Tone.DIM)) for hint in hints)), label="settings")
