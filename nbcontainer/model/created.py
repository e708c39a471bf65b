"""The manifests that `kubectl create` makes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbcontainer.errors import UsageError

Object = dict[str, Any]


def deployment(name: str, images: Sequence[str], command: Sequence[str], *, replicas: int, port: int | None) -> Object:
    """A Deployment: a container for each image, named after it.

    Raises:
        UsageError: there is a command, but several images.
    """
    if command and len(images) > 1:
        raise UsageError("A command is possible only with a single image.")
    containers: list[Object] = [{"name": _container(image), "image": image} for image in images]
    for container in containers[:1]:  # the port is the first one's, as in kubectl
        if port is not None:
            container["ports"] = [{"containerPort": port}]
        if command:
            container["command"] = list(command)
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return _object("apps/v1", "Deployment", name, spec, labels=labels)


def _container(image: str) -> str:
    name = re.split("[:@]", image.rpartition("/")[2])[0]
    return re.sub("[^-a-z0-9]+", "-", name.lower()).strip("-")


def job(name: str, image: str, command: Sequence[str]) -> Object:
    """A Job that runs one container."""
    return _object("batch/v1", "Job", name, _job_spec(name, image, command, "Never"))


def job_from(name: str, cron_job: Mapping[str, Any]) -> Object:
    """A Job that runs now what a CronJob runs."""
    template, metadata = cron_job["spec"]["jobTemplate"], cron_job["metadata"]
    made = _object("batch/v1", "Job", name, template["spec"], labels=template.get("metadata", {}).get("labels"))
    annotations = template.get("metadata", {}).get("annotations") or {}
    made["metadata"]["annotations"] = {**annotations, "cronjob.kubernetes.io/instantiate": "manual"}
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"]}
    made["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    return made


def cron_job(name: str, image: str, schedule: str, command: Sequence[str], *, restart: str) -> Object:
    """A CronJob that runs one container."""
    template = {"metadata": {"name": name}, "spec": _job_spec(name, image, command, restart)}
    return _object("batch/v1", "CronJob", name, {"schedule": schedule, "jobTemplate": template})


def _job_spec(name: str, image: str, command: Sequence[str], restart: str) -> Object:
    container = {"name": name, "image": image, **({"command": list(command)} if command else {})}
    return {"template": {"spec": {"containers": [container], "restartPolicy": restart}}}


def namespace(name: str) -> Object:
    """A Namespace."""
    return _object("v1", "Namespace", name, None)


def quota(name: str, hard: Mapping[str, str], scopes: Sequence[str]) -> Object:
    """A ResourceQuota: the most that a namespace may have."""
    spec = {**({"hard": dict(hard)} if hard else {}), **({"scopes": list(scopes)} if scopes else {})}
    return _object("v1", "ResourceQuota", name, spec)


def autoscaler(
    workload: Mapping[str, Any], name: str, *, most: int, least: int | None, cpu: str, memory: str
) -> Object:
    """A HorizontalPodAutoscaler for a workload.

    Raises:
        UsageError: a number or an amount is not valid.
    """
    if most < 1 or (least is not None and not 1 <= least <= most):
        raise UsageError("An autoscaler needs 1 ≤ `--min` ≤ `--max`.")
    target = {key: workload[key] for key in ("apiVersion", "kind")} | {"name": workload["metadata"]["name"]}
    spec: Object = {"scaleTargetRef": target, "maxReplicas": most}
    spec |= {"minReplicas": least} if least is not None else {}
    amounts = [("cpu", cpu, "m"), ("memory", memory, "Mi")]
    metrics = [_metric(resource, amount, unit) for resource, amount, unit in amounts if amount]
    spec |= {"metrics": metrics} if metrics else {}
    return _object("autoscaling/v2", "HorizontalPodAutoscaler", name, spec)


def _metric(resource: str, amount: str, unit: str) -> Object:
    """What pods are to use of a resource on average: "70%" of their requests, or an amount; a number is in `unit`."""
    found = re.fullmatch(r"([0-9.]+)([%A-Za-z]*)", amount)
    if found is None:
        raise UsageError(
            f"`--{resource}` is a percentage or an amount, not {amount!r}.", cure=f"Such as 70% or 200{unit}."
        )
    target: Object = {"type": "AverageValue", "averageValue": amount if found[2] else amount + unit}
    if found[2] == "%":
        if not found[1].isdecimal() or int(found[1]) == 0:
            raise UsageError(f"`--{resource}` is a whole percentage, such as 70%, not {amount!r}.")
        target = {"type": "Utilization", "averageUtilization": int(found[1])}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}


def _object(
    api_version: str, kind: str, name: str, spec: Object | None, *, labels: Mapping[str, str] | None = None
) -> Object:
    metadata = {"name": name, **({"labels": dict(labels)} if labels else {})}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata,
        **({"spec": spec} if spec is not None else {}),
    }
