"""The description of a pod: kubectl describe's facts, including its events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbcontainer.clusters.columns import age_text
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.events import fetch_events
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.trouble import pod_status, trouble
from nbcontainer.errors import Forbidden, NotFound
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, texts_of, value_of, words_of
from nbcontainer.model.commands import CLUSTER_IN_USE, ClusterCommands
from nbcontainer.model.results import Description

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.tables import Row, Table

Facts = list[tuple[str, str]]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def describe(cluster: Cluster, name: str, namespace: str = "") -> Description:
    """All that is known about a pod, in kubectl's order, and its events, newest last.

    Raises:
        NotFound: there is no such pod.
        ApiError, ClusterUnavailable: the API server refuses, or does not answer.
    """
    cluster = cluster.in_namespace(namespace)
    return cluster.run(_describe(cluster, name))


async def _describe(cluster: Cluster, name: str) -> Description:
    try:
        pod, events = await asyncio.gather(
            cluster.request("GET", POD.path(cluster.namespace, name)),
            _events(cluster, name),
        )
    except NotFound:
        raise await not_found_soon(cluster, (name,)) from None
    now = time.time()
    return Description(
        kind="Pod",
        name=name,
        namespace=cluster.namespace,
        where=cluster.where,
        sections=pod_sections(pod, cluster.commands)
        + ((("Events", (("Events", events),)),) if isinstance(events, str) else ()),
        events=() if isinstance(events, str) else tuple(_event(row, now) for row in events),
        command=cluster.commands.kubectl("describe", "pod", name),
        manifest=pod,
    )


async def _events(cluster: Cluster, name: str) -> Table | str:
    """A pod's events; or why they cannot be read."""
    try:
        return await fetch_events(cluster, name)
    except Forbidden as error:
        return f"they may not be read: {error.message}"


def _event(row: Row, now: float) -> tuple[str, ...]:
    """Type, reason, age, from, message: kubectl's order."""
    seen, kind, reason, _about, message, count, _first, source = row.cells
    times = f" (x{count})" if isinstance(count, int) and count > 1 else ""
    return str(kind), str(reason), age_text(now - float(seen or now)) + times, str(source), str(message)


