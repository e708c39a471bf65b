"""The empty fields that `kubectl create -o yaml` prints: those of Go's types that it always writes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

_STATUS: Mapping[str, Object] = {
    "CronJob": {},
    "Deployment": {},
    "HorizontalPodAutoscaler": {"currentMetrics": None, "desiredReplicas": 0},
    "Ingress": {"loadBalancer": {}},
    "Job": {},
    "Namespace": {},
    "Pod": {},
    "PodDisruptionBudget": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
    "ResourceQuota": {},
    "Service": {"loadBalancer": {}},
}
_SPEC: Mapping[str, Object] = {
    "Deployment": {"strategy": {}},
    "Namespace": {},
    "Pod": {"dnsPolicy": "ClusterFirst"},
}


def with_empty_fields(manifest: Mapping[str, Any], namespace: str) -> Object:
    """A manifest with the empty fields that kubectl prints, and the namespace that the call names, "" for none."""
    kind = manifest["kind"]
    metadata = {**manifest["metadata"], **({"namespace": namespace} if namespace else {})}
    made: Object = {**manifest, "metadata": metadata}
    if "spec" in made or kind in _SPEC:
        made["spec"] = _with_resources({**_SPEC.get(kind, {}), **manifest.get("spec", {})})
    return made | ({"status": _STATUS[kind]} if kind in _STATUS else {})


def _with_resources(spec: Object) -> Object:
    """A specification, or one of pods within it, whose containers have a field for resources."""
    made = dict(spec)
    if "containers" in made:
        made["containers"] = [{"resources": {}, **container} for container in made["containers"]]
    for key in ("template", "jobTemplate"):
        if key in made:
            inner = made[key]
            made[key] = {"metadata": {}, **inner, "spec": _with_resources(inner["spec"])}
    return made
