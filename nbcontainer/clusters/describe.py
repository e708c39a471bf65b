"""The description of a pod: kubectl describe's facts, including its events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbcontainer.clusters.columns import age_text
from nbcontainer.clusters.discovery import POD
from nbcontainer.clusters.events import fetch_events
from nbcontainer.clusters.missing import not_found_soon
from nbcontainer.clusters.trouble import pod_status, trouble
from nbcontainer.errors import Forbidden, NotFound
from nbcontainer.model.commands import CLUSTER_IN_USE, ClusterCommands
from nbcontainer.model.pods import Description

if TYPE_CHECKING:
    from nbcontainer.clusters.connection import Cluster
    from nbcontainer.model.tables import Row, Table

__all__ = ["describe", "pod_sections"]

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
    pod: Mapping[str, Any], commands: ClusterCommands = CLUSTER_IN_USE
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The sections of a pod's description: (title, ((name, value), …)); the first has no title."""
    metadata, spec, status = (pod.get(key) or {} for key in ("metadata", "spec", "status"))
    sections: list[tuple[str, Facts]] = [("", _head(pod, metadata, spec, status, commands))]
    for title, key in (("Init container", "initContainers"), ("Container", "containers")):
        statuses = {one["name"]: one for one in status.get(f"{key[:-1]}Statuses") or ()}
        sections += [
            (f"{title} {one['name']}", list(_container(one, statuses.get(one["name"], {}))))
            for one in spec.get(key) or ()
        ]
    sections.append(("Conditions", [(str(one["type"]), _condition(one)) for one in status.get("conditions") or ()]))
    sections.append(("Volumes", [(str(one["name"]), _volume(one)) for one in spec.get("volumes") or ()]))
    sections.append(("Placement", _placement(spec, status)))
    return tuple((title, tuple(facts)) for title, facts in sections if facts)


def _head(pod: Mapping[str, Any], metadata: Any, spec: Any, status: Any, commands: ClusterCommands) -> Facts:
    node, address = spec.get("nodeName") or "<none>", status.get("hostIP")
    facts = [
        ("Name", metadata.get("name")),
        ("Namespace", metadata.get("namespace")),
        ("Priority", spec.get("priority")),
        ("Service Account", spec.get("serviceAccountName")),
        ("Node", f"{node}/{address}" if address else node),
        ("Start Time", status.get("startTime")),
        ("Labels", _pairs(metadata.get("labels"))),
        (
            "Annotations",
            _pairs({key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}),
        ),
        ("Status", pod_status(pod)),
        ("Reason", status.get("reason")),
        ("Message", status.get("message")),
        ("IP", status.get("podIP") or "<none>"),
        ("IPs", ", ".join(one["ip"] for one in status.get("podIPs") or ()) or "<none>"),
        ("Controlled By", ", ".join(f"{one['kind']}/{one['name']}" for one in metadata.get("ownerReferences") or ())),
    ]
    found = trouble(pod, commands)
    if found is not None:
        facts.append(("Why", f"{found.message} {found.cure}"))
    return [(name, str(value)) for name, value in facts if value not in (None, "")]