def pod_sections(
    pod: JsonObject, commands: ClusterCommands = CLUSTER_IN_USE
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The sections of a pod's description: (title, ((name, value), …)); the first has no title."""
    spec, status = object_of(pod, "spec"), object_of(pod, "status")
    sections: list[tuple[str, Facts]] = [("", _head(pod, commands))]
    for title, key in (("Init container", "initContainers"), ("Container", "containers")):
        statuses = {text_of(one, "name"): one for one in entries_of(status, f"{key[:-1]}Statuses")}
        for one in entries_of(spec, key):
            name = text_of(one, "name")
            sections.append((f"{title} {name}", list(_container(one, statuses.get(name, {})))))
    sections.append(
        ("Conditions", [(text_of(one, "type"), _condition(one)) for one in entries_of(status, "conditions")])
    )
    sections.append(("Volumes", [(text_of(one, "name"), _volume(one)) for one in entries_of(spec, "volumes")]))
    sections.append(("Placement", _placement(spec, status)))
    return tuple((title, tuple(facts)) for title, facts in sections if facts)


def _head(pod: JsonObject, commands: ClusterCommands) -> Facts:
    metadata, spec, status = object_of(pod, "metadata"), object_of(pod, "spec"), object_of(pod, "status")
    node, address = text_of(spec, "nodeName") or "<none>", text_of(status, "hostIP")
    annotations = {key: value for key, value in object_of(metadata, "annotations").items() if key != LAST_APPLIED}
    owners = [f"{text_of(one, 'kind')}/{text_of(one, 'name')}" for one in entries_of(metadata, "ownerReferences")]
    facts = [
        ("Name", metadata.get("name")),
        ("Namespace", metadata.get("namespace")),
        ("Priority", spec.get("priority")),
        ("Service Account", spec.get("serviceAccountName")),
        ("Node", f"{node}/{address}" if address else node),
        ("Start Time", status.get("startTime")),
        ("Labels", _pairs(metadata.get("labels"))),
        ("Annotations", _pairs(annotations)),
        ("Status", pod_status(pod)),
        ("Reason", status.get("reason")),
        ("Message", status.get("message")),
        ("IP", text_of(status, "podIP") or "<none>"),
        ("IPs", ", ".join(text_of(one, "ip") for one in entries_of(status, "podIPs")) or "<none>"),
        ("Controlled By", ", ".join(owners)),
    ]
    found = trouble(pod, commands)
    if found is not None:
        facts.append(("Why", f"{found.message} {found.cure}"))
    return [(name, str(value)) for name, value in facts if value not in (None, "")]


def _container(spec: JsonObject, status: JsonObject) -> Iterator[tuple[str, str]]:
    ports = [f"{one.get('containerPort')}/{one.get('protocol') or 'TCP'}" for one in entries_of(spec, "ports")]
    hosts = [str(one["hostPort"]) for one in entries_of(spec, "ports") if one.get("hostPort")]
    facts = [
        ("Container ID", status.get("containerID")),
        ("Image", spec.get("image")),
        ("Image ID", status.get("imageID")),
        ("Ports", ", ".join(ports)),
        ("Host Ports", ", ".join(hosts)),
        ("Command", " ".join(words_of(spec, "command"))),
        ("Args", " ".join(words_of(spec, "args"))),
        ("State", _state(object_of(status, "state"))),
        ("Last State", _state(object_of(status, "lastState"))),
        ("Ready", str(bool(status.get("ready"))) if status else ""),
        ("Restart Count", status.get("restartCount")),
        ("Limits", _pairs(value_of(spec, "resources", "limits"))),
        ("Requests", _pairs(value_of(spec, "resources", "requests"))),
        ("Liveness", _probe(object_of(spec, "livenessProbe"))),
        ("Readiness", _probe(object_of(spec, "readinessProbe"))),
        ("Startup", _probe(object_of(spec, "startupProbe"))),
        ("Environment", "\n".join(_variable(one) for one in entries_of(spec, "env"))),
        ("Environment From", "\n".join(_source(one) for one in entries_of(spec, "envFrom"))),
        ("Mounts", "\n".join(_mount(one) for one in entries_of(spec, "volumeMounts"))),
    ]
    yield from ((name, str(value)) for name, value in facts if value not in (None, ""))


def _state(state: JsonObject) -> str:
    if not state:
        return ""
    word = next(iter(state))
    detail = object_of(state, word)
    facts = [
        f"exit code {detail['exitCode']}" if "exitCode" in detail else "",
        f"signal {detail['signal']}" if detail.get("signal") else "",
        f"since {detail['startedAt']}" if word == "running" and detail.get("startedAt") else "",
        f"{detail['startedAt']} – {detail.get('finishedAt')}"
        if word == "terminated" and detail.get("startedAt")
        else "",
        text_of(detail, "message").strip(),
    ]
    reason = f" ({detail['reason']})" if detail.get("reason") else ""
    more = ", ".join(fact for fact in facts if fact)
    return f"{word.capitalize()}{reason}{': ' + more if more else ''}"


def _probe(probe: JsonObject) -> str:
    if not probe:
        return ""
    if "httpGet" in probe:
        get = object_of(probe, "httpGet")
        place = f"{get.get('host', '')}:{get.get('port')}{get.get('path', '/')}"
        how = f"http-get {(text_of(get, 'scheme') or 'http').lower()}://{place}"
    elif "exec" in probe:
        how = f"exec {value_of(probe, 'exec', 'command')}"
    elif "tcpSocket" in probe:
        how = f"tcp-socket {text_of(probe, 'tcpSocket', 'host')}:{value_of(probe, 'tcpSocket', 'port')}"
    else:
        how = f"grpc {value_of(probe, 'grpc', 'port')}"
    return (
        f"{how} delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 1)}s "
        f"period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)} "
        f"#failure={probe.get('failureThreshold', 3)}"
    )


def _variable(one: JsonObject) -> str:
    """A variable; one that comes from a secret is named, but the secret is never read."""
    name, source = text_of(one, "name"), object_of(one, "valueFrom")
    for kind, words in (("secretKeyRef", "secret"), ("configMapKeyRef", "config map")):
        if kind in source:
            return f"{name}: <key {value_of(source, kind, 'key')!r} of {words} {value_of(source, kind, 'name')!r}>"
    for kind, key in (("fieldRef", "fieldPath"), ("resourceFieldRef", "resource")):
        if kind in source:
            return f"{name}: ({value_of(source, kind, key)})"
    return f"{name}: {text_of(one, 'value')}"


def _source(one: JsonObject) -> str:
    kind = "secret" if "secretRef" in one else "config map"
    name = object_of(one.get("secretRef") or one.get("configMapRef")).get("name")
    return f"{name} ({kind})"


def _mount(one: JsonObject) -> str:
    return f"{text_of(one, 'mountPath')} from {text_of(one, 'name')} ({'ro' if one.get('readOnly') else 'rw'})"


def _volume(one: JsonObject) -> str:
    for kind, detail in one.items():
        if kind != "name":
            named = next(
                filter(None, (text_of(detail, key) for key in ("name", "secretName", "claimName", "path"))), ""
            )
            return kind + (f" {named}" if named else "")
    return "emptyDir"


def _condition(one: JsonObject) -> str:
    parts = [str(one.get("status")), text_of(one, "reason"), text_of(one, "message")]
    return ": ".join(part for part in parts if part)


def _placement(spec: JsonObject, status: JsonObject) -> Facts:
    tolerations = [
        f"{one.get('key') or '*'}{'=' + text_of(one, 'value') if one.get('value') else ''}:{one.get('effect') or '*'}"
        + (f" for {one['tolerationSeconds']}s" if "tolerationSeconds" in one else "")
        for one in entries_of(spec, "tolerations")
    ]
    facts = [
        ("QoS Class", status.get("qosClass")),
        ("Node-TableRequest", _pairs(spec.get("nodeSelector")) or "<none>"),
        ("Tolerations", "\n".join(tolerations)),
    ]
    return [(name, str(value)) for name, value in facts if value]


def _pairs(mapping: object) -> str:
    return "\n".join(f"{key}={value}" for key, value in texts_of(mapping).items())
