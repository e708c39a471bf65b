"""An object of any kind: its conditions, its warnings, and why it does not go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcontainer.clusters.why.facts import of_condition, of_event
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of, words_of
from nbcontainer.model.why import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcontainer.model.commands import ClusterCommands

WELL_IF_TRUE = {
    "Ready",
    "Available",
    "Established",
    "Complete",
    "AbleToScale",
    "ScalingActive",
    "NamesAccepted",
    "Synced",
}
WELL_IF_FALSE = {"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", "ReplicaFailure", "Failed"}
MOST_EVENTS = 3


def explain(found: JsonObject, events: Sequence[JsonObject], commands: ClusterCommands) -> list[Finding]:
    """The conditions that are not as they should be; without any, the last warnings."""
    kind, name = text_of(found, "kind"), text_of(found, "metadata", "name")
    describe = _describe(found, commands)
    findings = []
    for one in entries_of(found, "status", "conditions"):
        word, status = text_of(one, "type"), text_of(one, "status")
        if (word in WELL_IF_TRUE and status != "True") or (word in WELL_IF_FALSE and status == "True"):
            said = text_of(one, "message").strip().rstrip(".") or text_of(one, "reason")
            words = f"{kind} {name}: {word} is {status}" + (f": {said}" if said else "")
            cure = f"{describe} shows more."
            findings.append(Finding(text_of(one, "reason") or word, f"{words}.", cure, evidence=(of_condition(one),)))
    if findings:
        return findings
    warnings = [event for event in events if text_of(event, "type") == "Warning"][-MOST_EVENTS:]
    if not warnings:
        return []
    said = text_of(warnings[-1], "message").strip().rstrip(".")
    message = f"{kind} {name} has a warning: {said}."
    return [
        Finding(
            text_of(warnings[-1], "reason"), message, f"{describe} shows more.", evidence=tuple(map(of_event, warnings))
        )
    ]


def ending(found: JsonObject, commands: ClusterCommands) -> Finding | None:
    """Why an object that was deleted does not go."""
    metadata = object_of(found, "metadata")
    deleted = text_of(metadata, "deletionTimestamp")
    if not deleted:
        return None
    kind, name = text_of(found, "kind"), text_of(metadata, "name")
    holders = [*words_of(metadata, "finalizers"), *words_of(found, "spec", "finalizers")]
    evidence = [Evidence("metadata.deletionTimestamp", deleted)]
    evidence += [Evidence("finalizers", ", ".join(holders))] if holders else []
    blocked = [one for one in entries_of(found, "status", "conditions") if one.get("status") == "True"]
    evidence += [
        of_condition(one) for one in blocked if "Remain" in text_of(one, "type") or "Failure" in text_of(one, "type")
    ]
    held = f" It stays until {', '.join(holders)} is done with it." if holders else ""
    return Finding(
        "Terminating",
        f"{kind} {name} was deleted at {deleted}, and is still there.{held}",
        f"Whoever set the finalizer must remove it; {_describe(found, commands)} shows more.",
        evidence=tuple(evidence),
    )


def _describe(found: JsonObject, commands: ClusterCommands) -> str:
    space = text_of(found, "metadata", "namespace")
    return commands.kube(
        "describe", text_of(found, "kind").lower(), text_of(found, "metadata", "name"), namespace=space
    )
