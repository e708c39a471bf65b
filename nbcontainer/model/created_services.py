"""The manifests of Services that `kubectl create service|expose` makes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbcontainer.errors import UsageError

Object = dict[str, Any]

_MOST_PORT = 65535
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9](?:-?[a-z0-9])*")  # RFC 6335, as Kubernetes reads it
_MOST_NAME = 15


def service(
    name: str,
    type: str,  # noqa: A002 - Kubernetes' name
    ports: Sequence[str],
    *,
    cluster_ip: str = "",
    node_port: int | None = None,
    external_name: str = "",
) -> Object:
    """A Service for the pods with the label app=NAME.

    Raises:
        UsageError: a port is not valid, or there is none where one is needed.
    """
    if not ports and type != "ExternalName" and cluster_ip != "None":
        raise UsageError("A Service needs a port.", cure="Write `--tcp=PORT` or `--tcp=PORT:TARGET`.")
    if type == "ExternalName" and not external_name:
        raise UsageError("Another name for which host?", cure="Write `--external-name=HOST`.")
    spec: Object = {"ports": [_port(port) for port in ports]} if ports else {}
    if node_port is not None:
        spec["ports"][0]["nodePort"] = node_port
    spec |= {"selector": {"app": name}, "type": type}
    spec |= {"clusterIP": cluster_ip} if cluster_ip else {}
    spec |= {"externalName": external_name} if external_name else {}
    return service_object(name, spec, {"app": name})


def _port(word: str) -> Object:
    """A port of a Service, from "PORT" or "PORT:TARGET"."""
    port, colon, target = word.partition(":")
    number = _number(port)
    made: Object = {"name": word.replace(":", "-"), "port": number, "protocol": "TCP"}
    return made | {"targetPort": target_port_of(target) if colon else number}


def target_port_of(word: str) -> int | str:
    """A port of the pods: a number or a name.

    Raises:
        UsageError: it is neither.
    """
    return word if len(word) <= _MOST_NAME and _PORT_NAME.fullmatch(word) else _number(word)


def _number(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and 1 <= int(word) <= _MOST_PORT):
        raise UsageError(
            f"{word!r} is not a port.", cure="Ports are 1 to 65535: 80, or 80:8080 for the pods' port 8080."
        )
    return int(word)


def service_for_pod(pod: Mapping[str, Any]) -> Object:
    """A Service of a pod's name, labels and first port."""
    metadata, (container,) = pod["metadata"], pod["spec"]["containers"]
    port = container["ports"][0]["containerPort"]
    spec = {
        "ports": [{"port": port, "protocol": "TCP", "targetPort": port}],
        "selector": dict(metadata["labels"]),
    }
    return service_object(metadata["name"], spec, metadata["labels"])


def service_object(name: str, spec: Mapping[str, Any], labels: Mapping[str, str]) -> Object:
    """A Service of these labels."""
    metadata: Object = {"name": name, **({"labels": dict(labels)} if labels else {})}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": dict(spec)}
