"""`%docker login` and `%docker logout`: what can be said of registries."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, refused
from nbcontainer.verbs.grammar import Verb

__all__ = ["LOGIN", "VERBS"]

REGISTRY = positional("REGISTRY", help="the registry's host (default: Docker Hub)", required=False)
ASKED = "it is asked for, hidden, or --password-from takes a variable or env:NAME."

LOGIN = Verb(
    "login",
    "Checks a user and password with a registry and keeps them as docker does.",
    (
        REGISTRY,
        option("-u", "--username", help="the user's name"),
        option(
            "--password-from",
            help="where the password is: a Python variable, or env:NAME; else it is asked for, hidden",
            metavar="NAME",
            own=True,
            completes="variable",
        ),
        refused("-p", "--password", help="a cell and its history would keep it", cure=f"Leave it out: {ASKED}"),
        refused("--password-stdin", help="a cell has no standard input", cure=f"Leave it out: {ASKED}"),
    ),
    example="%docker login registry.example.com -u alice",
    command=("docker", "login"),
    secret=True,
    same_as="registries.login",
)

VERBS = (
    Verb(
        "logout",
        "Forgets the credentials of a registry.",
        (REGISTRY,),
        example="%docker logout registry.example.com",
        command=("docker", "logout"),
        calls="registries.logout",
    ),
)
