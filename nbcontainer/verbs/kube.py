"""The declarations of `%%kube`: objects of any kind."""

from __future__ import annotations

from nbcontainer.verbs.arguments import positional
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import LISTED

VERBS = (
    Verb(
        "get",
        "Lists objects of any kind. In a notebook the table stays live after the cell has finished.",
        (
            positional("KIND", help="a kind (deploy), several (deploy,svc), or KIND/NAME", completes="kind"),
            positional("NAME", help="only these objects", required=False, many=True, completes="object"),
            *LISTED,
        ),
        example="%kube get deploy -n shop\n%kube get nodes -o wide\n%kube get deploy/web svc/web\n"
        "%kube get deploy,svc -w\n%kube get deploy web -o yaml",
        command=("kubectl", "get"),
        calls="get",
        watches="watch",
        prints="manifests",
    ),
)
