"""The declarations of `%%kube apply` and `%%kube diff`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE, YES

SOURCES = (
    option(
        "-f",
        "--filename",
        help="manifests in a file, a folder or at a URL, in place of the cell",
        kind="list",
        completes="path",
    ),
    switch("-R", "--recursive", help="with -f: also the folders within a folder"),
    option("-k", "--kustomize", help="a folder with a kustomization, in place of the cell", completes="path"),
)
DRY_RUN = option("--dry-run", help="only show what would be done", choices=("server",), default=False, gives=True)
FORCE = switch("--force-conflicts", help="take over fields managed by others")
RAW = switch("--raw", help="do not replace {{name}}", own=True, control=True)
POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
    "spec: {containers: [{name: web, image: busybox, args: [sleep, '3600']}]}"
)

VERBS = (
    Verb(
        "apply",
        "Applies the cell's YAML, or files, on the server (server-side apply), and shows the differences first.",
        (
            *SOURCES,
            NAMESPACE,
            DRY_RUN,
            FORCE,
            switch("--prune", help="delete what this notebook applied before and is no longer there; asks first"),
            YES,
            RAW,
            CLUSTER,
        ),
        example=f"%%kube apply\n{POD}",
        command=("kubectl", "apply", "--server-side", "-f", "-"),
        body="optional",
        takes="text",
        calls="apply",
        asks="plan_apply",
    ),
    Verb(
        "diff",
        "Shows what applying the cell's YAML, or files, would change, by a dry run on the server.",
        (
            *SOURCES,
            NAMESPACE,
            FORCE,
            switch("--prune", help="also what --prune would delete"),
            RAW,
            CLUSTER,
        ),
        example=f"%%kube diff\n{POD}",
        command=("kubectl", "diff", "--server-side", "-f", "-"),
        body="optional",
        takes="text",
        calls="diff",
    ),
)
