"""`%nbcontainer`: what is reachable, the lessons, and the settings."""

from __future__ import annotations

from nbcontainer import api, diagnosis, lessons
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.settings import settings
from nbcontainer.verbs import nbcontainer

VERBS = Verbs("nbcontainer", "What is reachable, what is missing, the lessons, and the settings.")
VERBS.declare((nbcontainer.DOCTOR,), lambda _: diagnosis)
VERBS.declare((nbcontainer.MADE, nbcontainer.CLEAN), lambda _: api.made)
VERBS.declare((nbcontainer.TOUR,), lambda _: lessons)


@VERBS.add(nbcontainer.SETTINGS)
def change(call: Call) -> object:
    """Show or change."""
    values = call.values
    if values.value is not None:
        settings.change(values.name, values.value)
        return None
    return settings.value(values.name) if values.name else settings
