"""`%nbcontainer`: what is reachable, and the settings."""

from __future__ import annotations

from typing import Any

from nbcontainer.magics.calls import Call, Verbs
from nbcontainer.settings import settings
from nbcontainer.verbs.arguments import positional
from nbcontainer.verbs.grammar import Verb

__all__ = ["VERBS"]

VERBS = Verbs("nbcontainer", "What is reachable, what is missing, and the settings.")


@VERBS.add(
    Verb(
        "doctor",
        "Says which engine and which cluster are in use, and what is missing, with the cure.",
        example="%nbcontainer doctor",
    )
)
def doctor(call: Call) -> Any:
    """Look at each, and say it."""
    from nbcontainer import diagnosis  # noqa: PLC0415 - loads with the first call

    del call
    return diagnosis.doctor()


@VERBS.add(
    Verb(
        "settings",
        "Shows the settings, or changes one.",
        (
            positional("NAME", help="a setting's name", required=False, completes="setting"),
            positional("VALUE", help="its new value", required=False),
        ),
        example="%nbcontainer settings protected_contexts prod-*",
    )
)
def change(call: Call) -> Any:
    """Show or change."""
    values = call.values
    if values.value is not None:
        settings.change(values.name, values.value)
        return None
    if not values.name:
        return settings
    return settings.value(values.name)
