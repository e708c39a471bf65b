"""The declarations of `%nbcontainer`: the package itself."""

from __future__ import annotations

from nbcontainer.verbs.arguments import positional
from nbcontainer.verbs.grammar import Verb

SETTINGS = Verb(
    "settings",
    "Shows the settings, or changes one.",
    (
        positional("NAME", help="a setting's name", required=False, completes="setting"),
        positional("VALUE", help="its new value", required=False, completes="setting-value"),
    ),
    example="%nbcontainer settings protected_contexts prod-*",
)
VERBS = (
    Verb(
        "doctor",
        "Shows which engine and which cluster are in use, what is missing, and how to fix it.",
        example="%nbcontainer doctor",
        calls="doctor",
    ),
)
