"""The declaration of `%kube debug` and `%kpod debug`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE, TABLE, TTY

DEBUG = Verb(
    "debug",
    "Runs a command in a debug container that sees a pod's processes, or on a node. The cell is its standard input.",
    (
        positional("POD", help="a pod's name, or deploy/NAME, or node/NAME", completes="pod", to="name"),
        positional(
            "COMMAND",
            help="after --: the command and its arguments; without it, the container stays, for exec",
            kind="rest",
            required=False,
        ),
        NAMESPACE,
        option("--image", help="its image, with a shell, in place of the setting debug_image", completes="image"),
        option("-c", "--container", help="its name; with --copy-to, the container whose command is replaced"),
        option("--target", help="the container whose processes it sees", completes="pod-container"),
        option("--env", help="an environment variable", kind="mapping", valued=True, to="environment"),
        option(
            "--profile",
            help="what it may do",
            choices=("general", "baseline", "restricted", "netadmin", "sysadmin", "legacy"),
            default="general",
        ),
        option(
            "--image-pull-policy",
            help="when to pull the image",
            choices=("Always", "IfNotPresent", "Never"),
            to="pull_policy",
        ),
        option("--copy-to", help="the name of a copy of the pod, which gets the container instead", metavar="NAME"),
        option("--set-image", help="with --copy-to: images by container", kind="pairs", metavar="CONTAINER=IMAGE,…"),
        option(
            "--share-processes",
            help="with --copy-to: whether its containers see each other's processes",
            kind="boolean",
            default=True,
        ),
        switch("--same-node", help="with --copy-to: on the same node"),
        switch("--replace", help="with --copy-to: delete the pod"),
        switch("--rm", help="delete the copy, or the pod on the node, after the command", own=True, to="remove"),
        switch("-i", "--stdin", help="pass standard input on (the cell body)", control=True),
        TTY,
        option("--timeout", help="stop the command and fail after this time", kind="seconds", own=True, default=0.0),
        CLUSTER,
        *TABLE,
    ),
    example="%kube debug web -- ls /proc/1/root\n%kube debug node/worker-1 --rm -- ls /host",
    command=("kubectl", "debug"),
    body="optional",
    takes="stdin",
    rest_after_first=True,
    dashes=True,
    calls="debug",
    heading="Debug",
)
VERBS = (DEBUG,)
