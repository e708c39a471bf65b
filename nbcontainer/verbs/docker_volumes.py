"""`%docker volume`: what can be said of volumes."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ENGINE, YES

__all__ = ["VERBS"]

FILTER = option("-f", "--filter", help="only these, such as label=tier=db", kind="list", to="filters")
VOLUMES = positional("VOLUME", help="volumes' names", many=True, completes="volume")

VERBS = (
    Verb(
        "volume ls",
        "Lists volumes.",
        (FILTER, switch("-q", "--quiet", help="only the names", control=True), ENGINE),
        example="%docker volume ls",
        command=("docker", "volume", "ls"),
        aliases=("volume list",),
        calls="volumes.list",
        quiet="VOLUME NAME",
    ),
    Verb(
        "volume create",
        "Creates a volume.",
        (
            positional("VOLUME", help="its name (default: one that the engine makes up)", required=False, to="name"),
            option("-d", "--driver", help="the volume's driver", metavar="DRIVER"),
            option("-o", "--opt", help="an option of the driver", kind="mapping", to="options"),
            option("--label", help="a label", kind="mapping", to="labels"),
            ENGINE,
        ),
        example="%docker volume create data",
        command=("docker", "volume", "create"),
        calls="volumes.create",
    ),
    Verb(
        "volume inspect",
        "All about volumes.",
        (VOLUMES, ENGINE),
        example="%docker volume inspect data",
        command=("docker", "volume", "inspect"),
        calls="volumes.inspect",
    ),
    Verb(
        "volume rm",
        "Removes volumes, with what is in them.",
        (VOLUMES, switch("-f", "--force", help="pass over those that are not there"), YES, ENGINE),
        example="%docker volume rm data",
        command=("docker", "volume", "rm"),
        aliases=("volume remove",),
        calls="volumes.remove",
        asks="volumes.plan_remove",
    ),
    Verb(
        "volume prune",
        "Removes the volumes that no container uses.",
        (
            switch("-a", "--all", help="those that were given a name, too"),
            option("--filter", help="only these, such as label=tier=db", kind="list", to="filters"),
            switch("-f", "--force", "-y", "--yes", help="do not ask", control=True, to="yes"),
            ENGINE,
        ),
        example="%docker volume prune",
        command=("docker", "volume", "prune"),
        calls="volumes.prune",
        asks="volumes.plan_prune",
    ),
)
