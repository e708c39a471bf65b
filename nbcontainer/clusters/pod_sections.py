"""What kubectl describe tells about a pod, and about the pods that a workload makes. Pure."""

from __future__ import annotations

from typing import TypeAlias

from nbcontainer.clusters.pod_status import pod_status
from nbcontainer.clusters.why.pod_rules import trouble
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, texts_of, value_of, words_of
from nbcontainer.model.commands import CLUSTER_IN_USE, ClusterCommands

Facts: TypeAlias = tuple[tuple[str, str], ...]
Section: TypeAlias = tuple[str, Facts]  # its title; that of the first is ""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def facts(*found: tuple[str, object]) -> Facts:
    """The facts that are known: those that are neither None nor empty."""
    return tuple((name, str(value)) for name, value in found if value not in (None, "", (), [], {}))


def sections(*found: tuple[str, Facts]) -> tuple[Section, ...]:
    """The sections with any facts."""
    return tuple(section for section in found if section[1])


def pod_sections(pod: JsonObject, commands: ClusterCommands = CLUSTER_IN_USE) -> tuple[Section, ...]:
    """The sections of a pod's description."""
    spec, status = object_of(pod, "spec"), object_of(pod, "status")
    return sections(
        ("", _head(pod, commands)),
        *container_sections(spec, status),
        conditions(pod),
        volumes(spec),
        ("Placement", _placement(spec, status)),
    )


def container_sections(spec: JsonObject, status: JsonObject) -> list[Section]:
    """A section for each container of a pod, or of a pod's template, which has no status."""
    kinds = (
        ("Init container", "initContainers"),
        ("Container", "containers"),
        ("Ephemeral container", "ephemeralContainers"),
    )
    found: list[Section] = []
    for title, key in kinds:
        statuses = {text_of(one, "name"): one for one in entries_of(status, f"{key[:-1]}Statuses")}
        for one in entries_of(spec, key):
            name = text_of(one, "name")
            found.append((f"{title} {name}", _container(one, statuses.get(name, {}))))
    return found


def template_sections(template: JsonObject) -> list[Section]:
    """The pods that a workload makes, as kubectl describes its pod template."""
    metadata, spec = object_of(template, "metadata"), object_of(template, "spec")
    head = facts(
        ("Labels", pairs(metadata.get("labels"))),
        ("Annotations", pairs(shown_annotations(metadata))),
        ("Service Account", spec.get("serviceAccountName")),
        ("Node Selector", pairs(spec.get("nodeSelector"))),
        ("Priority Class", spec.get("priorityClassName")),
    )
    return [("Pod Template", head), *container_sections(spec, {}), volumes(spec)]


def volumes(spec: JsonObject) -> Section:
    """A pod's volumes."""
    return "Volumes", facts(*((text_of(one, "name"), _volume(one)) for one in entries_of(spec, "volumes")))


def conditions(found: JsonObject) -> Section:
    """The conditions of an object of any kind: status, reason and message."""
    listed = entries_of(found, "status", "conditions")
    return "Conditions", facts(*((text_of(one, "type"), _condition(one)) for one in listed))


def shown_annotations(metadata: JsonObject) -> JsonObject:
    """An object's annotations, without kubectl's copy of the whole manifest."""
    return {key: value for key, value in object_of(metadata, "annotations").items() if key != LAST_APPLIED}


def owners(metadata: JsonObject) -> str:
    """The object's owners: "ReplicaSet/web-1"."""
    return ", ".join(
        f"{text_of(one, 'kind')}/{text_of(one, 'name')}" for one in entries_of(metadata, "ownerReferences")
    )


def _head(pod: JsonObject, commands: ClusterCommands) -> Facts:
    metadata, spec, status = object_of(pod, "metadata"), object_of(pod, "spec"), object_of(pod, "status")
    node, address = text_of(spec, "nodeName") or "<none>", text_of(status, "hostIP")
    found = trouble(pod, commands)
    return facts(
        ("Name", metadata.get("name")),
        ("Namespace", metadata.get("namespace")),
        ("Priority", spec.get("priority")),
        ("Service Account", spec.get("serviceAccountName")),
        ("Node", f"{node}/{address}" if address else node),
        ("Start Time", status.get("startTime")),
        ("Labels", pairs(metadata.get("labels"))),
        ("Annotations", pairs(shown_annotations(metadata))),
        ("Status", pod_status(pod)),
        ("Reason", status.get("reason")),
        ("Message", status.get("message")),
        ("IP", text_of(status, "podIP") or "<none>"),
        ("IPs", ", ".join(text_of(one, "ip") for one in entries_of(status, "podIPs")) or "<none>"),
        ("Controlled By", owners(metadata)),
        ("Why", f"{found.message} {found.cure}" if found is not None else ""),
    )


def _container(spec: JsonObject, status: JsonObject) -> Facts:
    ports = [f"{one.get('containerPort')}/{one.get('protocol') or 'TCP'}" for one in entries_of(spec, "ports")]
    hosts = [str(one["hostPort"]) for one in entries_of(spec, "ports") if one.get("hostPort")]
    return facts(
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
        ("Limits", pairs(value_of(spec, "resources", "limits"))),
        ("Requests", pairs(value_of(spec, "resources", "requests"))),
        ("Liveness", _probe(object_of(spec, "livenessProbe"))),
        ("Readiness", _probe(object_of(spec, "readinessProbe"))),
        ("Startup", _probe(object_of(spec, "startupProbe"))),
        ("Environment", "\n".join(_variable(one) for one in entries_of(spec, "env"))),
        ("Environment From", "\n".join(source_words(one) for one in entries_of(spec, "envFrom"))),
        ("Mounts", "\n".join(_mount(one) for one in entries_of(spec, "volumeMounts"))),
    )


def _state(state: JsonObject) -> str:
    if not state:
        return ""
    word = next(iter(state))
    detail = object_of(state, word)
    details = [
        f"exit code {detail['exitCode']}" if "exitCode" in detail else "",
        f"signal {detail['signal']}" if detail.get("signal") else "",
        f"since {detail['startedAt']}" if word == "running" and detail.get("startedAt") else "",
        f"{detail['startedAt']} – {detail.get('finishedAt')}"
        if word == "terminated" and detail.get("startedAt")
        else "",
        text_of(detail, "message").strip(),
    ]
    reason = f" ({detail['reason']})" if detail.get("reason") else ""
    more = ", ".join(detail for detail in details if detail)
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
    return f"{text_of(one, 'name')}: {variable_value(one)}"


def variable_value(one: JsonObject) -> str:
    """The value of an environment variable; if it comes from a secret, that is named, but never read."""
    source = object_of(one, "valueFrom")
    for kind, words in (("secretKeyRef", "secret"), ("configMapKeyRef", "config map")):
        if kind in source:
            return f"<key {value_of(source, kind, 'key')!r} of {words} {value_of(source, kind, 'name')!r}>"
    for kind, key in (("fieldRef", "fieldPath"), ("resourceFieldRef", "resource")):
        if kind in source:
            return f"({value_of(source, kind, key)})"
    return text_of(one, "value")


def source_words(one: JsonObject) -> str:
    """Where several variables come from: "web (secret)"."""
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
    return facts(
        ("QoS Class", status.get("qosClass")),
        ("Node-Selectors", pairs(spec.get("nodeSelector")) or "<none>"),
        ("Tolerations", "\n".join(tolerations)),
    )


def pairs(mapping: object) -> str:
    """Labels and the like, each on a line of its own."""
    return "\n".join(f"{key}={value}" for key, value in texts_of(mapping).items())
