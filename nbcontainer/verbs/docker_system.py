"""The declarations of `%docker system`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ENGINE

VERBS = (
    Verb(
        "system df",
        "Shows the disk space that the engine uses, and how much of it can be freed.",
        (switch("-v", "--verbose", help="with each image, container, volume and cache record"), ENGINE),
        example="%docker system df",
        command=("docker", "system", "df"),
        calls="system.df",
    ),
)
