"""The declarations of `%%kube`: objects of any kind."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, LISTED, NAMESPACE

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
        "%kube get deploy web -o yaml",
        command=("kubectl", "get"),
        calls="get",
        watches="watch",
        prints="manifests",
    ),
    Verb(
        "apply",
        "Applies the cell's YAML on the server (server-side apply): each object is created or changed.",
        (
            NAMESPACE,
            option("--dry-run", help="only show what would be done", choices=("server",), default=False, gives=True),
            switch("--force-conflicts", help="take over fields managed by others"),
            switch("--raw", help="do not replace {{name}}", own=True, control=True),
            CLUSTER,
        ),
        example="%%kube apply\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
        "spec: {containers: [{name: web, image: busybox, args: [sleep, '3600']}]}",
        command=("kubectl", "apply", "--server-side", "-f", "-"),
        body="yes",
        takes="text",
        calls="apply",
    ),
)
