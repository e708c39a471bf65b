"""The declarations of `%kube` that read and remove objects of any kind."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ALL_NAMESPACES, CLUSTER, NAMESPACE, SELECTOR, TABLE, YES

KIND = positional("KIND", help="a kind (deploy), several (deploy,svc), or KIND/NAME", completes="kind")
NAMES = positional("NAME", help="only these objects", required=False, many=True, completes="object")

VERBS = (
    Verb(
        "delete",
        "Deletes objects and waits until they are gone. With %%kube delete, the objects of the cell's YAML.",
        (
            replace(KIND, required=False),
            NAMES,
            ALL_NAMESPACES,
            NAMESPACE,
            SELECTOR,
            switch("--all", help="all objects of the kind"),
            option(
                "--cascade",
                help="what happens to the objects that they own: they go afterwards, before, or stay",
                choices=("background", "foreground", "orphan"),
                default="background",
            ),
            switch("--force", help="kill pods immediately, without waiting for the node to confirm it"),
            option("--grace-period", help="seconds to shut down gracefully", kind="number"),
            switch("--ignore-not-found", help="leave out what does not exist"),
            switch("--no-wait", help="return immediately", own=True, to="wait", gives=False),
            switch("--raw", help="do not replace {{name}}", own=True, control=True),
            YES,
            CLUSTER,
            *TABLE,
        ),
        example="%kube delete deploy/web -y\n%kube delete cm,secret -l app=web",
        command=("kubectl", "delete"),
        body="optional",
        takes="text",
        calls="delete",
        asks="plan_delete",
    ),
    Verb(
        "describe",
        "Shows the details of objects, with what owns and uses them, and their events.",
        (KIND, NAMES, ALL_NAMESPACES, NAMESPACE, SELECTOR, CLUSTER, *TABLE),
        example="%kube describe deploy/web\n%kube describe node",
        command=("kubectl", "describe"),
        calls="describe",
    ),
)
