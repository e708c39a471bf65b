"""The declarations of `%kube create`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import Argument, option, positional
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE

IMAGE = option("--image", help="the container's image", completes="image", required=True)
COMMAND = positional(
    "ARGUMENT", help="after --: what to run instead of the image's command", kind="rest", required=False, to="command"
)
COMMON = (
    option("--dry-run", help="only show what would be created", choices=("client", "server"), default=""),
    option("-o", "--output", help="the manifest in place of the change", choices=("yaml",), default=""),
    NAMESPACE,
    CLUSTER,
)


def _create(kind: str, summary: str, example: str, *arguments: Argument) -> Verb:
    return Verb(
        f"create {kind}",
        summary,
        (positional("NAME", help="its name"), *arguments, *COMMON),
        example=f"%kube create {kind} {example}",
        command=("kubectl", "create", kind),
        calls=f"create.{kind}",
    )


VERBS = (
    _create(
        "deployment",
        "Creates a Deployment with a container for each image.",
        "web --image=127.0.0.1:5000/team/web:1 --replicas=2",
        COMMAND,
        option(
            "--image",
            help="a container's image",
            kind="list",
            completes="image",
            required=True,
            to="images",
        ),
        option("-r", "--replicas", help="how many pods", kind="number", default=1),
        option("--port", help="a port of the first container", kind="port"),
    ),
    _create(
        "job",
        "Creates a Job, from an image or from a CronJob.",
        "once --image=busybox -- date",
        COMMAND,
        option("--image", help="the container's image", completes="image", default=""),
        option("--from", help="cronjob/NAME, in place of an image", default="", to="source"),
    ),
    _create(
        "cronjob",
        "Creates a CronJob.",
        "often --image=busybox --schedule='*/5 * * * *' -- date",
        COMMAND,
        IMAGE,
        option("--schedule", help="when it runs, as in crontab", required=True),
        option("--restart", help="restart policy", choices=("OnFailure", "Never"), default="OnFailure"),
    ),
    _create("namespace", "Creates a namespace.", "shop"),
    _create(
        "quota",
        "Creates a ResourceQuota: the most that the namespace may have.",
        "small --hard=pods=10,cpu=2",
        option("--hard", help="the limits, such as pods=10,cpu=2", kind="pairs"),
        option("--scopes", help="which pods count, such as BestEffort", kind="list"),
    ),
)
