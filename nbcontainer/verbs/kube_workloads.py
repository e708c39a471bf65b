"""The declarations of the verbs of workloads: `%kube scale|rollout|set`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import Argument, option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.kube_apply import DRY_RUN
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE, SELECTOR, TABLE

KIND = positional("KIND", help="the workloads' kind (deploy), or KIND/NAME", completes="kind")
NAMES = positional("NAME", help="their names, unless KIND has it", required=False, many=True, completes="object")
TIMEOUT = option("--timeout", help="fail if it is not done by then", kind="seconds", default=0.0)
CONTAINER = option(
    "-c", "--containers", help="only of this container", metavar="CONTAINER", default="*", to="container"
)


def _rollout(verb: str, summary: str, *more: Argument, names: Argument = NAMES, also: str = "") -> Verb:
    return Verb(
        f"rollout {verb}",
        summary,
        (KIND, names, *more, NAMESPACE, CLUSTER, *TABLE),
        example=f"%kube rollout {verb} deploy/web{also}",
        command=("kubectl", "rollout", verb),
        calls=f"rollout.{verb}",
    )


def _set(part: str, summary: str, form: str, example: str, *more: Argument) -> Verb:
    help_line = f"their names, unless KIND has it{form}"
    names = positional("NAME", help=help_line, required=False, many=True, completes="object")
    return Verb(
        f"set {part}",
        summary,
        (KIND, names, *more, NAMESPACE, DRY_RUN, CLUSTER),
        example=f"%kube set {part} deploy/web {example}",
        command=("kubectl", "set", part),
        calls=f"pod_template.{part}",
    )


VERBS = (
    Verb(
        "scale",
        "Says how many pods workloads are to have, and waits until these are ready.",
        (
            KIND,
            NAMES,
            option("--replicas", help="how many pods", kind="number", required=True),
            option("--current-replicas", help="change nothing unless there are so many now", kind="number"),
            SELECTOR,
            switch("--all", help="all workloads of the kind in the namespace"),
            switch("--no-wait", help="return immediately", own=True, to="wait", gives=False),
            TIMEOUT,
            NAMESPACE,
            CLUSTER,
            *TABLE,
        ),
        example="%kube scale deploy/web --replicas=3",
        command=("kubectl", "scale"),
        calls="scale",
    ),
    _rollout("status", "Waits until workloads are rolled out, and shows which pods are not ready.", SELECTOR, TIMEOUT),
    _rollout(
        "history",
        "Shows the revisions of a workload, or the pods of one revision.",
        option("--revision", help="describe the pods of this revision", kind="number", default=0),
        names=positional("NAME", help="its name, unless KIND has it", required=False, completes="object"),
    ),
    _rollout(
        "undo",
        "Goes back to an earlier revision of workloads.",
        SELECTOR,
        option("--to-revision", help="its number; by default the one before", kind="number", default=0),
        DRY_RUN,
    ),
    _rollout("restart", "Replaces all pods of workloads, a few at a time.", SELECTOR),
    _rollout("pause", "Holds back rollouts of Deployments.", SELECTOR),
    _rollout("resume", "Lets paused rollouts go on.", SELECTOR),
    _set("image", "Gives containers other images.", "; then CONTAINER=IMAGE", "web=busybox:1.37"),
    _set(
        "env",
        "Sets environment variables of containers, or lists them.",
        "; then KEY=VALUE, or KEY- to remove it",
        "LEVEL=debug",
        CONTAINER,
        switch("--list", help="list the variables, and change nothing"),
    ),
    _set(
        "resources",
        "Says how much CPU and memory containers may use.",
        "",
        "--limits cpu=500m,memory=128Mi",
        option("--limits", help="the most that each may use; 0 removes one", kind="pairs", metavar="NAME=QUANTITY,…"),
        option("--requests", help="what is reserved for each; 0 removes one", kind="pairs", metavar="NAME=QUANTITY,…"),
        CONTAINER,
    ),
)
