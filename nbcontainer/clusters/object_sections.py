"""What kubectl describe tells about Services, Ingresses, configuration, storage, nodes and namespaces. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbcontainer.clusters.label_selectors import selector_text
from nbcontainer.clusters.pod_sections import Facts, Section, conditions, facts, pairs
from nbcontainer.clusters.quantities import quantity
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, texts_of, value_of, words_of

if TYPE_CHECKING:
    from nbcontainer.clusters.neighbours import Neighbours

MOST_ADDRESSES = 10
MOST_CHARACTERS = 2_000  # of one value of a ConfigMap
MOST_PODS = 100  # of a node


def service(found: JsonObject, near: Neighbours) -> list[Section]:
    """A Service, with the addresses that it sends requests to."""
    spec = object_of(found, "spec")
    head = facts(
        ("Selector", selector_text(object_of(spec, "selector")) or "<none>"),
        ("Type", spec.get("type")),
        ("IP Family Policy", spec.get("ipFamilyPolicy")),
        ("IP Families", ", ".join(words_of(spec, "ipFamilies"))),
        ("IP", spec.get("clusterIP")),
        ("IPs", ", ".join(words_of(spec, "clusterIPs"))),
        ("External Name", spec.get("externalName")),
        ("External IPs", ", ".join(words_of(spec, "externalIPs"))),
        ("LoadBalancer Ingress", _balancer(found)),
        ("Session Affinity", spec.get("sessionAffinity")),
        ("Internal Traffic Policy", spec.get("internalTrafficPolicy")),
        ("External Traffic Policy", spec.get("externalTrafficPolicy")),
    )
    name = text_of(found, "metadata", "name")
    slices = [one for one in near.of("EndpointSlice") if _label(one, "kubernetes.io/service-name") == name]
    known = "EndpointSlice" in near.by_kind
    return [("", head), *(_port(one, slices, known=known) for one in entries_of(spec, "ports"))]


def _label(found: JsonObject, name: str) -> str:
    return texts_of(found, "metadata", "labels").get(name, "")


def _port(port: JsonObject, slices: list[JsonObject], *, known: bool) -> Section:
    name, protocol = text_of(port, "name"), text_of(port, "protocol") or "TCP"
    node = f"{port['nodePort']}/{protocol}" if port.get("nodePort") else ""
    addresses = []
    for one in slices:
        numbers = [text_of(its, "port") for its in entries_of(one, "ports") if text_of(its, "name") == name]
        ready = [its for its in entries_of(one, "endpoints") if value_of(its, "conditions", "ready") is not False]
        addresses += [f"{ip}:{number}" for its in ready for ip in words_of(its, "addresses") for number in numbers]
    more = [f"+ {len(addresses) - MOST_ADDRESSES} more"] if len(addresses) > MOST_ADDRESSES else []
    said = ", ".join([*addresses[:MOST_ADDRESSES], *more])
    return f"Port {name or '<unset>'}", facts(
        ("Port", f"{port.get('port')}/{protocol}"),
        ("TargetPort", f"{port.get('targetPort')}/{protocol}"),
        ("NodePort", node),
        ("Endpoints", said or ("<none>: no ready pod has its labels" if known else "<unknown>")),
    )


def _balancer(found: JsonObject) -> str:
    """The addresses of the load balancer in front of it."""
    listed = entries_of(found, "status", "loadBalancer", "ingress")
    return ", ".join(text_of(one, "ip") or text_of(one, "hostname") for one in listed)


def ingress(found: JsonObject, near: Neighbours) -> list[Section]:
    """An Ingress, with its rules."""
    del near
    spec = object_of(found, "spec")
    tls = [
        f"{text_of(one, 'secretName')} terminates {', '.join(words_of(one, 'hosts'))}"
        for one in entries_of(spec, "tls")
    ]
    head = facts(
        ("Ingress Class", spec.get("ingressClassName") or "<none>"),
        ("Address", _balancer(found)),
        ("Default backend", _backend(object_of(spec, "defaultBackend")) or "<default>"),
        ("TLS", "\n".join(tls)),
    )
    rules = [
        (text_of(rule, "host") or "*", f"{text_of(path, 'path') or '/'} → {_backend(object_of(path, 'backend'))}")
        for rule in entries_of(spec, "rules")
        for path in entries_of(rule, "http", "paths")
    ]
    return [("", head), ("Rules", facts(*rules))]


def _backend(backend: JsonObject) -> str:
    port = object_of(backend, "service", "port")
    name = text_of(backend, "service", "name")
    return (
        f"{name}:{text_of(port, 'number') or text_of(port, 'name')}" if name else text_of(backend, "resource", "name")
    )


def config_map(found: JsonObject, near: Neighbours) -> list[Section]:
    """A ConfigMap, with its values; long ones are cut."""
    del near
    binary = {name: f"{_decoded_size(value):,} bytes" for name, value in texts_of(found, "binaryData").items()}
    data = {name: _cut(value) for name, value in texts_of(found, "data").items()}
    return [
        ("", facts(("Immutable", found.get("immutable")))),
        ("Data", facts(*data.items())),
        ("BinaryData", facts(*binary.items())),
    ]


def _cut(text: str) -> str:
    more = len(text) - MOST_CHARACTERS
    return f"{text[:MOST_CHARACTERS]}\n… and {more:,} more characters" if more > 0 else text or '""'


def secret(found: JsonObject, near: Neighbours) -> list[Section]:
    """A Secret: how long each value is, but never the value."""
    del near
    sizes = {name: f"{_decoded_size(value):,} bytes" for name, value in texts_of(found, "data").items()}
    head = facts(("Type", found.get("type")), ("Immutable", found.get("immutable")))
    return [("", head), ("Data", facts(*sizes.items()))]


def _decoded_size(text: str) -> int:
    try:
        return len(b64decode(text))
    except (binascii.Error, ValueError):
        return len(text)


def claim(found: JsonObject, near: Neighbours) -> list[Section]:
    """A PersistentVolumeClaim."""
    del near
    spec, status = object_of(found, "spec"), object_of(found, "status")
    head = facts(
        ("StorageClass", spec.get("storageClassName")),
        ("Status", status.get("phase")),
        ("Volume", spec.get("volumeName") or "<none>"),
        ("Requested", value_of(spec, "resources", "requests", "storage")),
        ("Capacity", value_of(status, "capacity", "storage")),
        ("Access Modes", ", ".join(words_of(status, "accessModes") or words_of(spec, "accessModes"))),
        ("VolumeMode", spec.get("volumeMode")),
    )
    return [("", head), conditions(found)]


def volume(found: JsonObject, near: Neighbours) -> list[Section]:
    """A PersistentVolume."""
    del near
    spec, status = object_of(found, "spec"), object_of(found, "status")
    bound = object_of(spec, "claimRef")
    head = facts(
        ("StorageClass", spec.get("storageClassName")),
        ("Status", status.get("phase")),
        ("Claim", f"{text_of(bound, 'namespace')}/{text_of(bound, 'name')}" if bound else "<none>"),
        ("Reclaim Policy", spec.get("persistentVolumeReclaimPolicy")),
        ("Access Modes", ", ".join(words_of(spec, "accessModes"))),
        ("VolumeMode", spec.get("volumeMode")),
        ("Capacity", value_of(spec, "capacity", "storage")),
        ("Reason", status.get("reason")),
        ("Message", status.get("message")),
    )
    known = {"capacity", "accessModes", "claimRef", "storageClassName", "persistentVolumeReclaimPolicy", "volumeMode"}
    source = {
        f"{kind}.{key}": value
        for kind, detail in spec.items()
        if kind not in known and isinstance(detail, dict)
        for key, value in detail.items()
        if not isinstance(value, dict | list)
    }
    return [("", head), ("Source", facts(*source.items()))]


def namespace(found: JsonObject, near: Neighbours) -> list[Section]:
    """A Namespace, with its quotas and limits."""
    sections: list[Section] = [("", facts(("Status", value_of(found, "status", "phase"))))]
    for one in near.of("ResourceQuota"):
        hard, used = texts_of(one, "spec", "hard"), texts_of(one, "status", "used")
        rows = ((name, f"{used.get(name, '?')} used of {most}") for name, most in hard.items())
        sections.append((f"Resource quota {text_of(one, 'metadata', 'name')}", facts(*rows)))
    for one in near.of("LimitRange"):
        rows = (
            (f"{text_of(limit, 'type')} {bound}", pairs(limit[bound]))
            for limit in entries_of(one, "spec", "limits")
            for bound in ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
            if bound in limit
        )
        sections.append((f"Limit range {text_of(one, 'metadata', 'name')}", facts(*rows)))
    return [*sections, conditions(found)]


def account(found: JsonObject, near: Neighbours) -> list[Section]:
    """A ServiceAccount."""
    del near
    pulls = ", ".join(text_of(one, "name") for one in entries_of(found, "imagePullSecrets"))
    mountable = ", ".join(text_of(one, "name") for one in entries_of(found, "secrets"))
    mounts = found.get("automountServiceAccountToken")
    return [
        (
            "",
            facts(
                ("Image pull secrets", pulls or "<none>"),
                ("Mountable secrets", mountable or "<none>"),
                ("Automount token", mounts if mounts is not None else ""),
            ),
        )
    ]


def node(found: JsonObject, near: Neighbours) -> list[Section]:
    """A Node, with the pods on it and what they request."""
    metadata, spec, status = object_of(found, "metadata"), object_of(found, "spec"), object_of(found, "status")
    prefix = "node-role.kubernetes.io/"
    roles = [key.removeprefix(prefix) for key in object_of(metadata, "labels") if key.startswith(prefix)]
    taints = [
        f"{text_of(one, 'key')}{'=' + text_of(one, 'value') if one.get('value') else ''}:{text_of(one, 'effect')}"
        for one in entries_of(spec, "taints")
    ]
    pods = [one for one in near.of("Pod") if text_of(one, "status", "phase") not in {"Succeeded", "Failed"}]
    head = facts(
        ("Roles", ", ".join(roles) or "<none>"),
        ("Taints", "\n".join(taints) or "<none>"),
        ("Unschedulable", str(bool(spec.get("unschedulable"))).lower()),
        ("PodCIDR", spec.get("podCIDR")),
        ("ProviderID", spec.get("providerID")),
    )
    addresses = ((text_of(one, "type"), text_of(one, "address")) for one in entries_of(status, "addresses"))
    shown = sorted(pods, key=lambda one: (text_of(one, "metadata", "namespace"), text_of(one, "metadata", "name")))
    more = [("…", f"and {len(pods) - MOST_PODS} more")] if len(pods) > MOST_PODS else []
    return [
        ("", head),
        conditions(found),
        ("Addresses", facts(*addresses)),
        ("Capacity", facts(*object_of(status, "capacity").items())),
        ("Allocatable", facts(*object_of(status, "allocatable").items())),
        ("System Info", facts(*object_of(status, "nodeInfo").items())),
        (f"Non-terminated Pods ({len(pods)} in total)", facts(*map(_pod_on_node, shown[:MOST_PODS]), *more)),
        ("Allocated resources", _allocated(pods, texts_of(status, "allocatable"))),
    ]


def _pod_on_node(pod: JsonObject) -> tuple[str, str]:
    name = f"{text_of(pod, 'metadata', 'namespace')}/{text_of(pod, 'metadata', 'name')}"
    asked = [f"{resource} {_total([pod], 'requests', resource)}" for resource in ("cpu", "memory")]
    return name, ", ".join(word for word in asked if not word.endswith(" 0")) or "no requests"


def _allocated(pods: list[JsonObject], allocatable: Mapping[str, str]) -> Facts:
    """What the pods request and may use, and the share of the node that this is."""
    rows = []
    for resource in ("cpu", "memory", "ephemeral-storage"):
        most = quantity(allocatable.get(resource, "0"))
        words = []
        for kind in ("requests", "limits"):
            total = sum(_amounts(pods, kind, resource))
            share = f" ({100 * total / most:.0f}%)" if most else ""
            words.append(f"{kind} {_amount_text(resource, total)}{share}")
        rows.append((resource, ", ".join(words)))
    return facts(*rows)


def _amounts(pods: list[JsonObject], kind: str, resource: str) -> list[float]:
    return [
        quantity(text_of(one, "resources", kind, resource))
        for pod in pods
        for one in entries_of(pod, "spec", "containers")
    ]


def _total(pods: list[JsonObject], kind: str, resource: str) -> str:
    return _amount_text(resource, sum(_amounts(pods, kind, resource)))


def _amount_text(resource: str, amount: float) -> str:
    if resource == "cpu":
        return f"{amount * 1000:.0f}m" if amount else "0"
    for unit, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if amount >= size:
            return f"{amount / size:.3g}{unit}"
    return f"{amount:.0f}"
