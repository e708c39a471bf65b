"""A workload that has fewer ready pods than it wants: pods that cannot be made, a pause, a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.clusters.why.facts import of_condition, of_event
from nbcontainer.json_objects import JsonObject, entries_of, number_of, object_of, text_of
from nbcontainer.model.why import Evidence, Finding

if TYPE_CHECKING:
    from nbcontainer.clusters.why.surroundings import Surroundings
    from nbcontainer.model.commands import ClusterCommands

_REFUSED = "FailedCreate"


def explain(found: JsonObject, near: Surroundings, commands: ClusterCommands) -> tuple[list[Finding], str]:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet: what keeps its pods from being made."""
    wanted, ready = _counts(found)
    status = f"{ready} of {wanted} ready"
    findings = _refused(found, near, commands)
    what, name = _what(found), text_of(found, "metadata", "name")
    if not wanted:
        findings.append(_no_pods_wanted(found, what, commands))
    if object_of(found, "spec").get("paused"):
        cure = f"{commands.kube('rollout', 'resume', what)} lets it go on."
        evidence = (Evidence("spec.paused", "true"),)
        findings.append(
            Finding("Paused", f"The rollout of {what} is paused: changes have no effect.", cure, evidence=evidence)
        )
    for one in entries_of(found, "status", "conditions"):
        if one.get("type") == "Progressing" and one.get("status") == "False" and not findings:
            undo = commands.kube("rollout", "undo", what)
            message = f"The rollout of {what} has not finished in time."
            findings.append(
                Finding(text_of(one, "reason"), message, f"{undo} goes back.", evidence=(of_condition(one),))
            )
    if wanted and not near.pods and not findings:
        evidence = (Evidence("status", f"no pods of {wanted}"),)
        message = f"{what} has no pods yet, although it wants {wanted}."
        cure = f"{commands.kube('describe', text_of(found, 'kind').lower(), name)} shows its events."
        findings.append(Finding("NoPods", message, cure, passing=True, evidence=evidence))
    return findings, status


def _no_pods_wanted(found: JsonObject, what: str, commands: ClusterCommands) -> Finding:
    if text_of(found, "kind") != "DaemonSet":
        cure = f"{commands.kube('scale', what, '--replicas=1')} makes one."
        evidence = (Evidence("spec.replicas", "0"),)
        return Finding("ScaledToZero", f"{what} wants no pods.", cure, evidence=evidence)
    selector = object_of(found, "spec", "template", "spec", "nodeSelector")
    shown = ", ".join(f"{key}={value}" for key, value in selector.items())
    labels = commands.kube("get", "nodes", "--show-labels", namespace="")
    cure = f"No node has the labels that it wants, or tolerates it: {labels} shows those that they have."
    none = Evidence("status.desiredNumberScheduled", "0")
    wanted = Evidence("spec.template.spec.nodeSelector", shown or "none")
    return Finding("NoNodes", f"{what} wants no pods: no node fits it.", cure, evidence=(none, wanted))


def explain_job(found: JsonObject, near: Surroundings, commands: ClusterCommands) -> tuple[list[Finding], str]:
    """A Job: it failed for good, is suspended, or its pods cannot be made."""
    what = _what(found)
    findings = _refused(found, near, commands)
    for one in entries_of(found, "status", "conditions"):
        if one.get("type") == "Failed" and one.get("status") == "True":
            said = text_of(one, "message").strip().rstrip(".")
            message = f"{what} has failed: {said}."
            cure = (
                f"{commands.kube('logs', what)} shows what its pods wrote. To try again, delete it and create it again."
            )
            findings.append(Finding(text_of(one, "reason"), message, cure, evidence=(of_condition(one),)))
    if object_of(found, "spec").get("suspend"):
        patch = commands.kube("patch", what, "--type=merge", "-p", '{"spec":{"suspend":false}}')
        evidence = (Evidence("spec.suspend", "true"),)
        findings.append(Finding("Suspended", f"{what} is suspended.", f"{patch} lets it run.", evidence=evidence))
    counts = object_of(found, "status")
    status = ", ".join(f"{counts[key]} {key}" for key in ("active", "succeeded", "failed") if counts.get(key))
    return findings, status


def explain_cron_job(found: JsonObject, near: Surroundings, commands: ClusterCommands) -> tuple[list[Finding], str]:
    """A CronJob: it is suspended, was never due, or its last Job failed."""
    what, findings = _what(found), []
    if object_of(found, "spec").get("suspend"):
        patch = commands.kube("patch", what, "--type=merge", "-p", '{"spec":{"suspend":false}}')
        evidence = (Evidence("spec.suspend", "true"),)
        findings.append(Finding("Suspended", f"{what} is suspended.", f"{patch} lets it run.", evidence=evidence))
    made = sorted(near.made, key=lambda one: text_of(one, "metadata", "creationTimestamp"))
    last = made[-1] if made else {}
    failed = [one for one in entries_of(last, "status", "conditions") if one.get("type") == "Failed"]
    if failed:
        job = f"job/{text_of(last, 'metadata', 'name')}"
        message = f"The last Job of {what}, {job}, has failed."
        findings.append(
            Finding("JobFailed", message, f"{commands.kube('why', job)} says why.", evidence=(of_condition(failed[0]),))
        )
    seen = text_of(found, "status", "lastScheduleTime")
    return findings, f"last run {seen}" if seen else f"not run yet, schedule {text_of(found, 'spec', 'schedule')}"


def _refused(found: JsonObject, near: Surroundings, commands: ClusterCommands) -> list[Finding]:
    """Pods that the API server refuses to make: a quota, a LimitRange, a webhook, a missing ServiceAccount."""
    events = [event for event in near.events if text_of(event, "reason") == _REFUSED]
    wanted, _ = _counts(found)
    if not events or (len(near.pods) >= wanted and text_of(found, "kind") != "Job"):
        return []
    said = text_of(events[-1], "message").strip()
    cause = said.partition("is forbidden: ")[2] or said.partition(": ")[2] or said
    cure = f"{commands.kube('describe', _what(found))} shows its events."
    if "exceeded quota" in said:
        cure = f"Raise the quota, or ask for less: {commands.kube('describe', 'quota')} shows what is used."
    elif "usage per" in said:
        cure = f"Ask for what the LimitRange allows: {commands.kube('describe', 'limitrange')} shows it."
    elif "serviceaccount" in said and "not found" in said:
        listed = commands.kube("get", "serviceaccounts")
        cure = f"Create the ServiceAccount, or correct its name: {listed} lists those that exist."
    message = f"Pods of {_what(found)} cannot be created: {cause.rstrip('.')}."
    return [Finding(_REFUSED, message, cure, evidence=(of_event(events[-1]),))]


def _counts(found: JsonObject) -> tuple[int, int]:
    """How many pods a workload wants, and how many are ready."""
    kind = text_of(found, "kind")
    if kind == "DaemonSet":
        return number_of(found, "status", "desiredNumberScheduled") or 0, number_of(found, "status", "numberReady") or 0
    replicas = object_of(found, "spec").get("replicas")
    wanted = replicas if isinstance(replicas, int) else 1
    return wanted, number_of(found, "status", "readyReplicas") or 0


def _what(found: JsonObject) -> str:
    return f"{text_of(found, 'kind').lower()}/{text_of(found, 'metadata', 'name')}"
