"""The declarations of `%kube` for workloads: scale, rollout and set."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE, SELECTOR

OBJECTS = positional("OBJECT", help="KIND/NAME, or a kind and names", many=True, completes="object", to="names")
ALL = switch("--all", help="all objects of the kind")
DRY_RUN = option("--dry-run", help="only show what would be done", choices=("client", "server"), default="")
CONTAINERS = option("-c", "--containers", help="the containers' name; * is any", default="*")
PLACE = (NAMESPACE, SELECTOR, CLUSTER)


def _rollout(verb: str, summary: str, *more: object, example: str) -> Verb:
    return Verb(
        f"rollout {verb}",
        summary,
        (OBJECTS, *more, *PLACE),  # type: ignore[arg-type]
        example=example,
        command=("kubectl", "rollout", verb),
        calls=f"rollout.{verb}",
    )


def _set(verb: str, summary: str, what: str, *more: object, example: str) -> Verb:
    names = positional("OBJECT", help=what, many=True, completes="object", to="names")
    return Verb(
        f"set {verb}",
        summary,
        (names, *more, ALL, DRY_RUN, *PLACE),  # type: ignore[arg-type]
        example=example,
        command=("kubectl", "set", verb),
        calls=f"set.{verb}",
    )


VERBS = (
    Verb(
        "scale",
        "Sets the number of replicas and waits until they are there.",
        (
            OBJECTS,
            option("--replicas", help="how many there should be", kind="number", required=True),
            option("--current-replicas", help="scale only what has that many", kind="number"),
            option("--resource-version", help="scale only what is at this version", default=""),
            ALL,
            switch("--no-wait", help="return immediately", own=True, to="wait", gives=False),
            option("--timeout", help="fail if they are not there by then", kind="seconds", default=0.0),
            DRY_RUN,
            *PLACE,
        ),
        example="%kube scale deploy/web --replicas=3",
        command=("kubectl", "scale"),
        calls="scale",
    ),
    _rollout(
        "status",
        "Follows a rollout until it is complete, and shows which pods are not ready.",
        switch("--no-wait", help="show only the present status", own=True, to="wait", gives=False),
        option("--revision", help="fail if it is at another revision", kind="number", default=0),
        option("--timeout", help="fail if it is not complete by then", kind="seconds", default=0.0),
        example="%kube rollout status deploy/web",
    ),
    _rollout(
        "history",
        "Shows the revisions of a workload, with their causes and images.",
        option("--revision", help="the details of this revision", kind="number", default=0),
        example="%kube rollout history deploy/web",
    ),
    _rollout(
        "undo",
        "Rolls a workload back to an earlier revision.",
        option("--to-revision", help="the revision; otherwise the previous one", kind="number", default=0),
        DRY_RUN,
        example="%kube rollout undo deploy/web",
    ),
    _rollout("restart", "Replaces all pods of a workload, step by step.", example="%kube rollout restart deploy/web"),
    _rollout("pause", "Pauses the rollout of a Deployment.", example="%kube rollout pause deploy/web"),
    _rollout("resume", "Resumes the rollout of a Deployment.", example="%kube rollout resume deploy/web"),
    _set(
        "image",
        "Sets the images of containers.",
        "KIND/NAME, or a kind and names; then CONTAINER=IMAGE",
        example="%kube set image deploy/web web=127.0.0.1:5000/team/web:2",
    ),
    _set(
        "env",
        "Sets or removes environment variables of containers.",
        "KIND/NAME, or a kind and names; then NAME=VALUE, or NAME- to remove it",
        option("--from", help="configmap/NAME or secret/NAME, whose keys become variables", default="", to="source"),
        option("--prefix", help="what the names of those begin with", default=""),
        option("--keys", help="only these keys of it", kind="list"),
        CONTAINERS,
        switch("--no-overwrite", help="refuse to change a variable that is set", own=True, to="overwrite", gives=False),
        example="%kube set env deploy/web LOG=debug OLD-",
    ),
    _set(
        "resources",
        "Sets the resources that containers may use, and those that they are sure to get.",
        "KIND/NAME, or a kind and names",
        option("--limits", help="such as cpu=200m,memory=512Mi", kind="pairs"),
        option("--requests", help="such as cpu=100m,memory=256Mi", kind="pairs"),
        CONTAINERS,
        example="%kube set resources deploy/web --limits=cpu=200m,memory=512Mi",
    ),
)
