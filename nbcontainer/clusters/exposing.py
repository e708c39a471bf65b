"""The object for which a Service or an autoscaler is made, and its Service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbcontainer.clusters.patching import targets
from nbcontainer.errors import UsageError
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.created_services import service_object, target_port_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcontainer.clusters.connection import Cluster


@dataclass(frozen=True)
class Exposed:
    """An object, with the kind that kubectl takes for it."""

    kind: str
    name: str
    manifest: JsonObject


def read(cluster: Cluster, kind: str, name: str) -> Exposed:
    """The object that "KIND/NAME", or a kind and a name, stand for.

    Raises:
        NotFound: there is none.
        UsageError: these are several.
    """
    found = targets(cluster, (kind, name) if name else (kind,))
    if len(found) != 1:
        raise UsageError(f"One object at a time, not {len(found)}.")
    (target,) = found
    manifest = cluster.run(target.get())
    return Exposed(target.resource.qualified_kind, target.name, manifest)


def service_for(
    exposed: JsonObject,
    name: str,
    *,
    port: int | None,
    target_port: str,
    protocol: str,
    type: str,  # noqa: A002 - Kubernetes' name
    cluster_ip: str,
    selector: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
) -> dict[str, Any]:
    """A Service for the pods of an object, as `kubectl expose` makes it.

    Raises:
        UsageError: the object selects no pods by labels, or declares no port and none is given.
    """
    ports = [{"port": port, "protocol": protocol or "TCP"}] if port is not None else _declared_ports(exposed)
    if not ports:
        raise UsageError("It declares no port.", cure="Write `--port=80`.")
    target = target_port_of(target_port) if target_port else None
    made: list[dict[str, Any]] = [{**one, "targetPort": target if target is not None else one["port"]} for one in ports]
    if len(made) > 1:
        made = [{"name": f"port-{number}", **one} for number, one in enumerate(made, 1)]
    spec: dict[str, Any] = {"ports": made, "selector": dict(selector or _selector(exposed))}
    spec |= {"type": type} if type else {}
    spec |= {"clusterIP": cluster_ip} if cluster_ip else {}
    return service_object(name, spec, labels or _labels(exposed, "metadata", "labels"))


def _selector(exposed: JsonObject) -> dict[str, str]:
    """The labels of an object's pods.

    Raises:
        UsageError: it has none, or selects them in another way.
    """
    match exposed.get("kind"):
        case "Pod":
            found = _labels(exposed, "metadata", "labels")
        case "Service" | "ReplicationController":
            found = _labels(exposed, "spec", "selector")
        case _:
            found = _labels(exposed, "spec", "selector", "matchLabels")
            if object_of(exposed, "spec", "selector").get("matchExpressions"):
                found = {}
    if not found:
        raise UsageError(
            "A Service selects pods by labels alone; this has no such selector.", cure="Write `--selector=app=web`."
        )
    return found


def _labels(found: JsonObject, *path: str) -> dict[str, str]:
    return {key: str(value) for key, value in object_of(found, *path).items()}


def _declared_ports(exposed: JsonObject) -> list[dict[str, Any]]:
    """The ports that an object's containers declare, or a Service's own."""
    if exposed.get("kind") == "Service":
        found = entries_of(object_of(exposed, "spec").get("ports"))
        return [{"port": number_of(one, "port"), "protocol": text_of(one, "protocol") or "TCP"} for one in found]
    spec = (
        object_of(exposed, "spec") if exposed.get("kind") == "Pod" else object_of(exposed, "spec", "template", "spec")
    )
    ports = [port for one in entries_of(spec.get("containers")) for port in entries_of(one.get("ports"))]
    return [{"port": number_of(one, "containerPort"), "protocol": text_of(one, "protocol") or "TCP"} for one in ports]
