"""`%kpod`: pods; bare `%kpod` is the table."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

from nbcontainer.errors import UsageError
from nbcontainer.magics.calls import TABLE, TTY, YES, Call, Verbs, is_headless, refuse_terminal
from nbcontainer.model.results import Remark, Report
from nbcontainer.model.tables import RowVerb, Tone
from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Verb

__all__ = ["ALL_NAMESPACES", "CONTEXT", "NAMESPACE", "SELECTOR", "VERBS"]

NAMESPACE = option("-n", "--namespace", help="the namespace", completes="namespace")
CONTEXT = option(
    "--context", help="the kubeconfig's context; without a kubeconfig, an engine's docker context", completes="context"
)
VERBS = Verbs(
    "kpod",
    "Pods of the cluster in use, or of Podman where there is none.",
    default="get",
    shared=(NAMESPACE, CONTEXT),
)
SELECTOR = option("-l", "--selector", help="a label selector, such as app=web")
ALL_NAMESPACES = switch("-A", "--all-namespaces", help="of all namespaces")
POD = positional("POD", help="a pod's name", completes="pod", resource="pod")
CONTAINER = option("-c", "--container", help="which container of the pod", completes="pod-container")


@VERBS.add(
    Verb(
        "get",
        "The table of pods. In a notebook it stays live after the cell has ended.",
        (
            positional("POD", help="only these pods", required=False, many=True, completes="pod", resource="pod"),
            ALL_NAMESPACES,
            NAMESPACE,
            SELECTOR,
            option("--field-selector", help="a field selector, such as status.phase=Running"),
            option("-o", "--output", help="wide: with IP and node; name: names alone", choices=("wide", "name")),
            switch("-w", "--watch", help="hold the cell or the terminal, and follow the pods until stopped"),
            option("--timeout", help="stop watching after this time", kind="seconds", own=True),
            CONTEXT,
        ),
        example="%kpod -A\n%kpod -n shop -l app=web -w",
        command=("kubectl", "get", "pods"),
    )
)
def get(call: Call) -> Any:
    """List them; watch them where that was asked for."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above
    from nbcontainer.views.tables import TableView  # noqa: PLC0415 - as above

    values = call.values
    where = {
        "names": tuple(values.pod),
        "all_namespaces": values.all_namespaces,
        "namespace": values.namespace or "",
        "selector": values.selector or "",
        "field_selector": values.field_selector or "",
        "context": values.context or "",
    }
    wide = values.output == "wide"
    if not values.watch:
        table = api.pods(**where)
        if values.output == "name":
            print("\n".join(f"pod/{name}" for name in table.names))  # noqa: T201 - as kubectl does
            return None
        return replace(table, wide=wide, verbs=_row_verbs(table.context, table.server))
    if is_headless() and not values.timeout:
        raise UsageError(
            "Watching would not end here: there is neither a page nor a terminal.", cure="--timeout 30s ends it."
        )
    return show(api.watch_pods(**where, timeout=values.timeout or 0.0), TableView(wide=wide))


def _row_verbs(context: str, server: str) -> tuple[RowVerb, ...]:
    """What the table's rows offer in a page: these very magics, in a cell below, for the place that the table is of."""
    there = f" --table-context={shlex.quote(context)} --table-server={shlex.quote(server)}"
    if not there.isprintable() or "{" in there:  # a name with a line break or a {{…}} would become code in that cell
        return ()
    return (
        RowVerb("l", "logs", f"%kpod logs {{rows}}{there}", many=True),
        RowVerb("d", "describe", f"%kpod describe {{rows}}{there}"),
        RowVerb("x", "exec", f"%kpod exec {{rows}}{there} -- ls /", runs=False),
        RowVerb("Delete", "delete", f"%kpod delete {{rows}}{there}", many=True),
    )


@VERBS.add(
    Verb(
        "create",
        "Creates a pod with one container and waits until it runs.",
        (
            positional("NAME", help="the pod's name"),
            positional(
                "ARGUMENT", help="after --: what runs in place of the image's command", kind="rest", required=False
            ),
            option("--image", help="the container's image", completes="image"),
            NAMESPACE,
            option("--env", help="an environment variable", kind="mapping"),
            option("--port", help="a port of the container", kind="list"),
            option("-l", "--labels", help="labels, such as app=web,tier=front", metavar="KEY=VALUE,…"),
            switch("--command", help="what stands after -- replaces the image's entrypoint, too"),
            option("--image-pull-policy", help="when to pull", choices=("Always", "IfNotPresent", "Never")),
            option("--restart", help="restart policy", choices=("Always", "OnFailure", "Never"), default="Always"),
            switch("--no-wait", help="return at once", own=True),
            option("--timeout", help="how long to wait", kind="seconds", default=60.0, own=True),
            CONTEXT,
        ),
        example="%kpod create web --image=127.0.0.1:5000/team/web:1 --port=8080",
        command=("kubectl", "run"),
        aliases=("run",),
    )
)
def create(call: Call) -> Any:
    """Create it, and wait."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.model.pods import PodRequest  # noqa: PLC0415 - as above
    from nbcontainer.views.pods import PodStartView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above

    values = call.values
    if not values.image:
        raise UsageError("--image is missing.", cure=f"%kpod create {values.name} --image=IMAGE")
    request = PodRequest(
        name=values.name,
        image=values.image,
        namespace=values.namespace or "",
        command=tuple(values.argument),
        entrypoint=values.command,
        environment={key: value or "" for key, value in values.env.items()},
        ports=tuple(_port(word) for word in values.port),
        labels=_labels(values.labels or ""),
        pull_policy=values.image_pull_policy or "",
        restart=values.restart,
        wait=not values.no_wait,
        timeout=values.timeout,
    )
    return show(api.create_pod(request, context=values.context or ""), PodStartView())


def _port(word: str) -> int:
    number = int(word) if word.isdigit() else 0
    if not 0 < number < 65536:  # noqa: PLR2004 - ports have 16 bits
        raise UsageError(f"--port takes a number from 1 to 65535, not {word!r}.")
    return number


def _labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise UsageError(f"--labels takes KEY=VALUE,…, not {part!r}.")
        labels[key] = value
    return labels


@VERBS.add(
    Verb(
        "delete",
        "Deletes pods and waits until they are gone.",
        (
            positional("POD", help="pods' names", many=True, required=False, completes="pod", resource="pod"),
            NAMESPACE,
            SELECTOR,
            switch("--all", help="all pods of the namespace"),
            switch("--force", help="do not wait for them to end well"),
            option("--grace-period", help="seconds to end well", kind="number"),
            YES,
            CONTEXT,
            *TABLE,
        ),
        example="%kpod delete web -y",
        command=("kubectl", "delete", "pod"),
    )
)
def delete(call: Call) -> Any:
    """Show what will go, ask, delete."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.views.pods import PodDeletionView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above

    values = call.values
    if not (values.pod or values.selector or values.all):
        raise UsageError("Which pods? Name them, or give -l SELECTOR or --all.", cure="%kpod delete NAME")
    plan = api.plan_pod_deletion(
        tuple(values.pod),
        namespace=values.namespace or "",
        selector=values.selector or "",
        all=values.all,
        context=call.context,
    )
    if not plan.names:
        what = f"with {values.selector}" if values.selector else "to delete"
        return Report((Remark(f"There are no pods {what} in {plan.home.where}.", Tone.DIM),))
    call.confirm(plan.question)
    return show(plan.delete(force=values.force, grace_period=values.grace_period), PodDeletionView())


