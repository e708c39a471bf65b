"""Arguments that many verbs share."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, switch

__all__ = ["CLUSTER", "ENGINE", "NAMESPACE", "TABLE", "TTY", "YES"]

ENGINE = option("--context", help="the engine's docker context, or its address", own=True, metavar="NAME", control=True)
CLUSTER = option(
    "--context",
    help="the kubeconfig's context; without a kubeconfig, an engine's docker context",
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
        help="where the table's context led: if it leads elsewhere by now, the call is refused",
        own=True,
        metavar="ADDRESS",
        control=True,
    ),
)
TTY = switch("-t", "--tty", help="refused: a cell is no terminal", control=True)
YES = switch("-y", "--yes", help="do not ask", own=True, control=True)
