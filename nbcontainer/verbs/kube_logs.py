"""The declarations of `%kpod logs` and `%kube logs`: one verb, in both magics."""

from __future__ import annotations

from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import CLUSTER, NAMESPACE, SELECTOR, TABLE

_ARGUMENTS = (
    positional(
        "POD",
        help="a pod's name, or deploy/NAME, job/NAME, svc/NAME …, or /REGEX/ over pods' names; "
        "and which container of it; several pods are pod/NAME pod/NAME",
        many=True,
        required=False,
        completes="pod",
        resource="pod",
        second="container",
        unless=("selector", "all_namespaces"),
        missing="Logs of which pod? Name one, or give -l SELECTOR.",
    ),
    NAMESPACE,
    switch("-A", "--all-namespaces", help="of pods in all namespaces", own=True),
    SELECTOR,
    option("-c", "--container", help="which container of the pod", completes="pod-container"),
    switch("--all-containers", help="logs of all containers, init and ephemeral ones too"),
    switch("-f", "--follow", help="keep showing new output; pods that appear later join"),
    switch("-p", "--previous", help="logs of the container before its last restart"),
    option("--tail", help="only the last lines", kind="number", default=-1),
    option("--since", help="only lines newer than this, such as 10m", kind="seconds", default=0.0),
    option("--since-time", help="only lines since this time, such as 2026-01-02T03:04:05Z", default="", metavar="TIME"),
    switch("--timestamps", help="show the time of each line"),
    switch("--prefix", help="name each line's source, even if there is only one"),
    option("--include", help="only lines that match this regular expression", kind="list", own=True, metavar="REGEX"),
    option("--exclude", help="no lines that match this regular expression", kind="list", own=True, metavar="REGEX"),
    option("--highlight", help="mark what matches this regular expression", kind="list", own=True, metavar="REGEX"),
    option("--max-log-requests", help="the most logs that are followed at the same time", kind="number", default=0),
    option("--duration", help="stop following after this time", kind="seconds", own=True, default=0.0),
    switch("--bg", help="follow in the background, and return the running log immediately", own=True, control=True),
    CLUSTER,
    *TABLE,
)
_SUMMARY = "Shows the logs of a pod, or the merged logs of all pods of a workload, a Service or a selector."

POD_LOGS = Verb(
    "logs",
    _SUMMARY,
    _ARGUMENTS,
    example="%kpod logs web\n%kpod logs -f -l app=web --include error\n%kpod logs /web-.*/ --since 10m",
    command=("kubectl", "logs"),
    calls="pods.logs",
)
VERBS = (
    Verb(
        "logs",
        _SUMMARY,
        _ARGUMENTS,
        example="%kube logs deploy/web\n%kube logs -f svc/web --all-containers",
        command=("kubectl", "logs"),
        calls="logs",
    ),
)
