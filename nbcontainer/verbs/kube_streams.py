"""The declarations of `%kube`: connections to pods."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs import kpod
from nbcontainer.verbs.arguments import option, positional
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE

VERBS = (
    Verb(
        "port-forward",
        "Forwards ports of a pod to this machine, until it is stopped. Without arguments: those that are open.",
        (
            positional("TARGET", help="a pod, or deploy/NAME, svc/NAME …", required=False, completes="object"),
            positional(
                "PORT",
                help="[LOCAL:]REMOTE; :REMOTE picks a free local port",
                required=False,
                many=True,
                to="ports",
            ),
            NAMESPACE,
            option("--address", help="where to listen, instead of 127.0.0.1"),
            option("--pod-running-timeout", help="how long to wait for a pod that runs", kind="seconds", to="timeout"),
            CLUSTER,
        ),
        example="%kube port-forward svc/web 8080:80\n%kube port-forward deploy/web :8080\n%kube port-forward",
        command=("kubectl", "port-forward"),
        calls="port_forward",
    ),
    Verb(
        "cp",
        "Copies a file or a folder to or from a pod's container, by its tar.",
        (
            positional("SOURCE", help="a path on this machine, or [NAMESPACE/]POD:PATH", completes="path"),
            positional("TARGET", help="the same; one of the two is in a pod", completes="path"),
            option("-c", "--container", help="which container of the pod"),
            option(
                "--image",
                help="use the tar of a container for debugging with this image, if the container has none",
                completes="image",
                own=True,
                default="",
            ),
            NAMESPACE,
            CLUSTER,
        ),
        example="%kube cp web:/etc/hosts hosts\n%kube cp data shop/web:/srv",
        command=("kubectl", "cp"),
        calls="cp",
    ),
    replace(
        next(verb for verb in kpod.VERBS if verb.path == "exec"),
        summary="Runs a command in a pod, or in one of deploy/NAME. With %%kube exec, the cell is its standard input.",
        example="%kube exec deploy/web -- ls /",
    ),
)
