"""The declarations of `%nbcontainer`: the package itself."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import YES

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
PLACES = (
    option(
        "--engine",
        help="the engine: a docker context, an address or podman",
        metavar="NAME",
        default="",
        own=True,
        completes="engine",
    ),
    option(
        "--context",
        help="the cluster: a context of the kubeconfig",
        metavar="NAME",
        default="",
        own=True,
        completes="context",
    ),
)
MADE = Verb(
    "made",
    "Lists what this notebook made and what is still there: containers, images, volumes, networks, cluster objects.",
    PLACES,
    example="%nbcontainer made",
    calls="made",
)
CLEAN = Verb(
    "clean",
    "Removes what this notebook made.",
    (*PLACES, YES),
    example="%nbcontainer clean",
    calls="clean",
    asks="plan_clean",
)
VERBS = (DOCTOR, MADE, CLEAN, TOUR)
