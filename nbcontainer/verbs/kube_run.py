"""The declaration of `%kube run`, and the flags that it shares with `%kpod create`."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.kube_create import COMMAND, COMMON, IMAGE

NAME = positional("NAME", help="the pod's name")
ENVIRONMENT = option("--env", help="an environment variable", kind="mapping", valued=True, to="environment")
OF_THE_POD = (
    switch("--command", help="the command after -- also replaces the image's entrypoint", to="entrypoint"),
    option(
        "--image-pull-policy",
        help="when to pull the image",
        choices=("Always", "IfNotPresent", "Never"),
        to="pull_policy",
    ),
    option("--restart", help="restart policy", choices=("Always", "OnFailure", "Never"), default="Always"),
    switch("--no-wait", help="return immediately", own=True, to="wait", gives=False),
    option("--timeout", help="fail if it does not run by then", kind="seconds", default=60.0, own=True),
)

VERBS = (
    Verb(
        "run",
        "Runs an image in a pod, and waits until it runs.",
        (
            NAME,
            COMMAND,
            IMAGE,
            ENVIRONMENT,
            option("--port", help="the container's port", kind="port"),
            switch("--expose", help="create a Service for the port, too"),
            option("-l", "--labels", help="the labels in place of run=NAME", kind="pairs", metavar="KEY=VALUE,…"),
            option("--annotations", help="an annotation", kind="mapping", valued=True),
            *OF_THE_POD,
            *COMMON,
        ),
        example="%kube run web --image=127.0.0.1:5000/team/web:1 --port=8080 --expose",
        command=("kubectl", "run"),
        calls="run",
    ),
)
