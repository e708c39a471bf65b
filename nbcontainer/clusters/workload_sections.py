"""What kubectl describe tells about what makes pods: Deployments, StatefulSets, Jobs … Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nbcontainer.clusters.columns import age_text, epoch
from nbcontainer.clusters.label_selectors import selector_text
from nbcontainer.clusters.pod_sections import Facts, Section, conditions, facts, pairs, template_sections
from nbcontainer.clusters.references import claims_of, template_of
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of, texts_of, value_of

if TYPE_CHECKING:
    from nbcontainer.clusters.neighbours import Neighbours

REVISION = "deployment.kubernetes.io/revision"


def deployment(found: JsonObject, near: Neighbours) -> list[Section]:
    """A Deployment, with its ReplicaSets."""
    spec, status = object_of(found, "spec"), object_of(found, "status")
    rolling = object_of(spec, "strategy", "rollingUpdate")
    counts = [
        f"{number_of(spec, 'replicas')} desired",
        f"{number_of(status, 'updatedReplicas')} updated",
        f"{number_of(status, 'replicas')} total",
        f"{number_of(status, 'availableReplicas')} available",
        f"{number_of(status, 'unavailableReplicas')} unavailable",
    ]
    surge = [f"{rolling[key]} {words}" for key, words in _ROLLING if key in rolling]
    sets = near.of("ReplicaSet", found)
    revision = texts_of(found, "metadata", "annotations").get(REVISION)
    new = [one for one in sets if texts_of(one, "metadata", "annotations").get(REVISION) == revision]
    old = [one for one in sets if one not in new and number_of(one, "spec", "replicas")]
    head = facts(
        ("Selector", selector_text(object_of(spec, "selector"))),
        ("Replicas", " | ".join(counts)),
        ("StrategyType", value_of(spec, "strategy", "type")),
        ("MinReadySeconds", number_of(spec, "minReadySeconds")),
        ("RollingUpdateStrategy", ", ".join(surge)),
        ("Paused", "True" if spec.get("paused") else ""),
        ("OldReplicaSets", ", ".join(map(_set_words, old)) or "<none>" if sets else ""),
        ("NewReplicaSet", ", ".join(map(_set_words, new)) or "<none>" if sets else ""),
    )
    return [("", head), *template_sections(template_of("Deployment", found)), conditions(found)]


_ROLLING = (("maxUnavailable", "max unavailable"), ("maxSurge", "max surge"))


def _set_words(found: JsonObject) -> str:
    name, status = text_of(found, "metadata", "name"), object_of(found, "status")
    return f"{name} ({number_of(status, 'replicas')}/{number_of(found, 'spec', 'replicas')} replicas created)"


def replicas(found: JsonObject, near: Neighbours) -> list[Section]:
    """A ReplicaSet or a StatefulSet."""
    spec, status = object_of(found, "spec"), object_of(found, "status")
    strategy = object_of(spec, "updateStrategy")
    partition = value_of(strategy, "rollingUpdate", "partition")
    head = facts(
        ("Selector", selector_text(object_of(spec, "selector"))),
        ("Replicas", f"{number_of(status, 'replicas')} current / {number_of(spec, 'replicas')} desired"),
        ("Pods Status", _pod_counts(near.of("Pod", found)) if "Pod" in near.by_kind else ""),
        ("Update Strategy", strategy.get("type")),
        ("Partition", partition if partition is not None else ""),
        ("Volume Claims", "\n".join(claims_of(found))),
    )
    return [("", head), *template_sections(template_of("ReplicaSet", found)), conditions(found)]


def daemon_set(found: JsonObject, near: Neighbours) -> list[Section]:
    """A DaemonSet."""
    spec, status = object_of(found, "spec"), object_of(found, "status")
    head = facts(
        ("Selector", selector_text(object_of(spec, "selector"))),
        ("Node-Selector", pairs(value_of(spec, "template", "spec", "nodeSelector")) or "<none>"),
        ("Desired Number of Nodes Scheduled", number_of(status, "desiredNumberScheduled")),
        ("Current Number of Nodes Scheduled", number_of(status, "currentNumberScheduled")),
        ("Number of Nodes Scheduled with Up-to-date Pods", number_of(status, "updatedNumberScheduled")),
        ("Number of Nodes Scheduled with Available Pods", number_of(status, "numberAvailable")),
        ("Number of Nodes Misscheduled", number_of(status, "numberMisscheduled")),
        ("Pods Status", _pod_counts(near.of("Pod", found)) if "Pod" in near.by_kind else ""),
    )
    return [("", head), *template_sections(template_of("DaemonSet", found)), conditions(found)]


def job(found: JsonObject, near: Neighbours) -> list[Section]:
    """A Job."""
    spec, status = object_of(found, "spec"), object_of(found, "status")
    began, end = epoch(text_of(status, "startTime")), epoch(text_of(status, "completionTime"))
    active = f"{number_of(status, 'active')} Active ({number_of(status, 'ready')} Ready)"
    ended = f"{number_of(status, 'succeeded')} Succeeded / {number_of(status, 'failed')} Failed"
    pods = near.of("Pod", found)
    head = facts(
        ("Selector", selector_text(object_of(spec, "selector"))),
        ("Parallelism", spec.get("parallelism")),
        ("Completions", spec.get("completions") or "<unset>"),
        ("Completion Mode", spec.get("completionMode")),
        ("Backoff Limit", spec.get("backoffLimit")),
        ("Suspend", str(bool(spec.get("suspend"))).lower()),
        ("Active Deadline Seconds", spec.get("activeDeadlineSeconds")),
        ("TTL Seconds After Finished", spec.get("ttlSecondsAfterFinished")),
        ("Start Time", status.get("startTime")),
        ("Completed At", status.get("completionTime")),
        ("Duration", age_text(end - began) if began and end else ""),
        ("Pods Statuses", f"{active} / {ended}"),
        ("Pods", ", ".join(sorted(text_of(one, "metadata", "name") for one in pods))),
    )
    return [("", head), *template_sections(template_of("Job", found)), conditions(found)]


def cron_job(found: JsonObject, near: Neighbours) -> list[Section]:
    """A CronJob, with its last Jobs."""
    spec, status = object_of(found, "spec"), object_of(found, "status")
    made = sorted(near.of("Job", found), key=lambda one: text_of(one, "metadata", "creationTimestamp"))
    head = facts(
        ("Schedule", spec.get("schedule")),
        ("Time Zone", spec.get("timeZone")),
        ("Concurrency Policy", spec.get("concurrencyPolicy")),
        ("Suspend", spec.get("suspend")),
        ("Successful Job History Limit", spec.get("successfulJobsHistoryLimit")),
        ("Failed Job History Limit", spec.get("failedJobsHistoryLimit")),
        ("Starting Deadline Seconds", spec.get("startingDeadlineSeconds") or "<unset>"),
        ("Last Schedule Time", status.get("lastScheduleTime") or "<unset>"),
        ("Last Successful Time", status.get("lastSuccessfulTime")),
        ("Active Jobs", ", ".join(text_of(one, "name") for one in entries_of(status, "active")) or "<none>"),
        ("Jobs", ", ".join(text_of(one, "metadata", "name") for one in made)),
    )
    return [("", head), *template_sections(template_of("CronJob", found))]


def autoscaler(found: JsonObject, near: Neighbours) -> list[Section]:
    """A HorizontalPodAutoscaler."""
    del near
    spec, status = object_of(found, "spec"), object_of(found, "status")
    target = object_of(spec, "scaleTargetRef")
    counts = f"{number_of(status, 'currentReplicas')} current / {number_of(status, 'desiredReplicas')} desired"
    head = facts(
        ("Reference", f"{text_of(target, 'kind')}/{text_of(target, 'name')}"),
        ("Min replicas", spec.get("minReplicas")),
        ("Max replicas", spec.get("maxReplicas")),
        (f"{text_of(target, 'kind')} pods", counts),
        ("Last Scale Time", status.get("lastScaleTime")),
    )
    return [("", head), ("Metrics (current / target)", _metrics(spec, status)), conditions(found)]


def _metrics(spec: JsonObject, status: JsonObject) -> Facts:
    current = {_metric_name(one): one for one in entries_of(status, "currentMetrics")}
    found = []
    for one in entries_of(spec, "metrics"):
        name, now = _metric_name(one), current.get(_metric_name(one), {})
        found.append((name, f"{_metric_value(now, 'current')} / {_metric_value(one, 'target')}"))
    return facts(*found)


def _metric_name(metric: JsonObject) -> str:
    source = _metric_source(metric)
    return text_of(source, "name") or text_of(source, "metric", "name") or text_of(metric, "type")


def _metric_source(metric: JsonObject) -> JsonObject:
    kind = text_of(metric, "type")
    return object_of(metric, f"{kind[:1].lower()}{kind[1:]}")


def _metric_value(metric: JsonObject, key: str) -> str:
    value = object_of(_metric_source(metric), key)
    percent = value.get("averageUtilization")
    amount = text_of(value, "averageValue") or text_of(value, "value")
    return f"{percent}%" + (f" ({amount})" if amount else "") if percent is not None else amount or "<unknown>"


def _pod_counts(pods: list[JsonObject]) -> str:
    counts = Counter(text_of(one, "status", "phase") for one in pods)
    shown = (("Running", "Running"), ("Pending", "Waiting"), ("Succeeded", "Succeeded"), ("Failed", "Failed"))
    return " / ".join(f"{counts[phase]} {word}" for phase, word in shown)
