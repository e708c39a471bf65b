"""Which objects an object uses by name or by labels, and which use it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, texts_of, value_of

MOST_SHOWN = 10  # users of one object that are named
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


class Reference(NamedTuple):
    """An object in the same namespace, or of the cluster, that another uses; `how` says for what."""

    kind: str
    name: str
    how: str


def uses(kind: str, found: JsonObject) -> list[Reference]:
    """What an object of a kind uses, each once, in the object's order."""
    return list(dict.fromkeys(one for one in _uses(kind, found) if one.name))


def _uses(kind: str, found: JsonObject) -> Iterator[Reference]:
    spec = object_of(found, "spec")
    match kind:
        case "Ingress":
            yield from _of_ingress(spec)
        case "HorizontalPodAutoscaler":
            target = object_of(spec, "scaleTargetRef")
            yield Reference(text_of(target, "kind"), text_of(target, "name"), "scales it")
        case "ServiceAccount":
            for key, how in (("secrets", "secret"), ("imagePullSecrets", "image pull secret")):
                yield from (Reference("Secret", text_of(one, "name"), how) for one in entries_of(found, key))
        case "PersistentVolumeClaim":
            yield Reference("PersistentVolume", text_of(spec, "volumeName"), "its volume")
            yield Reference("StorageClass", text_of(spec, "storageClassName"), "its class")
        case "PersistentVolume":
            yield Reference("StorageClass", text_of(spec, "storageClassName"), "its class")
        case "StatefulSet":
            yield Reference("Service", text_of(spec, "serviceName"), "names its pods")
    yield from _of_pod(object_of(template_of(kind, found), "spec"))


def template_of(kind: str, found: JsonObject) -> JsonObject:
    """A pod, or the template of the pods that a workload makes; {} for any other kind."""
    if kind == "Pod":
        return found
    keys = ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
    return object_of(found, *keys)


def _of_ingress(spec: JsonObject) -> Iterator[Reference]:
    backends = [object_of(spec, "defaultBackend")]
    for rule in entries_of(spec, "rules"):
        backends += [object_of(path, "backend") for path in entries_of(rule, "http", "paths")]
    yield from (Reference("Service", text_of(backend, "service", "name"), "routes to it") for backend in backends)
    yield from (Reference("Secret", text_of(one, "secretName"), "TLS") for one in entries_of(spec, "tls"))
    yield Reference("IngressClass", text_of(spec, "ingressClassName"), "its class")


def _of_pod(spec: JsonObject) -> Iterator[Reference]:
    for volume in entries_of(spec, "volumes"):
        how = f"volume {text_of(volume, 'name')}"
        for source in (volume, *entries_of(volume, "projected", "sources")):
            yield Reference("ConfigMap", text_of(source, "configMap", "name"), how)
            secret = text_of(source, "secret", "secretName") or text_of(source, "secret", "name")
            yield Reference("Secret", secret, how)
        yield Reference("PersistentVolumeClaim", text_of(volume, "persistentVolumeClaim", "claimName"), how)
    for container in (one for key in CONTAINERS for one in entries_of(spec, key)):
        for source in entries_of(container, "envFrom"):
            yield Reference("ConfigMap", text_of(source, "configMapRef", "name"), "environment")
            yield Reference("Secret", text_of(source, "secretRef", "name"), "environment")
        for variable in entries_of(container, "env"):
            how = f"variable {text_of(variable, 'name')}"
            yield Reference("ConfigMap", text_of(variable, "valueFrom", "configMapKeyRef", "name"), how)
            yield Reference("Secret", text_of(variable, "valueFrom", "secretKeyRef", "name"), how)
    yield from (
        Reference("Secret", text_of(one, "name"), "image pulls") for one in entries_of(spec, "imagePullSecrets")
    )
    yield Reference("ServiceAccount", text_of(spec, "serviceAccountName"), "runs as it")


def selects(service: JsonObject, labels: Mapping[str, str]) -> bool:
    """Whether a Service sends requests to pods with these labels."""
    wanted = texts_of(service, "spec", "selector")
    return bool(wanted) and wanted.items() <= labels.items()


def used_by(kind: str, found: JsonObject, others: Mapping[str, Iterable[JsonObject]]) -> list[tuple[str, str]]:
    """What uses an object, by kind: ("Services", "web"), ("Pods", "web-1 (volume data)").

    Args:
        kind: the object's kind.
        found: the object.
        others: the objects of other kinds near it, by their kind.
    """
    name = text_of(found, "metadata", "name")
    users: dict[str, list[str]] = {}
    labels = texts_of(template_of(kind, found), "metadata", "labels")
    services = [one for one in others.get("Service", ()) if labels and selects(one, labels)]
    selecting = {text_of(one, "metadata", "name") for one in services}
    if selecting and kind != "Service":
        users["Service"] = [f"{one} (selects its pods)" for one in sorted(selecting)]
    for other, objects in others.items():
        for one in objects:
            hows = [how for used, of, how in uses(other, one) if (used, of) == (kind, name)]
            through = sorted({of for used, of, _ in uses(other, one) if used == "Service" and of in selecting})
            hows += [f"through Service {', '.join(through)}"] if other == "Ingress" and through else []
            if hows:
                said = f"{text_of(one, 'metadata', 'name')} ({', '.join(dict.fromkeys(hows))})"
                users.setdefault(other, []).append(said)
    return [(f"{one}{'es' if one.endswith('s') else 's'}", _several(names)) for one, names in users.items()]


def used(kind: str, found: JsonObject) -> list[tuple[str, str]]:
    """What an object uses, by kind: ("ConfigMap", "settings (volume etc)")."""
    by_kind: dict[str, dict[str, list[str]]] = {}
    for other, name, how in uses(kind, found):
        by_kind.setdefault(other, {}).setdefault(name, []).append(how)
    return [
        (other, _several([f"{name} ({', '.join(hows)})" for name, hows in names.items()]))
        for other, names in by_kind.items()
    ]


def _several(names: list[str]) -> str:
    more = [f"and {len(names) - MOST_SHOWN} more"] if len(names) > MOST_SHOWN else []
    return "\n".join([*names[:MOST_SHOWN], *more])


def claims_of(statefulset: JsonObject) -> list[str]:
    """The names of the volume claims that a StatefulSet makes for each pod, with their sizes."""
    return [
        f"{text_of(one, 'metadata', 'name')}: {value_of(one, 'spec', 'resources', 'requests', 'storage') or '?'}"
        for one in entries_of(statefulset, "spec", "volumeClaimTemplates")
    ]