@VERBS.add(
    Verb(
        "describe",
        "All about a pod, with its events.",
        (POD, NAMESPACE, CONTEXT, *TABLE),
        example="%kpod describe web",
        command=("kubectl", "describe", "pod"),
    )
)
def describe(call: Call) -> Any:
    """Describe it."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call

    values = call.values
    return api.describe_pod(values.pod, namespace=values.namespace or "", context=call.context)


@VERBS.add(
    Verb(
        "logs",
        "Logs of one pod, or merged of all that a selector names.",
        (
            positional(
                "POD", help="pods' names, or deploy/NAME", many=True, required=False, completes="pod", resource="pod"
            ),
            NAMESPACE,
            SELECTOR,
            CONTAINER,
            switch("--all-containers", help="of all containers"),
            switch("-f", "--follow", help="go on as it is written; pods that appear later join"),
            switch("-p", "--previous", help="of the container before its last restart"),
            option("--tail", help="only the last lines", kind="number", default=-1),
            option("--since", help="only what is younger", kind="seconds", default=0.0),
            switch("--timestamps", help="with the time of each line"),
            option("--timeout", help="stop following after this time", kind="seconds", own=True, default=0.0),
            CONTEXT,
            *TABLE,
        ),
        example="%kpod logs web\n%kpod logs -f -l app=web",
        command=("kubectl", "logs"),
    )
)
def logs(call: Call) -> Any:
    """Show them; following goes on until it is stopped."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.magics.following import log_request, show_log  # noqa: PLC0415 - as above

    values = call.values
    if not values.pod and not values.selector:
        raise UsageError("Whose log? Name a pod, or give -l SELECTOR.", cure="%kpod logs NAME")
    operation = api.pod_logs(log_request(call, tuple(values.pod)), context=call.context)
    return show_log(call, operation)


@VERBS.add(
    Verb(
        "exec",
        "Runs a command in a pod's container. As %%kpod exec, the cell is its standard input.",
        (
            POD,
            positional("COMMAND", help="after --: the command and its arguments", kind="rest"),
            NAMESPACE,
            CONTAINER,
            switch("-i", "--stdin", help="pass standard input on (the cell is it)"),
            TTY,
            option("--timeout", help="stop it after this time", kind="seconds", own=True, default=0.0),
            CONTEXT,
            *TABLE,
        ),
        example="%kpod exec web -- ls /",
        command=("kubectl", "exec"),
        body="optional",
        rest_after_first=True,
        dashes=True,
    )
)
def execute(call: Call) -> Any:
    """Run it; a non-zero exit code raises."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call
    from nbcontainer.model.pods import ExecRequest  # noqa: PLC0415 - as above
    from nbcontainer.views.logs import LogView  # noqa: PLC0415 - as above
    from nbcontainer.views.surfaces import show  # noqa: PLC0415 - as above

    values = call.values
    refuse_terminal(values.tty, "%%kpod exec")
    request = ExecRequest(
        name=values.pod,
        command=tuple(values.command),
        namespace=values.namespace or "",
        container=values.container or "",
        stdin=None if call.cell is None else call.cell.encode(),
        timeout=values.timeout or 0.0,
    )
    title = f"{request.name}: {call.as_written(request.command)}"
    return show(api.exec_pod(request, context=call.context), LogView("Exec", title))


@VERBS.add(
    Verb(
        "events",
        "What happened to pods, newest last.",
        (
            positional(
                "POD", help="only of this pod", required=False, completes="pod", resource="pod", spelled="--for=pod/{}"
            ),
            ALL_NAMESPACES,
            NAMESPACE,
            CONTEXT,
        ),
        example="%kpod events web",
        command=("kubectl", "events"),
    )
)
def events(call: Call) -> Any:
    """The table of events."""
    from nbcontainer import api  # noqa: PLC0415 - loads with the first call

    values = call.values
    return api.events(
        values.pod or "",
        all_namespaces=values.all_namespaces,
        namespace=values.namespace or "",
        context=values.context or "",
    )
