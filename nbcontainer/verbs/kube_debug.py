"""The declaration of `%kube debug`, which is `%kpod debug` too."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE, TTY

VERBS = (
    Verb(
        "debug",
        "Runs a command in a container for debugging, in a pod, in a copy of it, or on a node.",
        (
            positional("POD", help="a pod, deploy/NAME …, or node/NAME", completes="pod", resource="pod", to="name"),
            positional(
                "COMMAND",
                help="after --: the command and its arguments; without one, the container is only started",
                kind="rest",
                required=False,
            ),
            NAMESPACE,
            option(
                "--image",
                help="its image, which needs sleep, in place of the setting debug_image",
                default="",
                completes="image",
            ),
            option(
                "-c",
                "--container",
                help="its name; with --copy-to: or the container whose command is replaced",
                default="",
            ),
            option("--target", help="the container whose processes it sees", default="", completes="pod-container"),
            option("--env", help="an environment variable", kind="mapping", valued=True, to="environment"),
            option(
                "--profile",
                help="what the container may do",
                choices=("general", "baseline", "restricted", "netadmin", "sysadmin"),
                default="general",
            ),
            option(
                "--image-pull-policy",
                help="when to pull the image",
                choices=("Always", "IfNotPresent", "Never"),
                default="",
                to="pull_policy",
            ),
            option("--copy-to", help="put the container into a copy of the pod with this name", default=""),
            option("--set-image", help="another image in the copy, as CONTAINER=IMAGE", kind="mapping", valued=True),
            option(
                "--share-processes",
                help="whether the copy's containers see each other's processes",
                kind="boolean",
                default=True,
            ),
            switch("--same-node", help="put the copy on the pod's node"),
            switch("--replace", help="delete the pod once it has been copied"),
            switch("-i", "--stdin", help="pass standard input on (the cell body)", control=True),
            TTY,
            option("--timeout", help="stop it and fail after this time", kind="seconds", own=True, default=0.0),
            CLUSTER,
        ),
        example="%kube debug web --target=web -- ps\n%kube debug node/worker-1 -- ls /host",
        command=("kubectl", "debug"),
        body="optional",
        takes="stdin",
        rest_after_first=True,
        dashes=True,
        calls="debug",
        heading="Debug",
    ),
)
