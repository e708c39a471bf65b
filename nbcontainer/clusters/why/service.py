"""A Service that leads nowhere: its selector, its ports, its pods."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from nbcontainer.clusters.why.surroundings import ready_addresses
from nbcontainer.json_objects import JsonObject, entries_of, object_of, text_of
from nbcontainer.model.why import Evidence, Finding

if TYPE_CHECKING:
    from nbcontainer.clusters.why.surroundings import Surroundings
    from nbcontainer.model.commands import ClusterCommands

ALIKE = 0.6


def explain(found: JsonObject, near: Surroundings, commands: ClusterCommands) -> tuple[list[Finding], str]:
    """The Service's own faults; those of its pods are found by the rules for pods."""
    name = text_of(found, "metadata", "name")
    if text_of(found, "spec", "type") == "ExternalName":
        return [], f"another name for {text_of(found, 'spec', 'externalName')}"
    ready = ready_addresses(name, near.slices)
    status = f"{ready} of {len(near.pods)} pods ready" if near.pods else f"{ready} endpoints"
    selector = object_of(found, "spec", "selector")
    shown = ",".join(f"{key}={value}" for key, value in selector.items())
    if not selector:
        if ready:
            return [], status
        message = f"Service {name} has no selector, and nobody has made endpoints for it."
        cure = "Give it a selector with the labels of pods, or create an EndpointSlice for it."
        return [Finding("NoSelector", message, cure, evidence=(Evidence("spec.selector", "none"),))], status
    if not near.pods:
        return [_no_pods(name, shown, near, commands)], status
    return _ports(found, name, near, commands), status


def _no_pods(name: str, shown: str, near: Surroundings, commands: ClusterCommands) -> Finding:
    evidence = [Evidence("spec.selector", shown)]
    close = _nearest(shown, near)
    if close is not None:
        labels = ",".join(f"{key}={value}" for key, value in object_of(close, "metadata", "labels").items())
        evidence.append(Evidence(f"labels of pod/{text_of(close, 'metadata', 'name')}", labels))
    listed = commands.magic("get", "--show-labels")
    return Finding(
        "NoPods",
        f"Service {name} selects no pod: none has the labels {shown}.",
        f"Correct the selector or the pods' labels; {listed} shows them. Or create the pods' workload.",
        evidence=tuple(evidence),
    )


def _nearest(shown: str, near: Surroundings) -> JsonObject | None:
    """The pod whose labels are most like the selector."""
    best, most = None, ALIKE
    for pod in near.all_pods:
        for key, value in object_of(pod, "metadata", "labels").items():
            likeness = difflib.SequenceMatcher(None, f"{key}={value}", shown).ratio()
            if likeness > most:
                best, most = pod, likeness
    return best


def _ports(found: JsonObject, name: str, near: Surroundings, commands: ClusterCommands) -> list[Finding]:
    """Ports that the pods do not have: a name that no container uses, or a number that none declares."""
    declared = [
        port for pod in near.pods for one in entries_of(pod, "spec", "containers") for port in entries_of(one, "ports")
    ]
    names = {text_of(port, "name") for port in declared} - {""}
    numbers = {number for port in declared if isinstance(number := port.get("containerPort"), int)}
    findings = []
    for port in entries_of(found, "spec", "ports"):
        target = port.get("targetPort") or port.get("port")
        evidence = (
            Evidence(f"spec.ports[{port.get('port')}].targetPort", str(target)),
            Evidence(
                "ports of the pods' containers",
                ", ".join(map(str, [*sorted(names), *sorted(numbers)])) or "none",
            ),
        )
        edit = commands.kube("edit", f"svc/{name}")
        if isinstance(target, str) and target not in names:
            message = (
                f"Service {name} leads to the port {target!r}, but no container of its pods has a port of that name."
            )
            findings.append(Finding("NoSuchPort", message, f"Correct targetPort: {edit}.", evidence=evidence))
        elif isinstance(target, int) and numbers and target not in numbers:
            listen = ", ".join(map(str, sorted(numbers)))
            message = f"Service {name} leads to port {target} of its pods, whose containers declare {listen}."
            cure = f"If nothing listens on {target}, correct targetPort: {edit}."
            findings.append(Finding("UndeclaredPort", message, cure, passing=True, evidence=evidence))
    return findings
