"""The declarations of `%kube` that read and remove objects of any kind."""

from __future__ import annotations

from nbcontainer.verbs.arguments import positional
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ALL_NAMESPACES, CLUSTER, NAMESPACE, SELECTOR, TABLE

KIND = positional("KIND", help="a kind (deploy), several (deploy,svc), or KIND/NAME", completes="kind")
NAMES = positional("NAME", help="only these objects", required=False, many=True, completes="object")

VERBS = (
    Verb(
        "describe",
        "Shows the details of objects, with what owns and uses them, and their events.",
        (KIND, NAMES, ALL_NAMESPACES, NAMESPACE, SELECTOR, CLUSTER, *TABLE),
        example="%kube describe deploy/web\n%kube describe node",
        command=("kubectl", "describe"),
        calls="describe",
    ),
)
