"""The declarations of the verbs of nodes, and of what nodes and pods use: `%kube cordon|uncordon|drain|top`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.kube_apply import DRY_RUN
from nbcontainer.verbs.shared import ALL_NAMESPACES, CLUSTER, GRACE_PERIOD, NAMESPACE, SELECTABLE, SELECTOR, TABLE, YES

SORT_BY = option("--sort-by", help="those that use most first", choices=("cpu", "memory"), default="")
WATCHED = (
    switch("-w", "--watch", help="measure again and again, with charts, until stopped", own=True, control=True),
    option("--duration", help="stop watching after this time", kind="seconds", own=True, control=True),
)
NODE = positional("NODE", help="nodes' names", required=False, many=True, completes="node", to="nodes")


def top_of_pods(path: str, example: str, *aliases: str) -> Verb:
    """What pods use, for `%kpod` and `%kube`."""
    return Verb(
        path,
        "Shows what pods use of CPU and memory, beside their requests and limits.",
        (
            positional("POD", help="only these pods", required=False, many=True, completes="pod", to="names"),
            ALL_NAMESPACES,
            NAMESPACE,
            SELECTOR,
            option("--field-selector", help="a field selector, such as spec.nodeName=n1", suggests=SELECTABLE),
            switch("--containers", help="each container on its own"),
            SORT_BY,
            switch("--sum", help="show the total, too"),
            *WATCHED,
            CLUSTER,
            *TABLE,
        ),
        example=example,
        command=("kubectl", "top", "pods"),
        aliases=aliases,
        calls="top.pods",
        watches="top.watch_pods",
    )


VERBS = (
    top_of_pods("top pods", "%kube top pods -l app=web -w", "top pod", "top po"),
    Verb(
        "top nodes",
        "Shows what nodes use of CPU and memory, beside what pods can use of them.",
        (
            positional("NODE", help="only these nodes", required=False, many=True, completes="node", to="names"),
            SELECTOR,
            SORT_BY,
            switch("--show-capacity", help="compare it with all of the node, not with what pods can use"),
            *WATCHED,
            NAMESPACE,
            CLUSTER,
            *TABLE,
        ),
        example="%kube top nodes",
        command=("kubectl", "top", "nodes"),
        aliases=("top node", "top no"),
        calls="top.nodes",
        watches="top.watch_nodes",
    ),
    *(
        Verb(
            verb,
            summary,
            (NODE, SELECTOR, DRY_RUN, NAMESPACE, CLUSTER, *TABLE),
            example=f"%kube {verb} n1",
            command=("kubectl", verb),
            calls=verb,
        )
        for verb, summary in (
            ("cordon", "Keeps new pods away from nodes; those that are there stay."),
            ("uncordon", "Lets nodes have new pods again."),
        )
    ),
    Verb(
        "drain",
        "Cordons nodes, evicts their pods, and waits until these are gone; first shows which go and which stay.",
        (
            NODE,
            SELECTOR,
            switch("--ignore-daemonsets", help="leave pods of DaemonSets where they are"),
            switch("--delete-emptydir-data", help="also evict pods that lose what they have in emptyDir volumes"),
            switch("--force", help="also evict pods without a controller, which nothing makes again"),
            GRACE_PERIOD,
            option("--timeout", help="fail if they are not gone by then", kind="seconds", default=0.0),
            switch("--disable-eviction", help="delete the pods, whatever their disruption budgets say"),
            option("--pod-selector", help="only the pods with these labels"),
            YES,
            NAMESPACE,
            CLUSTER,
            *TABLE,
        ),
        example="%kube drain n1 --ignore-daemonsets",
        command=("kubectl", "drain"),
        calls="drain",
        asks="plan_drain",
    ),
)
