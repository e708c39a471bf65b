"""The declarations of `%kube` that read and remove objects of any kind."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.kube_apply import RAW, SOURCES
from nbcontainer.verbs.shared import (
    ALL_NAMESPACES,
    CLUSTER,
    COUNTED_LINES,
    GRACE_PERIOD,
    NAMESPACE,
    NOW,
    SELECTABLE,
    SELECTOR,
    TABLE,
    YES,
)

KIND = positional("KIND", help="a kind (deploy), several (deploy,svc), or KIND/NAME", completes="kind")
NAMES = positional("NAME", help="only these objects", required=False, many=True, completes="object")
ONE_OBJECT = (
    positional("KIND", help="KIND/NAME, or a kind", completes="kind"),
    positional("NAME", help="the object's name, after a kind", required=False, completes="object"),
)

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
            switch("--all", help="all objects of the kind in the namespace"),
            option(
                "--cascade",
                help="what happens to the objects that they own: they go afterwards, before, or stay",
                choices=("background", "foreground", "orphan"),
                default="background",
            ),
            switch("--force", help="kill pods immediately, without waiting for the node to confirm it"),
            GRACE_PERIOD,
            NOW,
            switch("--ignore-not-found", help="leave out what does not exist"),
            switch("--no-wait", help="return immediately", own=True, to="wait", gives=False),
            *SOURCES,
            RAW,
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
    Verb(
        "tree",
        "Shows an object's owners and what it owns as a tree, with the status of each.",
        (
            *ONE_OBJECT,
            NAMESPACE,
            CLUSTER,
            *TABLE,
        ),
        example="%kube tree deploy/web",
        command=("kubectl", "get"),
        calls="tree",
    ),
    Verb(
        "why",
        "Says why an object is not well, with the evidence; alone, what is wrong in the namespace, worst first.",
        (
            replace(ONE_OBJECT[0], required=False),
            ONE_OBJECT[1],
            NAMESPACE,
            CLUSTER,
            *TABLE,
        ),
        example="%kube why svc/web\n%kube why",
        command=("kubectl", "describe"),
        calls="why",
    ),
    Verb(
        "timeline",
        "Shows what happened to a pod, or to a workload and its pods, over time: states, restarts, events, log lines.",
        (
            *ONE_OBJECT,
            COUNTED_LINES,
            NAMESPACE,
            CLUSTER,
            *TABLE,
        ),
        example="%kube timeline deploy/web",
        command=("kubectl", "events"),
        calls="timeline",
    ),
    Verb(
        "wait",
        "Waits until objects are as wanted: have a condition or a value, exist, or are gone.",
        (
            KIND,
            NAMES,
            option(
                "--for",
                help="condition=NAME[=VALUE], delete, create, or jsonpath={PATH}[=VALUE]",
                required=True,
                to="until",
                suggests=(
                    *(f"condition={name}" for name in ("Ready", "Available", "Complete", "Failed", "Progressing")),
                    *("delete", "create", "jsonpath="),
                ),
            ),
            ALL_NAMESPACES,
            NAMESPACE,
            SELECTOR,
            option("--field-selector", help="a field selector, such as status.phase=Running", suggests=SELECTABLE),
            switch("--all", help="all objects of the kind in the namespace"),
            option("--timeout", help="fail if they are not as wanted by then", kind="seconds", default=30.0),
            CLUSTER,
            *TABLE,
        ),
        example="%kube wait pod/web --for=condition=Ready\n"
        "%kube wait deploy/web --for=jsonpath={.status.readyReplicas}=2",
        command=("kubectl", "wait"),
        calls="wait",
    ),
    Verb(
        "events",
        "Lists events, newest last; in a notebook's live table, newest first.",
        (
            positional(
                "OBJECT",
                help="only events of this object: KIND/NAME",
                required=False,
                spelled="--for={}",
                to="about",
            ),
            option("--for", help="the same: only events of this object", to="subject", completes="kind"),
            option(
                "--types",
                help="only events of these types: Normal, Warning",
                kind="list",
                suggests=("Normal", "Warning"),
            ),
            ALL_NAMESPACES,
            NAMESPACE,
            option("-o", "--output", help="wide: with counts and sources", choices=("wide", "name"), control=True),
            switch(
                "-w", "--watch", help="keep the cell or terminal busy and follow events until stopped", control=True
            ),
            option("--duration", help="stop watching after this time", kind="seconds", own=True, control=True),
            CLUSTER,
            *TABLE,
        ),
        example="%kube events deploy/web\n%kube events -A --types=Warning",
        command=("kubectl", "events"),
        calls="events",
        watches="watch_events",
    ),
)
