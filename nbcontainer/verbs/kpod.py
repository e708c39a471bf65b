"""The declarations of `%kpod`."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs import kube_create, kube_run
from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.kube_logs import POD_LOGS
from nbcontainer.verbs.kube_nodes import top_of_pods
from nbcontainer.verbs.shared import (
    ALL_NAMESPACES,
    CLUSTER,
    COUNTED_LINES,
    GRACE_PERIOD,
    LISTED,
    NAMESPACE,
    NOW,
    SELECTOR,
    TABLE,
    TTY,
    YES,
)

POD = positional("POD", help="a pod's name", completes="pod", resource="pod", to="name")
CONTAINER = option("-c", "--container", help="which container of the pod", completes="pod-container")

VERBS = (
    Verb(
        "get",
        "Lists pods. In a notebook the table stays live after the cell has finished.",
        (
            positional(
                "POD",
                help="only these pods",
                required=False,
                many=True,
                completes="pod",
                resource="pod",
                kind_word=True,
            ),
            *LISTED,
        ),
        example="%kpod -A\n%kpod -n shop -l app=web -w",
        command=("kubectl", "get", "pods"),
        calls="pods.list",
        watches="pods.watch",
        prints="pods.manifests",
    ),
    Verb(
        "create",
        "Creates a pod with one container and waits until it runs.",
        (
            kube_run.NAME,
            kube_create.COMMAND,
            kube_create.IMAGE,
            NAMESPACE,
            kube_run.ENVIRONMENT,
            option("--port", help="a port of the container", kind="list", each="port", to="ports"),
            option("-l", "--labels", help="labels, such as app=web,tier=front", kind="pairs", metavar="KEY=VALUE,…"),
            *kube_run.OF_THE_POD,
            CLUSTER,
        ),
        example="%kpod create web --image=127.0.0.1:5000/team/web:1 --port=8080",
        command=("kubectl", "run"),
        aliases=("run",),
        calls="pods.create",
    ),
    Verb(
        "delete",
        "Deletes pods and waits until they are gone.",
        (
            positional(
                "POD",
                help="pods' names",
                many=True,
                required=False,
                completes="pod",
                resource="pod",
                kind_word=True,
                unless=("selector", "all"),
                missing="Which pods? Name them, or give -l SELECTOR or --all.",
            ),
            NAMESPACE,
            SELECTOR,
            switch("--all", help="all pods of the namespace"),
            switch("--force", help="kill pods immediately, without waiting for the node to confirm it"),
            GRACE_PERIOD,
            NOW,
            YES,
            CLUSTER,
            *TABLE,
        ),
        example="%kpod delete web -y",
        command=("kubectl", "delete", "pod"),
        calls="pods.delete",
        asks="pods.plan_delete",
    ),
    Verb(
        "describe",
        "Shows the details of pods, with their events.",
        (
            replace(
                POD,
                kind_word=True,
                many=True,
                required=False,
                to="names",
                unless=("selector",),
                missing="Which pods? Name them, or give -l SELECTOR.",
            ),
            NAMESPACE,
            SELECTOR,
            CLUSTER,
            *TABLE,
        ),
        example="%kpod describe web",
        command=("kubectl", "describe", "pod"),
        calls="pods.describe",
    ),
    POD_LOGS,
    Verb(
        "why",
        "Says why a pod does not run, is not ready, or does not go, with the evidence and what to do next.",
        (replace(POD, kind_word=True), NAMESPACE, CLUSTER, *TABLE),
        example="%kpod why web",
        command=("kubectl", "describe", "pod"),
        calls="pods.why",
    ),
    Verb(
        "timeline",
        "Shows what happened to a pod over time: its states, restarts and events, and how much it logged.",
        (replace(POD, kind_word=True), COUNTED_LINES, NAMESPACE, CLUSTER, *TABLE),
        example="%kpod timeline web",
        command=("kubectl", "events"),
        calls="pods.timeline",
    ),
    Verb(
        "exec",
        "Runs a command in a pod's container. With %%kpod exec, the cell is its standard input.",
        (
            replace(POD, help="a pod's name, or deploy/NAME, svc/NAME …: a pod of it that is ready"),
            positional("COMMAND", help="after --: the command and its arguments", kind="rest"),
            NAMESPACE,
            CONTAINER,
            switch("-i", "--stdin", help="pass standard input on (the cell body)", control=True),
            TTY,
            option("--timeout", help="stop it and fail after this time", kind="seconds", own=True, default=0.0),
            CLUSTER,
            *TABLE,
        ),
        example="%kpod exec web -- ls /",
        command=("kubectl", "exec"),
        body="optional",
        takes="stdin",
        rest_after_first=True,
        dashes=True,
        calls="pods.exec",
        heading="Exec",
    ),
    Verb(
        "events",
        "Shows the events of pods, newest last; in a notebook's live table, newest first.",
        (
            positional(
                "POD",
                help="only events of this pod",
                required=False,
                completes="pod",
                resource="pod",
                spelled="--for=pod/{}",
                to="name",
            ),
            ALL_NAMESPACES,
            NAMESPACE,
            CLUSTER,
        ),
        example="%kpod events web",
        command=("kubectl", "events"),
        calls="pods.events",
    ),
    top_of_pods("top", "%kpod top --containers --sort-by=memory"),
)
