"""Arguments that many verbs share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbcontainer.verbs.arguments import option, switch

if TYPE_CHECKING:
    from nbcontainer.verbs.grammar import Verb

ACTIONS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*")
SELECTABLE = ("metadata.name=", "metadata.namespace=", "status.phase=", "spec.nodeName=")
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le", "linux/riscv64", "linux/s390x")
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
ACTING = (  # of each verb of a cluster
    option("--as", help="the user to impersonate", metavar="USER", to="as_user", control=True),
    option(
        "--as-group",
        help="a group to impersonate; may be repeated",
        kind="list",
        metavar="GROUP",
        to="as_groups",
        control=True,
    ),
    option("--as-uid", help="the uid to impersonate", metavar="UID", to="as_uid", control=True),
)
NAMESPACE = option("-n", "--namespace", help="the namespace", completes="namespace", control=True)
SELECTOR = option("-l", "--selector", help="a label selector, such as app=web")
ALL_NAMESPACES = switch("-A", "--all-namespaces", help="in all namespaces")
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
LISTED = (  # of kubectl get
    ALL_NAMESPACES,
    NAMESPACE,
    SELECTOR,
    option("--field-selector", help="a field selector, such as metadata.name=web", suggests=SELECTABLE),
    option(
        "-o",
        "--output",
        help="wide: with the columns that are left out otherwise; name: only the names; or the objects in full",
        choices=("wide", "name", "yaml", "json", "jsonpath=", "custom-columns="),
        control=True,
    ),
    option(
        "--sort-by",
        help="sort by a field of the objects, such as .metadata.creationTimestamp",
        metavar="JSONPATH",
        default="",
    ),
    option("-L", "--label-columns", help="a column for this label", kind="list", metavar="LABEL"),
    switch("--show-labels", help="a column of all labels"),
    switch("--show-secrets", help="with -o yaml, json, jsonpath: values of Secrets, not saved", own=True, control=True),
    switch("-w", "--watch", help="keep the cell or terminal busy and follow changes until stopped", control=True),
    option("--duration", help="stop watching after this time", kind="seconds", own=True, control=True),
    CLUSTER,
    *TABLE,
)
TTY = switch("-t", "--tty", help="refused: a cell is not a terminal", control=True)
COUNTED_LINES = option(
    "--tail", help="how many last lines of each container's log are counted", kind="number", default=2_000, own=True
)
GRACE_PERIOD = option("--grace-period", help="seconds to shut down gracefully", kind="number")
NOW = switch("--now", help="give each pod one second to shut down")
YES = switch("-y", "--yes", help="do not ask", own=True, control=True)


def acting(verb: Verb) -> Verb:
    """A verb with the flags that impersonate another user, if it is one of a cluster."""
    return replace(verb, arguments=(*verb.arguments, *ACTING)) if CLUSTER in verb.arguments else verb
