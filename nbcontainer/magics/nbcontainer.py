"""`%nbcontainer`: what is reachable, and the settings."""

from __future__ import annotations

from nbcontainer import diagnosis
from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.settings import settings
from nbcontainer.verbs import nbcontainer

VERBS = Verbs("nbcontainer", "What is reachable, what is missing, and the settings.")
VERBS.declare(nbcontainer.VERBS, lambda _: diagnosis)


@VERBS.add(nbcontainer.SETTINGS)
def change(call: Call) -> object:
    """Show or change."""
    values = call.values
    if values.value is not None:
        settings.change(values.name, values.value)
        return None
    return settings.value(values.name) if values.name else settings
