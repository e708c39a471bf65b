"""How far the rollout of a workload has come, in the words of `kubectl rollout status`.

Source: k8s.io/kubectl, pkg/polymorphichelpers/rollout_status.go.
"""

from __future__ import annotations

from typing import NamedTuple

from nbcontainer.errors import ApiError, Unsupported
from nbcontainer.json_objects import JsonObject, entries_of, number_of, text_of, value_of

ROLLED_OUT = ("Deployment", "DaemonSet", "StatefulSet")
TIMED_OUT = "ProgressDeadlineExceeded"


class Status(NamedTuple):
    """How far it has come; `ready` of `wanted` pods."""

    message: str
    wanted: int
    ready: int
    is_done: bool = False


def rollout_status(kind: str, name: str, found: JsonObject) -> Status:
    """How far a rollout has come.

    Raises:
        ApiError: it does not progress any more.
        Unsupported: the kind has no rollouts, or is not rolled out by itself.
    """
    if kind not in ROLLED_OUT:
        raise Unsupported(
            "`rollout status`", f"{kind.lower()} {name}", cure="Deployments, DaemonSets and StatefulSets do."
        )
    strategy = text_of(found, "spec", "updateStrategy", "type") or "RollingUpdate"
    if strategy != "RollingUpdate":
        cure = "Its pods are replaced when they are deleted."
        raise Unsupported(f"`rollout status` with the update strategy {strategy}", f"{kind.lower()} {name}", cure=cure)
    return {"Deployment": _deployment, "DaemonSet": _daemon_set, "StatefulSet": _stateful_set}[kind](name, found)


def is_observed(found: JsonObject) -> bool:
    """Whether the status belongs to the object's present specification."""
    return _count(found, "metadata", "generation") <= _count(found, "status", "observedGeneration")


def _deployment(name: str, found: JsonObject) -> Status:
    wanted = _wanted(found)
    total, updated, available = (
        _count(found, "status", key) for key in ("replicas", "updatedReplicas", "availableReplicas")
    )
    waiting = f'Waiting for deployment "{name}" rollout to finish:'
    if not is_observed(found):
        return Status("Waiting for deployment spec update to be observed...", wanted, 0)
    for condition in entries_of(found, "status", "conditions"):
        if condition.get("type") == "Progressing" and condition.get("reason") == TIMED_OUT:
            raise ApiError(
                f'Deployment "{name}" exceeded its progress deadline: {updated} of {wanted} pods are new, '
                f"{available} available.",
                reason=TIMED_OUT,
                cure=f"See `%kube describe deployment/{name}`, or go back with `%kube rollout undo deployment/{name}`.",
            )
    if updated < wanted:
        message = f"{waiting} {updated} out of {wanted} new replicas have been updated..."
    elif total > updated:
        message = f"{waiting} {total - updated} old replicas are pending termination..."
    elif available < updated:
        message = f"{waiting} {available} of {updated} updated replicas are available..."
    else:
        return Status(f'deployment "{name}" successfully rolled out', wanted, available, is_done=True)
    return Status(message, wanted, min(available, updated))


def _daemon_set(name: str, found: JsonObject) -> Status:
    wanted, updated, available = (
        _count(found, "status", key) for key in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    waiting = f'Waiting for daemon set "{name}" rollout to finish:'
    if not is_observed(found):
        return Status("Waiting for daemon set spec update to be observed...", wanted, 0)
    if updated < wanted:
        message = f"{waiting} {updated} out of {wanted} new pods have been updated..."
    elif available < wanted:
        message = f"{waiting} {available} of {wanted} updated pods are available..."
    else:
        return Status(f'daemon set "{name}" successfully rolled out', wanted, available, is_done=True)
    return Status(message, wanted, min(available, updated))


def _stateful_set(_name: str, found: JsonObject) -> Status:
    wanted = _wanted(found)
    ready, updated = (_count(found, "status", key) for key in ("readyReplicas", "updatedReplicas"))
    partition = _count(found, "spec", "updateStrategy", "rollingUpdate", "partition")
    revision = text_of(found, "status", "updateRevision")
    if not is_observed(found):
        return Status("Waiting for statefulset spec update to be observed...", wanted, 0)
    if ready < wanted:
        return Status(f"Waiting for {wanted - ready} pods to be ready...", wanted, ready)
    if updated < wanted - partition:
        message = (
            f"Waiting for partitioned roll out to finish: {updated} out of {wanted - partition} "
            "new pods have been updated..."
        )
        return Status(message, wanted, updated)
    if value_of(found, "spec", "updateStrategy", "rollingUpdate") is not None:  # the API server adds it
        message = f"partitioned roll out complete: {updated} new pods have been updated..."
        return Status(message, wanted, ready, is_done=True)
    if revision != text_of(found, "status", "currentRevision"):
        message = f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}..."
        return Status(message, wanted, min(updated, ready))
    current = _count(found, "status", "currentReplicas")
    message = f"statefulset rolling update complete {current} pods at revision {revision}..."
    return Status(message, wanted, ready, is_done=True)


def _wanted(found: JsonObject) -> int:
    replicas = value_of(found, "spec", "replicas")
    return replicas if isinstance(replicas, int) else 1


def _count(found: JsonObject, *keys: str) -> int:
    return number_of(found, *keys)