def _container(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ports = [f"{one['containerPort']}/{one.get('protocol') or 'TCP'}" for one in spec.get("ports") or ()]
    hosts = [str(one["hostPort"]) for one in spec.get("ports") or () if one.get("hostPort")]
    resources = spec.get("resources") or {}
    facts = [
        ("Container ID", status.get("containerID")),
        ("Image", spec.get("image")),
        ("Image ID", status.get("imageID")),
        ("Ports", ", ".join(ports)),
        ("Host Ports", ", ".join(hosts)),
        ("Command", " ".join(spec.get("command") or ())),
        ("Args", " ".join(spec.get("args") or ())),
        ("State", _state(status.get("state"))),
        ("Last State", _state(status.get("lastState"))),
        ("Ready", str(bool(status.get("ready"))) if status else ""),
        ("Restart Count", status.get("restartCount")),
        ("Limits", _pairs(resources.get("limits"))),
        ("Requests", _pairs(resources.get("requests"))),
        ("Liveness", _probe(spec.get("livenessProbe"))),
        ("Readiness", _probe(spec.get("readinessProbe"))),
        ("Startup", _probe(spec.get("startupProbe"))),
        ("Environment", "\n".join(_variable(one) for one in spec.get("env") or ())),
        ("Environment From", "\n".join(_source(one) for one in spec.get("envFrom") or ())),
        ("Mounts", "\n".join(_mount(one) for one in spec.get("volumeMounts") or ())),
    ]
    yield from ((name, str(value)) for name, value in facts if value not in (None, ""))


def _state(state: Mapping[str, Any] | None) -> str:
    if not state:
        return ""
    word, detail = next(iter(state.items()))
    facts = [
        f"exit code {detail['exitCode']}" if "exitCode" in detail else "",
        f"signal {detail['signal']}" if detail.get("signal") else "",
        f"since {detail['startedAt']}" if word == "running" and detail.get("startedAt") else "",
        f"{detail['startedAt']} – {detail.get('finishedAt')}"
        if word == "terminated" and detail.get("startedAt")
        else "",
        str(detail.get("message") or "").strip(),
    ]
    reason = f" ({detail['reason']})" if detail.get("reason") else ""
    more = ", ".join(fact for fact in facts if fact)
    return f"{word.capitalize()}{reason}{': ' + more if more else ''}"


def _probe(probe: Mapping[str, Any] | None) -> str:
    if not probe:
        return ""
    if "httpGet" in probe:
        get = probe["httpGet"]
        place = f"{get.get('host', '')}:{get.get('port')}{get.get('path', '/')}"
        how = f"http-get {get.get('scheme', 'http').lower()}://{place}"
    elif "exec" in probe:
        how = f"exec {probe['exec'].get('command')}"
    elif "tcpSocket" in probe:
        how = f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket'].get('port')}"
    else:
        how = f"grpc {(probe.get('grpc') or {}).get('port')}"
    return (
        f"{how} delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 1)}s "
        f"period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)} "
        f"#failure={probe.get('failureThreshold', 3)}"
    )


def _variable(one: Mapping[str, Any]) -> str:
    """A variable; one that comes from a secret is named, but the secret is never read."""
    source = one.get("valueFrom") or {}
    for kind, words in (("secretKeyRef", "secret"), ("configMapKeyRef", "config map")):
        if kind in source:
            return f"{one['name']}: <key {source[kind].get('key')!r} of {words} {source[kind].get('name')!r}>"
    for kind, key in (("fieldRef", "fieldPath"), ("resourceFieldRef", "resource")):
        if kind in source:
            return f"{one['name']}: ({source[kind].get(key)})"
    return f"{one['name']}: {one.get('value') or ''}"


def _source(one: Mapping[str, Any]) -> str:
    kind = "secret" if "secretRef" in one else "config map"
    name = (one.get("secretRef") or one.get("configMapRef") or {}).get("name")
    return f"{name} ({kind})"


def _mount(one: Mapping[str, Any]) -> str:
    return f"{one['mountPath']} from {one['name']} ({'ro' if one.get('readOnly') else 'rw'})"


def _volume(one: Mapping[str, Any]) -> str:
    for kind, detail in one.items():
        if kind != "name":
            named = (detail or {}).get("name") or (detail or {}).get("secretName") or (detail or {}).get("claimName")
            path = (detail or {}).get("path")
            return kind + (f" {named or path}" if named or path else "")
    return "emptyDir"


def _condition(one: Mapping[str, Any]) -> str:
    parts = [str(one.get("status")), str(one.get("reason") or ""), str(one.get("message") or "")]
    return ": ".join(part for part in parts if part)


def _placement(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Facts:
    tolerations = [
        f"{one.get('key') or '*'}{'=' + one['value'] if one.get('value') else ''}:{one.get('effect') or '*'}"
        + (f" for {one['tolerationSeconds']}s" if "tolerationSeconds" in one else "")
        for one in spec.get("tolerations") or ()
    ]
    facts = [
        ("QoS Class", status.get("qosClass")),
        ("Node-Selectors", _pairs(spec.get("nodeSelector")) or "<none>"),
        ("Tolerations", "\n".join(tolerations)),
    ]
    return [(name, str(value)) for name, value in facts if value]


def _pairs(mapping: Mapping[str, Any] | None) -> str:
    return "\n".join(f"{key}={value}" for key, value in (mapping or {}).items())
