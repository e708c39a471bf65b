"""The declarations of `%docker login` and `%docker logout`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, refused
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ENGINE

REGISTRY = positional("REGISTRY", help="the registry's host (default: Docker Hub)", required=False)
ASKED = "you are asked for it in a hidden field, or --password-from takes a variable or env:NAME."

LOGIN = Verb(
    "login",
    "Logs in to a registry and stores the credentials the way docker does.",
    (
        REGISTRY,
        option("-u", "--username", help="the user's name"),
        option(
            "--password-from",
            help="where the password is: a Python variable, or env:NAME; otherwise you are asked for it",
            metavar="NAME",
            own=True,
            completes="variable",
        ),
        refused("-p", "--password", help="it would be kept in the cell and its history", cure=f"Leave it out: {ASKED}"),
        refused("--password-stdin", help="a cell has no standard input", cure=f"Leave it out: {ASKED}"),
        ENGINE,
    ),
    example="%docker login registry.example.com -u alice",
    command=("docker", "login"),
    secret=True,
    same_as="registries.login",
)

VERBS = (
    Verb(
        "logout",
        "Removes the stored credentials of a registry.",
        (REGISTRY, ENGINE),
        example="%docker logout registry.example.com",
        command=("docker", "logout"),
        calls="registries.logout",
    ),
)
