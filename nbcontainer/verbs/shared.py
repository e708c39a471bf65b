"""Arguments that many verbs share."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, switch

__all__ = ["CLUSTER", "ENGINE", "NAMESPACE", "TABLE", "TTY", "YES"]

ENGINE = option(
    "--context",
    "-H",
    "--host",
    before=("-c",),  # docker run and docker build have another -c
    help="the docker context of the engine, or its address",
    own=True,
    metavar="NAME",
    completes="engine",
    control=True,
)
CLUSTER = option(
    "--context",
    help="the kubeconfig context; without a kubeconfig, the docker context of an engine",
    completes="context",
    control=True,
)
NAMESPACE = option("-n", "--namespace", help="the namespace", completes="namespace", control=True)
TABLE = (
    option(
        "--table-context",
        help="the context of the table that offers this call; unlike --context, it does not name a protected one",
        own=True,
        metavar="NAME",
        completes="context",
        control=True,
    ),
    option(
        "--table-server",
        help="the server of the table's context: if the context now leads elsewhere, the call is refused",
        own=True,
        metavar="ADDRESS",
        control=True,
    ),
)
TTY = switch("-t", "--tty", help="refused: a cell is not a terminal", control=True)
YES = switch("-y", "--yes", help="do not ask", own=True, control=True)
