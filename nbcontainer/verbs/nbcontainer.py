"""The declarations of `%nbcontainer`: the package itself."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional
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
DOCTOR = Verb(
    "doctor",
    "Shows which engine and which cluster are in use, what is missing, and how to fix it.",
    example="%nbcontainer doctor",
    calls="doctor",
)
TOUR = Verb(
    "tour",
    "Copies the lessons, notebooks that teach containers step by step, into a folder, and links to their index.",
    (
        option(
            "--to",
            help="the folder (default nbcontainer-tour)",
            metavar="FOLDER",
            default="nbcontainer-tour",
            completes="path",
        ),
    ),
    example="%nbcontainer tour",
    calls="tour",
)
VERBS = (DOCTOR, TOUR)
